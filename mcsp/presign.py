"""Presigned S3 addresses, made offline with botocore's signer (about 60 µs each, no request).

What does not belong here: signed media paths of the PoP; see ``streaming_api.playback``.
"""

from urllib.parse import quote

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from mcsp.settings import S3Settings


class Presigner:
    """Signs addresses of one store with one key. ``public_endpoint`` is what they name, if set."""

    def __init__(self, settings: S3Settings) -> None:
        self._internal = settings.endpoint.rstrip("/")
        self._public = (settings.public_endpoint or settings.endpoint).rstrip("/")
        self._region = settings.region
        self._credentials = Credentials(settings.access_key, settings.secret_key.get_secret_value())

    def get(self, bucket: str, key: str, expires_s: int, *, internal: bool = False) -> str:
        """An address that reads the object for ``expires_s`` seconds, ranges included."""
        return self._sign("GET", bucket, key, expires_s, {}, internal=internal)

    def part(
        self,
        bucket: str,
        key: str,
        upload: str,
        number: int,
        expires_s: int,
        *,
        size_bytes: int | None = None,
    ) -> str:
        """An address that takes the PUT of part ``number`` (from 1) for ``expires_s`` seconds.

        With ``size_bytes`` the store refuses a body of any other length (Content-Length is signed).
        """
        query = {"partNumber": str(number), "uploadId": upload}
        headers = {} if size_bytes is None else {"Content-Length": str(size_bytes)}
        return self._sign("PUT", bucket, key, expires_s, query, internal=False, headers=headers)

    def _sign(
        self,
        method: str,
        bucket: str,
        key: str,
        expires_s: int,
        query: dict[str, str],
        *,
        internal: bool,
        headers: dict[str, str] | None = None,
    ) -> str:
        base = self._internal if internal else self._public
        request = AWSRequest(method, f"{base}/{bucket}/{quote(key)}", params=query, headers=headers)
        S3SigV4QueryAuth(self._credentials, "s3", self._region, expires=expires_s).add_auth(request)
        return str(request.prepare().url)
