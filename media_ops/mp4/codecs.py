"""RFC 6381 codec strings, read from the sample entry of an init segment.

Players choose decoders by them, so they are never guessed from what was asked of the encoder.
"""

from media_ops.mp4.boxes import Box, MalformedBoxError, children, find

_AUDIO_ENTRY, _VIDEO_ENTRY = 28, 78


def codecs_of(init: bytes) -> str:
    """The ``codecs`` value of the only track: avc1 (RFC 6381 3.3), mp4a by object type (3.3)."""
    stsd = find(init, "moov/trak/mdia/minf/stbl/stsd")
    if stsd is None:
        raise MalformedBoxError("no stsd in the init segment")
    entry = next(children(init, stsd.body + 8, stsd.end))
    if entry.kind in ("avc1", "avc3"):
        return _avc(init, entry)
    if entry.kind == "mp4a":
        return _mp4a(init, entry)
    raise MalformedBoxError(f"no codec string is known for {entry.kind!r}")


def _avc(init: bytes, entry: Box) -> str:
    config = find(init, "avcC", entry.body + _VIDEO_ENTRY, entry.end)
    if config is None:
        raise MalformedBoxError("no avcC")
    return f"{entry.kind}.{init[config.body + 1 : config.body + 4].hex()}"


def _mp4a(init: bytes, entry: Box) -> str:
    esds = find(init, "esds", entry.body + _AUDIO_ENTRY, entry.end)
    if esds is None:
        raise MalformedBoxError("no esds")
    object_type, specific = _decoder_config(init[esds.body + 4 : esds.end])
    if object_type != 0x40 or not specific:
        return f"mp4a.{object_type:x}"
    kind = specific[0] >> 3
    if kind == 31:
        kind = 32 + ((specific[0] & 7) << 3 | specific[1] >> 5)
    return f"mp4a.40.{kind}"


def _decoder_config(data: bytes) -> tuple[int, bytes]:
    """objectTypeIndication and DecoderSpecificInfo out of an ES_Descriptor (ISO/IEC 14496-1, 7.2.6)."""
    at, object_type = 0, 0
    while at < len(data):
        tag = data[at]
        at, length = _length(data, at + 1)
        if tag == 0x03:
            flags = data[at + 2]
            at += 3 + (2 if flags & 0x80 else 0) + (2 if flags & 0x20 else 0)
            at += 1 + data[at] if flags & 0x40 else 0
        elif tag == 0x04:
            object_type = data[at]
            at += 13
        elif tag == 0x05:
            return object_type, data[at : at + length]
        else:
            at += length
    return object_type, b""


def _length(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    while True:
        value = value << 7 | data[at] & 0x7F
        at += 1
        if not data[at - 1] & 0x80:
            return at, value
