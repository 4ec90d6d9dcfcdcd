"""The object store: one shared asynchronous S3 client per process, with bounded retries and timeouts.

Every reference is (bucket, key). What does not belong here: which keys exist; see ``media_ops`` and
``streaming_api.uploads``. Presigning is offline and lives in ``mcsp.presign``.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import ClientError
from botocore.handlers import add_expect_header

from mcsp.errors import ConflictError, InvalidInputError
from mcsp.s3_errors import MISSING, code_of, named, unavailable
from mcsp.s3_shapes import MultipartPosition, ObjectHead, OpenMultipart, Part, StoredObject
from mcsp.settings import S3Settings

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 15
ATTEMPTS = 3
POOL = 64
CONFLICTS = {"ConditionalRequestConflict", "OperationAborted"}
"""S3's answer (409) to two conditional writes of one key at once: nothing is written, ask again."""
CONFLICT_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)

_CONFIG = AioConfig(
    connect_timeout=CONNECT_TIMEOUT_S,
    read_timeout=READ_TIMEOUT_S,
    max_pool_connections=POOL,
    retries={"mode": "standard", "max_attempts": ATTEMPTS},
    signature_version="s3v4",
    # Checksums by trailer cost a second pass and are refused by some stores; ETag and size are checked.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    s3={"addressing_style": "path", "payload_signing_enabled": False},
)


def _etag(raw: str) -> str:
    return raw.strip('"')


