"""Every way media work can fail, as errors with a card: code, plain words, next step.

Two kinds: the file itself is at fault (permanent, ``BadMediaError``), or something around it is
(``TransientWorkError``, tried again). What does not belong here: what is done about a failure.
"""

import re
import signal

from mcsp.errors import BadMediaError, MCSPError, TransientWorkError

CARDS: dict[str, tuple[str, str]] = {
    "source_empty": ("The file is empty.", "Upload the file again; check that it has content."),
    "not_media": (
        "This is not a video or audio file that we can read, whatever its name says.",
        "Upload a video or audio file, such as MP4, MOV, MKV, WebM, MP3, M4A, WAV or FLAC.",
    ),
    "playlist_not_media": (
        "This file is a playlist or script that points to other places; it holds no video or audio itself.",
        "Upload the video or audio file itself.",
    ),
    "picture_not_media": (
        "This file is a still picture.",
        "Upload a video or audio file; pictures alone cannot be played.",
    ),
    "index_missing": (
        "The file has no index (moov): the recording or the copy was cut off before it was finished.",
        "Export or copy the file again until the end, then upload it.",
    ),
    "source_truncated": (
        "The file ends before its content does: a part at the end is missing.",
        "Copy the complete file again from the camera or editor, then upload it.",
    ),
    "source_damaged": (
        "The file's content is damaged; nothing in it could be decoded.",
        "Play the file on your own device; if it plays there, export it again as MP4 and upload that.",
    ),
    "nothing_to_play": (
        "The file has neither moving picture nor sound that can be played.",
        "Upload a file with a video or an audio track.",
    ),
    "codec_unknown": (
        "The video or audio is stored in a format that we cannot decode.",
        "Export it again as MP4 (H.264 and AAC) and upload that.",
    ),
    "too_long": (
        "The file says that it is longer than the limit.",
        "Upload it in parts of at most 12 hours.",
    ),
    "too_big_picture": (
        "The picture is larger than the limit.",
        "Export it with at most 8192 pixels a side and upload that.",
    ),
    "too_small_picture": ("The picture is too small to be shown.", "Export it larger and upload that."),
    "too_many_streams": (
        "The file holds more tracks than the limit.",
        "Export it with the tracks that should play, and upload that.",
    ),
}


def bad_media(code: str, **details: object) -> BadMediaError:
    """The permanent failure of a file, with the card of its code."""
    message, action = CARDS[code]
    return BadMediaError(code, message, action=action, **details)


def transient(code: str, message: str, **details: object) -> TransientWorkError:
    """A failure around the file; ``message`` tells the operator, the creator waits."""
    return TransientWorkError(code, message, action="Nothing to do: it is tried again.", **details)


_OUT_OF_MEMORY = re.compile(r"Cannot allocate memory|malloc of size \d+ failed", re.IGNORECASE)
_NOT_READABLE = re.compile(
    r"Invalid data found when processing input|not (in|on) (allowed|whitelist)|Format not on whitelist",
    re.IGNORECASE,
)


MAX_ERROR_RATE_EXCEEDED = 69
"""ffmpeg's exit status when more than two thirds of the frames could not be decoded."""


def of_process(log: str, returncode: int) -> MCSPError:
    """The error behind a media process that ended with ``returncode`` and wrote ``log`` to stderr."""
    tail = log.strip()[-2000:]
    if returncode == -signal.SIGXCPU or f"received signal {int(signal.SIGXCPU)}" in log:
        return transient("limit_cpu", "The work took more processor time than its limit.", log=tail)
    if _OUT_OF_MEMORY.search(log):
        return transient("limit_memory", "The work needed more memory than its limit.", log=tail)
    if returncode < 0:
        name = signal.Signals(-returncode).name
        return transient("process_killed", f"The media process was ended by {name}.", log=tail)
    if returncode == MAX_ERROR_RATE_EXCEEDED or _NOT_READABLE.search(log):
        return bad_media("source_damaged", log=tail)
    return transient("process_failed", f"The media process ended with status {returncode}.", log=tail)
