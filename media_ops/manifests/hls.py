"""HLS playlists (RFC 8216 and draft-pantos-hls-rfc8216bis): a multivariant one, and one a rendition."""

from fractions import Fraction

from media_ops.manifests.rows import RenditionRow, audios, videos

VERSION = 7
"""EXT-X-MAP outside I-frame playlists needs 6 (RFC 8216 7); fragmented MP4 is customary at 7."""
SMALL_PICTURE = 800_000
"""Pictures below this many bits per second go with the smallest sound, others with the best."""
SURROUND_PICTURE = 900_000


def master(renditions: tuple[RenditionRow, ...], *, finished: bool) -> str:
    """The multivariant playlist of one manifest version.

    Every picture comes with one sound of two channels; larger ones also with sound of more channels.
    """
    sounds, pictures = audios(renditions), videos(renditions)
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if not pictures:
        for sound in sounds:
            lines += [_variant([sound], finished), sound.playlist]
        return _text(lines)
    lines += [_group(sound) for sound in sounds]
    for picture in pictures:
        for sound in _sounds_for(picture, sounds, largest=picture is pictures[-1]):
            lines += [_variant([picture, *([sound] if sound else [])], finished), picture.playlist]
    return _text(lines)


def media(rendition: RenditionRow, *, target_s: int, finished: bool) -> str:
    """The media playlist of a rendition: grows by appending (EVENT), ends with ENDLIST.

    ``EXT-X-START`` lets players begin at 0 while it grows; they would take the live edge otherwise.
    """
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{target_s}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:EVENT",
        "#EXT-X-START:TIME-OFFSET=0,PRECISE=YES",
        f'#EXT-X-MAP:URI="{rendition.init}"',
    ]
    for segment in rendition.segments:
        lines.append(f"#EXTINF:{segment.duration_ticks / rendition.timescale:.6f},")
        lines.append(rendition.media(segment.number))
    if finished:
        lines.append("#EXT-X-ENDLIST")
    return _text(lines)


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _sounds_for(
    picture: RenditionRow, sounds: list[RenditionRow], *, largest: bool
) -> list[RenditionRow | None]:
    if not sounds:
        return [None]
    stereo = [sound for sound in sounds if (sound.channels or 2) <= 2]
    many = [sound for sound in sounds if sound not in stereo]
    if not stereo:
        return list(sounds)
    chosen: list[RenditionRow | None] = [stereo[0] if picture.bitrate < SMALL_PICTURE else stereo[-1]]
    if largest or picture.bitrate >= SURROUND_PICTURE:
        chosen += many
    return chosen


def _group(sound: RenditionRow) -> str:
    attributes = [
        "TYPE=AUDIO",
        f'GROUP-ID="{sound.name}"',
        f'NAME="{"Surround" if (sound.channels or 2) > 2 else "Stereo" if sound.channels == 2 else "Sound"}"',
        *([f'LANGUAGE="{sound.language}"'] if sound.language else []),
        "DEFAULT=YES",
        "AUTOSELECT=YES",
        *([f'CHANNELS="{sound.channels}"'] if sound.channels else []),
        f'URI="{sound.playlist}"',
    ]
    return "#EXT-X-MEDIA:" + ",".join(attributes)


def _variant(parts: list[RenditionRow], finished: bool) -> str:
    picture = next((part for part in parts if part.kind == "video"), None)
    sound = next((part for part in parts if part.kind == "audio"), None)
    codecs = ",".join(dict.fromkeys(part.codecs for part in parts))
    attributes = [
        f"BANDWIDTH={sum(part.peak(finished=finished) for part in parts)}",
        f"AVERAGE-BANDWIDTH={sum(part.average(finished=finished) for part in parts)}",
        f'CODECS="{codecs}"',
    ]
    if picture:
        attributes.append(f"RESOLUTION={picture.width}x{picture.height}")
        if picture.frame_rate:
            attributes.append(f"FRAME-RATE={float(Fraction(picture.frame_rate)):.3f}")
        if sound:
            attributes.append(f'AUDIO="{sound.name}"')
    return "#EXT-X-STREAM-INF:" + ",".join(attributes)