class ObjectStore:
    """The operations MCSP needs. Raises NotFoundError, InvalidInputError and UnavailableError."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def put(
        self, bucket: str, key: str, body: bytes, content_type: str, cache_control: str = ""
    ) -> str:
        """Write an object, replacing what is there; gives its ETag."""
        async with named(f"put {key}"):
            answer = await self._client.put_object(**_put(bucket, key, body, content_type, cache_control))
        return _etag(answer["ETag"])

    async def put_once(
        self, bucket: str, key: str, body: bytes, content_type: str, cache_control: str = ""
    ) -> bool:
        """Write an object unless it exists (``If-None-Match: *``); False when another was the first."""
        request = _put(bucket, key, body, content_type, cache_control)
        async with named(f"put {key}"):
            for pause in CONFLICT_PAUSES_S:
                if (written := await self._put_new(request)) is not None:
                    return written
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 -- jitter, no secret
        raise unavailable(f"put {key}", "others write it again and again")

    async def _put_new(self, request: dict[str, Any]) -> bool | None:
        """Whether we were the first; None where another writes it at this moment: ask again."""
        try:
            await self._client.put_object(**request, IfNoneMatch="*")
        except ClientError as error:
            code, status = code_of(error)
            if status == HTTPStatus.PRECONDITION_FAILED:
                return False
            if code in CONFLICTS:
                return None
            raise
        return True

    async def replace(
        self, bucket: str, key: str, body: bytes, content_type: str, cache_control: str = "", *,
        seen: str | None,
    ) -> str:  # fmt: skip
        """Write an object if it is still the one whose ETag was ``seen`` (None: not there); gives its ETag.

        ConflictError when it is another by now. That other may be this very write, sent twice by a retry.
        """
        request = _put(bucket, key, body, content_type, cache_control)
        condition = {"IfNoneMatch": "*"} if seen is None else {"IfMatch": f'"{seen}"'}
        async with named(f"put {key}"):
            try:
                answer = await self._client.put_object(**request, **condition)
            except ClientError as error:
                code, status = code_of(error)
                if status == HTTPStatus.PRECONDITION_FAILED or code == "NoSuchKey":
                    raise ConflictError("object_changed", f"{key} is not what was seen any more") from error
                raise
        return _etag(answer["ETag"])

    async def get(self, bucket: str, key: str, first: int | None = None, last: int | None = None) -> bytes:
        """The bytes of an object, or those from ``first`` to ``last`` inclusive."""
        wanted = {} if first is None else {"Range": f"bytes={first}-{'' if last is None else last}"}
        async with named(f"get {key}"):
            answer = await self._client.get_object(Bucket=bucket, Key=key, **wanted)
            async with answer["Body"] as body:
                return await body.read()

    async def head(self, bucket: str, key: str) -> ObjectHead:
        """ETag, size and type of an object."""
        async with named(f"head {key}"):
            answer = await self._client.head_object(Bucket=bucket, Key=key)
        return ObjectHead(
            _etag(answer["ETag"]), answer["ContentLength"],
            answer.get("ContentType", ""), answer.get("CacheControl", ""),
        )  # fmt: skip

    async def list(self, bucket: str, prefix: str = "", *, after: str = "") -> AsyncIterator[StoredObject]:
        """Every object under ``prefix`` whose key follows ``after``, in key order."""
        more: dict[str, str] = {"StartAfter": after} if after else {}
        while True:
            async with named(f"list {prefix}"):
                page = await self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, **more)
            for item in page.get("Contents", ()):
                yield StoredObject(item["Key"], item["Size"], _etag(item["ETag"]), item["LastModified"])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    async def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Delete objects, a thousand a request; what is missing counts as deleted."""
        for at in range(0, len(keys), 1000):
            chunk = [{"Key": key} for key in keys[at : at + 1000]]
            async with named(f"delete {len(chunk)} objects"):
                answer = await self._client.delete_objects(
                    Bucket=bucket, Delete={"Objects": chunk, "Quiet": True}
                )
            if failed := answer.get("Errors"):
                raise unavailable(
                    f"delete {len(chunk)} objects", f"{len(failed)} remain, such as {failed[0]}"
                )

    async def delete_prefix(self, bucket: str, prefix: str) -> int:
        """Delete all objects under a non-empty prefix; gives how many there were."""
        if not prefix:
            raise InvalidInputError("empty_prefix", "Refusing to delete a whole bucket.")
        keys = [item.key async for item in self.list(bucket, prefix)]
        await self.delete(bucket, keys)
        return len(keys)

    async def create_multipart(self, bucket: str, key: str, content_type: str) -> str:
        """Begin a multipart upload; gives the store's id of it."""
        async with named(f"create upload {key}"):
            answer = await self._client.create_multipart_upload(
                Bucket=bucket, Key=key, ContentType=content_type
            )
        return answer["UploadId"]

    async def list_parts(self, bucket: str, key: str, upload: str) -> Sequence[Part]:
        """The parts that the store holds of an unfinished upload, by number."""
        parts: list[Part] = []
        marker: dict[str, int] = {}
        while True:
            async with named(f"list parts {key}"):
                page = await self._client.list_parts(Bucket=bucket, Key=key, UploadId=upload, **marker)
            parts += [Part(p["PartNumber"], _etag(p["ETag"]), p["Size"]) for p in page.get("Parts", ())]
            if not page.get("IsTruncated"):
                return parts
            marker = {"PartNumberMarker": int(page["NextPartNumberMarker"])}

    async def list_multipart(
        self, bucket: str, prefix: str, limit: int, after: MultipartPosition | None = None
    ) -> tuple[Sequence[OpenMultipart], MultipartPosition | None]:
        """At most ``limit`` (up to 1,000) unfinished multipart uploads of keys under ``prefix`` behind
        ``after``, in the store's own order, and where to go on, or None at the end."""
        markers = {"KeyMarker": after.key, "UploadIdMarker": after.upload} if after else {}
        async with named(f"list uploads {prefix}"):
            page = await self._client.list_multipart_uploads(
                Bucket=bucket, Prefix=prefix, MaxUploads=limit, **{k: v for k, v in markers.items() if v}
            )
        found = [OpenMultipart(u["Key"], u["UploadId"], u["Initiated"]) for u in page.get("Uploads", ())]
        at = MultipartPosition(page.get("NextKeyMarker") or "", page.get("NextUploadIdMarker") or "")
        return found, at if page.get("IsTruncated") and at != MultipartPosition() else None

    async def complete_multipart(self, bucket: str, key: str, upload: str, parts: Sequence[Part]) -> str:
        """Join the parts into the object; gives its ETag. InvalidInputError when an ETag does not match."""
        listed = [{"PartNumber": p.number, "ETag": f'"{p.etag}"'} for p in parts]
        async with named(f"complete upload {key}"):
            answer = await self._client.complete_multipart_upload(
                Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": listed}
            )
        return _etag(answer["ETag"])

    async def abort_multipart(self, bucket: str, key: str, upload: str) -> None:
        """Drop an unfinished upload and its parts; one that is gone already counts as dropped."""
        async with named(f"abort upload {key}"):
            try:
                await self._client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
            except ClientError as error:
                if code_of(error)[0] not in MISSING:
                    raise

    async def check(self, bucket: str) -> None:
        """Readiness: the bucket answers."""
        async with named(f"head bucket {bucket}"):
            await self._client.head_bucket(Bucket=bucket)


def _put(bucket: str, key: str, body: bytes, content_type: str, cache_control: str) -> dict[str, Any]:
    request = {"Bucket": bucket, "Key": key, "Body": body, "ContentType": content_type}
    return request | ({"CacheControl": cache_control} if cache_control else {})


@asynccontextmanager
async def open_store(settings: S3Settings) -> AsyncIterator[ObjectStore]:
    """The process's store client; open it once and share it (its connection pool is inside)."""
    async with get_session().create_client(
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key.get_secret_value(),
        config=_CONFIG,
    ) as client:
        # Waiting for "100 Continue" has no bound here: an answer lost under load hung a job for good.
        client.meta.events.unregister("before-call.s3", add_expect_header)
        yield ObjectStore(client)
