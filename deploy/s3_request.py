"""Single signed requests to the object store, for probes and bootstrap. Services use ``mcsp``'s S3 client."""

from dataclasses import dataclass, field

import httpx
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from deploy.http import no_tls

REGION = "us-east-1"


@dataclass(frozen=True)
class Identity:
    """A key pair."""

    access_key: str
    secret_key: str = field(repr=False)


class S3RequestError(Exception):
    """The store could not be reached or answered with another status than accepted."""


async def request(
    endpoint: str,
    identity: Identity,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    accept: tuple[int, ...] = (200, 204),
) -> bytes:
    """Send one request signed by AWS Signature Version 4; gives the body of the answer."""
    unsigned = AWSRequest(method, endpoint + path, data=body)
    S3SigV4Auth(Credentials(identity.access_key, identity.secret_key), "s3", REGION).add_auth(unsigned)
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False, verify=no_tls()) as client:
            answer = await client.request(
                method, endpoint + path, content=body, headers=dict(unsigned.headers)
            )
    except httpx.HTTPError as error:
        raise S3RequestError(f"{method} {path}: {error or type(error).__name__}") from error
    if answer.status_code not in accept:
        raise S3RequestError(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
    return answer.content
