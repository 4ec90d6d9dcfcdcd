"""A changed recipe as its author deploys it: edited files, workers and the job started from them.

What does not belong here: what a test expects of it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.handle import StackHandle
from deploy.layout import PROJECT
from deploy.services import dagster

EDITS = {
    "recipes.py": ('STANDARD = Recipe("standard", 1)', 'STANDARD = Recipe("standard", 2)'),
    "ladder.py": ("(240, 280_000)", "(240, 300_000)"),
}
"""What CONTRIBUTING tells who changes a rung: the rung, and the recipe's next version."""

_JOB = """
import json, sys
import dagster as dg
from orchestration.build import build_defs

name, bucket = sys.argv[1:]
with dg.DagsterInstance.get() as instance:
    job = build_defs().resolve_job_def(name)
    result = job.execute_in_process(partition_key=bucket, instance=instance)
made = {
    event.materialization.asset_key.to_user_string():
        {label: value.value for label, value in event.materialization.metadata.items()}
    for event in (e.step_materialization_data for e in result.all_events if e.is_step_materialization)
}
checks = {
    f"{check.asset_key.to_user_string()}.{check.check_name}": check.passed
    for check in result.get_asset_check_evaluations()
}
print(json.dumps({"made": made, "checks": checks}))
"""


class Changed:
    """A tree in ``folder`` whose ``media_ops`` has ``EDITS``; the rest is the project's."""

    def __init__(self, stack: StackHandle, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        shutil.copytree(PROJECT / "media_ops", folder / "media_ops")
        for name, (old, new) in EDITS.items():
            file = folder / "media_ops" / name
            text = file.read_text()
            assert text.count(old) == 1, f"{name} no longer says {old}"
            file.write_text(text.replace(old, new))

    @property
    def variables(self) -> dict[str, str]:
        """What makes a Python process of the project take the edited files."""
        return {"PYTHONPATH": f"{self._folder}:{PROJECT}", "PYTHONSAFEPATH": "1"}

    def job(self, name: str, bucket: str) -> dict[str, Any]:
        """Run a job on a bucket, on the stack's own Dagster instance; its metadata and check results."""
        environment = {
            **os.environ, **dagster._environment(self._stack.context), **self._stack.env("dagster"),
            **self.variables,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", _JOB, name, bucket], env=environment, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])
