"""Every port of a stack, derived from ``MCSP_PORT_BASE``; all on loopback."""

from dataclasses import dataclass

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """Ports of the stack whose edge is at ``base``. A service is found by its name with underscores."""

    base: int

    @property
    def api(self) -> int:
        return self.base + 1

    @property
    def dagster_web(self) -> int:
        return self.base + 2

    def pop(self, number: int) -> int:
        """PoPs are numbered from 1."""
        return self.base + 9 + number

    @property
    def postgres(self) -> int:
        return self.base + 20

    @property
    def valkey(self) -> int:
        return self.base + 21

    @property
    def kafka(self) -> int:
        return self.base + 22

    @property
    def kafka_controller(self) -> int:
        return self.base + 23

    @property
    def clickhouse(self) -> int:
        return self.base + 24

    @property
    def seaweedfs(self) -> tuple[int, ...]:
        """Master, its gRPC, volume, its gRPC, filer, its gRPC, S3, its gRPC."""
        return tuple(range(self.base + 30, self.base + 38))

    @property
    def s3(self) -> int:
        return self.base + 36

    @property
    def worker_1(self) -> int:
        return self.base + 40

    @property
    def worker_2(self) -> int:
        return self.base + 41

    @property
    def relay(self) -> int:
        return self.base + 42

    @property
    def sweeper(self) -> int:
        return self.base + 43

    @property
    def collector(self) -> int:
        return self.base + 44

    @property
    def dagster_code(self) -> int:
        return self.base + 50
