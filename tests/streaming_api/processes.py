"""Starting one of our processes on the session's stack, with its log in a file and its spans collected."""

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import msgspec

from deploy.handle import StackHandle
from tests.streaming_api.api import await_true, free_port


class Running:
    """A process of ours: ``mcsp COMMAND …`` with the environment of ``role``, stopped by SIGTERM."""

    def __init__(
        self, stack: StackHandle, role: str, command: tuple[str, ...], log: Path, **variables: str
    ) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.log = log
        self._command = stack.context.command(*command)
        self._environment = {**os.environ, **stack.env(role), "MCSP_SERVICE_PORT": str(port), **variables}

    def __enter__(self) -> "Running":
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=out, stderr=out)
        try:
            await_true(self._answers, "the process answers", within_s=90)
        except BaseException:
            self._process.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self.status = self._process.wait(30)

    def kill(self) -> None:
        """End it at once, as nothing it could notice."""
        self._process.kill()
        self._process.wait(30)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()[-3000:]
        try:
            return httpx.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def lines(self) -> list[dict[str, Any]]:
        """The log so far, a JSON object a line. Raises what msgspec raises where a line is something else."""
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in self.log.read_bytes().splitlines()]
