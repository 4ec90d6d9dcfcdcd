"""Sending a file: presigned parts straight to the object store, a few at a time, each tried again."""

import asyncio
import mimetypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from mcsp.errors import TransientWorkError
from mcsp.ids import uuid7
from streaming_api.publish.api import Api

PARALLEL = 4
ATTEMPTS = 5
PART_TIMEOUT_S = 300.0

Progress = Callable[[int], None]
"""Called with the number of bytes that have arrived since the last call."""


@dataclass(frozen=True)
class LocalFile:
    """The file to publish: its size in bytes, and what the item is to be called and who may see it."""

    path: Path
    size: int
    title: str | None
    visibility: str

    @classmethod
    def of(cls, path: Path, title: str | None, visibility: str) -> "LocalFile":
        return cls(path, path.stat().st_size, title, visibility)


class SignedPart(msgspec.Struct, frozen=True):
    """Where one part goes."""

    number: int
    url: str


class Upload(msgspec.Struct, frozen=True):
    """An upload that was begun."""

    upload_id: str
    media_id: str
    part_size: int
    parts: list[SignedPart]


class MoreParts(msgspec.Struct, frozen=True):
    """Addresses of further parts."""

    parts: list[SignedPart]


class SentPart(msgspec.Struct, frozen=True):
    """A part that arrived, as ``complete`` wants it."""

    number: int
    etag: str


class Completed(msgspec.Struct, frozen=True):
    """The item whose processing began."""

    media_id: str


async def send_file(api: Api, file: LocalFile, progress: Progress) -> str:
    """Upload a file and complete it; gives the media id. Raises RefusedError, TransientWorkError."""
    key = uuid7().hex
    upload = await api.call("POST", "/v1/uploads", Upload, _request(file), key=key)
    sent = await _send_parts(api, upload, file, progress)
    body = {"parts": sent}
    done = await api.call("POST", f"/v1/uploads/{upload.upload_id}/complete", Completed, body, key=f"{key}-c")
    return done.media_id


def _request(file: LocalFile) -> dict[str, str | int]:
    request: dict[str, str | int] = {
        "filename": file.path.name,
        "size": file.size,
        "content_type": mimetypes.guess_type(file.path.name)[0] or "application/octet-stream",
        "visibility": file.visibility,
    }
    return request | ({"title": file.title} if file.title else {})


async def _send_parts(api: Api, upload: Upload, file: LocalFile, progress: Progress) -> list[SentPart]:
    count = max(1, -(-file.size // upload.part_size))
    waiting: asyncio.Queue[SignedPart | None] = asyncio.Queue(PARALLEL)
    sent: list[SentPart] = []

    async def sender() -> None:
        while (part := await waiting.get()) is not None:
            at = (part.number - 1) * upload.part_size
            data = await asyncio.to_thread(_read, file.path, at, upload.part_size)
            sent.append(SentPart(part.number, await _put(api.http, part, data)))
            progress(len(data))

    async def feeder() -> None:
        parts, given = upload.parts, 0
        while given < count:
            for part in parts:
                await waiting.put(part)
            given += len(parts)
            if given < count:
                where = f"/v1/uploads/{upload.upload_id}/parts?from={given + 1}"
                parts = (await api.call("GET", where, MoreParts)).parts
        for _ in range(PARALLEL):
            await waiting.put(None)

    async with asyncio.TaskGroup() as group:
        group.create_task(feeder())
        for _ in range(PARALLEL):
            group.create_task(sender())
    return sorted(sent, key=lambda part: part.number)


def _read(path: Path, at: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(size)


async def _put(http: httpx.AsyncClient, part: SignedPart, data: bytes) -> str:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            answer = await http.put(part.url, content=data, timeout=PART_TIMEOUT_S)
            answer.raise_for_status()
            return answer.headers["etag"].strip('"')
        except (httpx.HTTPError, KeyError) as error:
            if attempt == ATTEMPTS:
                raise TransientWorkError(
                    "part_not_sent", f"Part {part.number} could not be sent: {error!r}",
                    action="Check the connection and publish again.",
                ) from error  # fmt: skip
            await asyncio.sleep(0.2 * 2**attempt)
    raise AssertionError("the last attempt returns or raises")
