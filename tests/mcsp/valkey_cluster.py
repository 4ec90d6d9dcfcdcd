"""A cluster of two real Valkey servers that share the hash slots; for tests, below a folder of theirs."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot

from deploy import programs
from deploy.handle import free_port_base
from tests.streaming_api.api import await_true

HALF = 8192
SLOTS = 16384


@dataclass(frozen=True)
class Node:
    """One server of the cluster."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def ask(self, *words: str | int) -> Any:
        """The answer of this very node, which may be that another one is in charge."""
        with redis.Redis(port=self.port, decode_responses=True) as client:
            return client.execute_command(*words)

    def answers(self) -> bool:
        assert self.process.poll() is None, "valkey ended"
        try:
            return bool(self.ask("PING"))
        except redis.ConnectionError:
            return False

    def knows_all(self) -> bool:
        """It sees the other node and every slot in somebody's hands."""
        told = self.ask("CLUSTER INFO")
        return told["cluster_state"] == "ok" and told["cluster_known_nodes"] == "2"


@dataclass(frozen=True)
class Cluster:
    """Node 0 has the lower half of the slots, node 1 the upper one."""

    nodes: tuple[Node, Node]

    def holder(self, key: str) -> int:
        """Which node has a key to begin with."""
        return key_slot(key.encode()) // HALF

    def keys(self) -> list[set[str]]:
        return [set(node.ask("KEYS", "*")) for node in self.nodes]

    def move(self, key: str, to: int) -> None:
        """Give the slot of a key, of which nothing is stored, to another node."""
        name = self.nodes[to].ask("CLUSTER MYID")
        for node in (self.nodes[to], self.nodes[1 - to]):
            node.ask("CLUSTER SETSLOT", key_slot(key.encode()), "NODE", name)

    def clear(self) -> None:
        for node in self.nodes:
            node.ask("FLUSHALL")

    def kill(self) -> None:
        for node in self.nodes:
            node.process.kill()
            node.process.wait()


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Two nodes that know one another; killed afterwards."""
    base = free_port_base()
    cluster = Cluster((_start(folder, base, 0), _start(folder, base, 1)))
    try:
        first, second = cluster.nodes
        for number, node in enumerate(cluster.nodes):
            await_true(node.answers, "a node answers")
            node.ask("CLUSTER ADDSLOTSRANGE", number * HALF, number * HALF + HALF - 1)
            node.ask("CLUSTER SET-CONFIG-EPOCH", number + 1)
        first.ask("CLUSTER MEET", "127.0.0.1", second.port, second.port + 2)
        await_true(lambda: all(node.knows_all() for node in cluster.nodes), "the nodes know one another")
        yield cluster
    finally:
        cluster.kill()


def _start(folder: Path, base: int, number: int) -> Node:
    data, port = folder / f"node-{number}", base + number
    data.mkdir()
    words = (
        "--cluster-enabled", "yes", "--port", str(port), "--cluster-port", str(port + 2),
        "--bind", "127.0.0.1", "--dir", str(data), "--save", "", "--logfile", str(data / "log"),
    )  # fmt: skip
    return Node(port, subprocess.Popen([programs.valkey_server(), *words]))
