"""What the first bytes of a file say it is, to refuse what is no media in words that help.

Only for the message: what keeps such files from doing harm is the allow-list in ``sandbox``.
"""

import re
from typing import Literal

Looks = Literal["mp4", "playlist", "picture", "unknown"]

_SCRIPT = re.compile(
    rb"#EXTM3U|ffconcat version|\[playlist\]|<\?xml|<MPD|<smil|<asx|<SmoothStreaming|v=0\r?\no=|rtsp://"
    rb"|file\s+'|#!|file:|https?://|concat:",
    re.IGNORECASE,
)
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\x00", b"MM\x00*")
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp")


def looks_like(head: bytes) -> Looks:
    """The family of a file by its first bytes (at least 16 where it has them)."""
    if head[4:8] in _MP4_BOXES:
        return "picture" if head[8:12] in (b"heic", b"heix", b"avif", b"mif1") else "mp4"
    if head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "picture"
    if _SCRIPT.match(head.lstrip(b"\xef\xbb\xbf \t\r\n")):
        return "playlist"
    return "unknown"
