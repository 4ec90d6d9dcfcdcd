"""Every way media work can fail, as errors with a card: code, plain words, next step.

Two kinds: the file itself is at fault (permanent, ``BadMediaError``), or something around it is
(``TransientWorkError``, tried again). What a creator reads stands in the tables here and nowhere else: the
message of an error around the file is for operators. What does not belong here: what is done about it.
"""

import re
import signal

from mcsp.errors import BadMediaError, Failure, MCSPError, TransientWorkError

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
    "index_too_large": (
        "The file's index is larger than the limit.",
        "Export it again as MP4, or upload it in parts.",
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
    "too_demanding": (
        "The file is so long, with so large a picture, that preparing it would take longer than we allow.",
        "Upload it in shorter parts, or export it with a smaller picture and upload that.",
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
    "no_media": (
        "There was nothing to play in this part of the file.",
        "Check the file and upload it again.",
    ),
}

_LATER = "Try again later with the button; if it fails once more, tell us the code of this card."
_SMALLER = "Export it shorter or with a smaller picture and upload that, or try again later with the button."

GIVEN_UP: dict[str, tuple[str, str]] = {
    "source_unreadable": ("Your file could not be read from our storage for too long.", _LATER),
    "store_down": ("Our storage was away for too long.", _LATER),
    "store_refused": ("Our storage did not take what was made of the file.", _LATER),
    "no_such_object": ("Your file is not in our storage any more.", "Upload the file again."),
    "limit_time": ("Preparing the file took longer than we allow.", _SMALLER),
    "limit_cpu": ("Preparing the file took more computing than we allow.", _SMALLER),
    "limit_memory": ("Preparing the file took more memory than we allow.", _SMALLER),
    "limit_output": ("Preparing the file gave more data than we allow.", _SMALLER),
    "process_killed": ("The program that prepares the file was stopped, each time that we tried.", _LATER),
    "process_failed": ("The program that prepares the file could not do it, however often we tried.", _LATER),
    "output_malformed": ("What our program made of the file would not play.", _LATER),
    "worker_lost": ("The work on this file was interrupted again and again.", _LATER),
    "internal_error": ("Something went wrong on our side.", _LATER),
}
"""Cards of what is not the file's fault, once nobody tries again."""


def card_of(code: str) -> Failure:
    """What an item's card says when work on it ended for good by ``code``; an unknown one is our fault."""
    known = code if code in CARDS or code in GIVEN_UP else "internal_error"
    return Failure(known, *(CARDS.get(known) or GIVEN_UP[known]))


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
