"""The demo's sample as an item: remembered under MCSP_HOME, so that the next demo shows it again.

What does not belong here: making the clip (``deploy.sample``), publishing it (``mcsp publish``).
"""

from pathlib import Path

import httpx
import msgspec

from deploy.supervisor.files import write_atomically

_FILE = "sample.json"
_TIMEOUT_S = 10.0
_PLAYS = frozenset({"playable", "ready"})


class Failure(msgspec.Struct, frozen=True):
    """Why it does not play, and what to do."""

    message: str
    action: str = ""


class Sample(msgspec.Struct, frozen=True):
    """What ``mcsp publish --json`` says of it, as far as a demo needs it."""

    media_id: str
    failure: Failure | None = None


class _Item(msgspec.Struct, frozen=True):
    status: str


def remember(home: Path, sample: Sample) -> None:
    write_atomically(home / _FILE, msgspec.json.encode(sample))


def living(home: Path, api_url: str) -> Sample | None:
    """The remembered sample if the API still has it and it plays; else None, and a new one is wanted."""
    try:
        sample = msgspec.json.decode((home / _FILE).read_bytes(), type=Sample)
        answer = httpx.get(f"{api_url}/v1/media/{sample.media_id}", timeout=_TIMEOUT_S, trust_env=False)
        item = msgspec.json.decode(answer.content, type=_Item) if answer.is_success else None
    except (FileNotFoundError, msgspec.DecodeError, httpx.HTTPError):
        return None
    return sample if item is not None and item.status in _PLAYS else None
