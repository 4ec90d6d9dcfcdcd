"""The types of event. Short JSON names (``br``, ``bl``, ``mtp``) and their units are CTA-5004's (CMCD).

A new type is a struct here and a member of ``Event``. A field may be added when it has a default; nothing is
renamed, removed or narrowed: old players and old rows stay (tests/mcsp/contracts holds that).
"""

from typing import Annotated, TypeAlias, get_args

from msgspec import Meta, field

from mcsp.contracts.events.base import BaseEvent, Count, Kbps, Milliseconds, Position, Text, Word

Interval: TypeAlias = tuple[Position, Position]
"""Media seconds that were played: from, to."""

Intervals: TypeAlias = Annotated[tuple[Interval, ...], Meta(max_length=1000)]
Rate: TypeAlias = Annotated[float, Meta(gt=0, le=16, description="Playback rate; 1 is normal speed.")]


class Impression(BaseEvent, frozen=True, kw_only=True, tag="impression"):
    """An item was shown to somebody who may choose it: where on which page."""

    surface: Word | None = None
    slot: Count | None = None


class PlayStart(BaseEvent, frozen=True, kw_only=True, tag="play_start"):
    """The first frame or sound. ``msd`` is the time from the wish to play until then (CMCD)."""

    position_s: Position = 0
    rate: Rate = 1
    autoplay: bool | None = None
    muted: bool | None = None
    start_delay_ms: Milliseconds | None = field(default=None, name="msd")


class Heartbeat(BaseEvent, frozen=True, kw_only=True, tag="heartbeat"):
    """While it plays. ``watched``: what was played since the last heartbeat, in media seconds.

    ``br`` is the encoded bit rate and ``mtp`` the measured throughput (kbit/s), ``bl`` the buffer's length.
    """

    position_s: Position
    watched: Intervals
    rate: Rate = 1
    bitrate_kbps: Kbps | None = field(default=None, name="br")
    buffer_ms: Milliseconds | None = field(default=None, name="bl")
    throughput_kbps: Kbps | None = field(default=None, name="mtp")
    dropped_frames: Count | None = None


class Pause(BaseEvent, frozen=True, kw_only=True, tag="pause"):
    """The viewer paused."""

    position_s: Position = 0


class Seek(BaseEvent, frozen=True, kw_only=True, tag="seek"):
    """The viewer jumped."""

    from_s: Position = 0
    to_s: Position = 0


class Stall(BaseEvent, frozen=True, kw_only=True, tag="stall"):
    """Playback stood still for want of data; sent when it goes on."""

    position_s: Position = 0
    duration_ms: Milliseconds | None = None


class QualityChange(BaseEvent, frozen=True, kw_only=True, tag="quality_change"):
    """Another rendition plays. ``chosen``: by the viewer, not by the player."""

    position_s: Position = 0
    rendition: Word | None = None
    bitrate_kbps: Kbps | None = field(default=None, name="br")
    chosen: bool | None = None


class PlaybackError(BaseEvent, frozen=True, kw_only=True, tag="error"):
    """The player could not go on (``fatal``) or went on after a fault."""

    code: Word = ""
    message: Text = ""
    fatal: bool | None = None
    position_s: Position = 0


class PlayEnd(BaseEvent, frozen=True, kw_only=True, tag="play_end"):
    """The play is over: ``ended``, ``left`` the page, or ``error``."""

    position_s: Position
    watched: Intervals
    rate: Rate = 1
    reason: Word | None = None


Event: TypeAlias = (
    Impression | PlayStart | Heartbeat | Pause | Seek | Stall | QualityChange | PlaybackError | PlayEnd
)

TYPES: dict[str, type[BaseEvent]] = {one.__struct_config__.tag: one for one in get_args(Event)}
"""The struct of each ``type``."""
