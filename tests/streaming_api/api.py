"""An API process of a test's own, on the session's stack: it may be killed without hurting other tests."""

import asyncio
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from deploy.handle import StackHandle
from mcsp.ids import uuid7

SERVICES = ("identity", "uploads", "content", "playback", "events", "creators")


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_true(condition: Callable[[], bool], what: str, *, within_s: float = 90) -> None:
    """Wait for a condition; the time is only a limit for a test that fails."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        time.sleep(0.02)


class ApiProcess:
    """``mcsp serve`` with the services of people and media."""

    def __init__(self, stack: StackHandle) -> None:
        self._stack = stack
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path(tempfile.mkdtemp(prefix="mcsp-api-")) / "api.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {**os.environ, **self._stack.env("api"), "MCSP_SERVICE_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._stack.context.command("serve", *SERVICES), env=environment, stdout=log, stderr=log
            )
        await_true(self.ready, "the API is ready")

    def ready(self) -> bool:
        assert self._process
        assert self._process.poll() is None, self.log.read_text()[-3000:]
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def metric(self, name: str) -> float:
        """The value of a counter or gauge without labels."""
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        [value] = [line.split()[1] for line in lines if line.split()[0] == name]
        return float(value)

    def signal(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    def server_errors(self) -> list[str]:
        """What the process wrote about faults of its own."""
        return [line for line in self.log.read_text().splitlines() if "request failed" in line]


class Person:
    """Somebody with an account; ``http`` sends their token."""

    def __init__(self, url: str) -> None:
        name = uuid7().hex
        self.email, self.password = f"{name}@example.org", "correct horse"
        body = {"email": self.email, "password": self.password, "display_name": f"P {name[-6:]}"}
        self.user_id = httpx.post(f"{url}/v1/auth/register", json=body).raise_for_status().json()["user_id"]
        login = httpx.post(f"{url}/v1/auth/login", json=body).raise_for_status().json()
        self.token: str = login["access_token"]
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30)

    def begin(self, size: int = 11, **fields: object) -> dict:
        """An upload begun; what ``POST /v1/uploads`` answers."""
        body = {"filename": "clip.mp4", "size": size, "content_type": "video/mp4", **fields}
        answer = self.http.post("/v1/uploads", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def put(self, upload: dict, content: bytes) -> list[dict]:
        """Every part in S3; what ``complete`` wants to hear."""
        size, parts = upload["part_size"], []
        for part in upload["parts"]:
            at = (part["number"] - 1) * size
            answer = httpx.put(part["url"], content=content[at : at + size], timeout=60)
            assert answer.status_code == 200, answer.text
            parts.append({"number": part["number"], "etag": answer.headers["etag"]})
        return parts

    def complete(self, upload: dict, parts: list[dict], **headers: str) -> httpx.Response:
        path = f"/v1/uploads/{upload['upload_id']}/complete"
        return self.http.post(path, json={"parts": parts}, headers=headers)

    def uploaded(self, content: bytes = b"hello media", **fields: object) -> str:
        """An item whose file has arrived; its id."""
        upload = self.begin(len(content), **fields)
        answer = self.complete(upload, self.put(upload, content))
        assert answer.status_code == 202, answer.text
        return answer.json()["media_id"]


async def at_once(person: Person, requests: list[tuple[str, str, dict]]) -> list[httpx.Response]:
    """Requests of one person (method, path, what httpx takes), all under way together."""
    headers = {"Authorization": f"Bearer {person.token}"}
    base = str(person.http.base_url)
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as client:
        return await asyncio.gather(*(client.request(m, path, **more) for m, path, more in requests))
