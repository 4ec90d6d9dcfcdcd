"""A creator, as the benches need one: an account, uploads by parts, and the times between."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

POLL_S = 0.01
PARALLEL = 4


class Creator:
    """Somebody with an account on the API at ``url``."""

    def __init__(self, url: str) -> None:
        name = uuid4().hex
        body = {
            "email": f"{name}@example.org",
            "password": f"bench {name}",
            "display_name": f"Bench {name[:6]}",
        }
        httpx.post(f"{url}/v1/auth/register", json=body, timeout=30).raise_for_status()
        login = httpx.post(f"{url}/v1/auth/login", json=body, timeout=30).raise_for_status().json()
        headers = {"Authorization": f"Bearer {login['access_token']}"}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=60)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request that has to succeed; gives the answer's JSON, None where there is none."""
        answer = self.http.request(method, path, json=body, headers={"Idempotency-Key": uuid4().hex})
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def begin(self, size: int, filename: str) -> "Begun":
        """An upload of that many bytes, with every part's address."""
        body = {"filename": filename, "size": size, "content_type": "video/mp4"}
        made = self.call("POST", "/v1/uploads", body)
        parts, count = made["parts"], -(-size // made["part_size"])
        while len(parts) < count:
            parts += self.call("GET", f"/v1/uploads/{made['upload_id']}/parts?from={len(parts) + 1}")["parts"]
        return Begun(made["upload_id"], made["media_id"], made["part_size"], [part["url"] for part in parts])

    def send(self, file: Path) -> tuple["Begun", list[dict[str, Any]]]:
        """Every part of a file in the store; not completed yet."""
        begun = self.begin(file.stat().st_size, file.name)
        sent = []
        with file.open("rb") as source, httpx.Client(timeout=120) as store:
            for number, url in enumerate(begun.urls, 1):
                answer = store.put(url, content=source.read(begun.part_size)).raise_for_status()
                sent.append({"number": number, "etag": answer.headers["etag"].strip('"')})
        return begun, sent

    def complete(self, begun: "Begun", parts: list[dict[str, Any]]) -> None:
        """Makes the upload an item."""
        self.call("POST", f"/v1/uploads/{begun.upload_id}/complete", {"parts": parts})

    def seconds_until_playable(self, media_id: str, *, limit_s: float = 120) -> float:
        """Until playback answers and the list that it names is there. Raises RuntimeError on a card."""
        began = time.perf_counter()
        while time.perf_counter() - began < limit_s:
            answer = self.http.get(f"/v1/playback/{media_id}")
            if answer.status_code == 200:
                httpx.get(answer.json()["hls_url"], timeout=30).raise_for_status()
                return time.perf_counter() - began
            self._raise_on_card(media_id)
            time.sleep(POLL_S)
        raise RuntimeError(f"{media_id} is not playable after {limit_s:.0f} s")

    def seconds_until(self, media_id: str, status: str, *, limit_s: float = 900) -> float:
        """From now until the item has that status."""
        began = time.perf_counter()
        while time.perf_counter() - began < limit_s:
            if self.call("GET", f"/v1/media/{media_id}")["status"] == status:
                return time.perf_counter() - began
            self._raise_on_card(media_id)
            time.sleep(POLL_S)
        raise RuntimeError(f"{media_id} is not {status} after {limit_s:.0f} s")

    def delete(self, media_id: str) -> None:
        """Takes the item away; its work is cancelled."""
        self.call("DELETE", f"/v1/media/{media_id}")

    def _raise_on_card(self, media_id: str) -> None:
        item = self.call("GET", f"/v1/media/{media_id}")
        if item["status"] in {"failed", "rejected"}:
            raise RuntimeError(f"{media_id}: {item.get('failure')}")


@dataclass(frozen=True)
class Begun:
    """An upload that was begun: ids, part size in bytes, presigned addresses in order."""

    upload_id: str
    media_id: str
    part_size: int
    urls: list[str]
