"""The three signals of every process: ``logs`` (structlog JSON), ``metrics`` (RED) and ``traces``.

What does not belong here: what is logged or measured; that stands beside the code that does it.
"""

from mcsp.settings import Settings
from mcsp.telemetry.logs import configure_logs
from mcsp.telemetry.traces import configure_traces


def configure(service: str, settings: Settings) -> None:
    """Set up logs and traces of this process; once, before anything else runs."""
    configure_logs(service, settings.log_level, settings.environment)
    configure_traces(service, settings)
