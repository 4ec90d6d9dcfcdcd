"""The DASH MPD (ISO/IEC 23009-1): dynamic with SegmentTimeline while it grows, static at its end."""

import math
from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from media_ops.manifests.rows import RenditionRow, SegmentRow, audios, videos

NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
PROFILE = "urn:mpeg:dash:profile:isoff-live:2011"
CHANNELS_SCHEME = "urn:mpeg:mpegB:cicp:ChannelConfiguration"
LAYOUTS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 8: 12}
"""ChannelConfiguration (ISO/IEC 23091-3) by number of channels, for the layouts AAC usually has."""
UPDATE_S = 2
FROM_THE_START = "PT24H"
"""How far behind the newest moment a player is to begin: further than anything is long, so at 0."""


def mpd(
    renditions: tuple[RenditionRow, ...],
    *,
    target_s: int,
    finished: bool,
    started_at: datetime,
    now: datetime,
    duration_s: float | None = None,
) -> str:
    """The MPD of one manifest version. ``started_at``: when its first segment was published.

    While it grows, segments are there as soon as they are listed (``availabilityTimeOffset`` INF): they
    are made at another pace than they play. Players begin a dynamic MPD at its live edge unless told
    otherwise. Two things tell them: a presentation delay longer than the item (Shaka Player), and the
    address it is linked with, which ends in ``#t=0`` (Annex C.4, MPD anchors). The length, where the source
    says it (``duration_s``), makes it a recording in progress and nothing live.
    """
    length_s = max((row.end_s for row in renditions), default=0.0)
    if not finished:
        length_s = max(length_s, duration_s) if duration_s else None
    attributes = _attributes(target_s, finished, started_at, now)
    if length_s is not None:
        attributes["mediaPresentationDuration"] = f"PT{length_s:.3f}S"
    root = Xml.Element("MPD", attributes)
    period = Xml.SubElement(root, "Period", {"id": "0", "start": "PT0S"})
    pictures, sounds = videos(renditions), audios(renditions)
    if pictures:
        _adaptation(period, 0, pictures, finished)
    stereo = [sound for sound in sounds if (sound.channels or 2) <= 2]
    for place, group in enumerate((stereo, [sound for sound in sounds if sound not in stereo]), start=1):
        if group:
            _adaptation(period, place, group, finished)
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _attributes(target_s: int, finished: bool, started_at: datetime, now: datetime) -> dict[str, str]:
    common = {"xmlns": NAMESPACE, "profiles": PROFILE, "minBufferTime": f"PT{target_s}S"}
    if finished:
        return {**common, "type": "static"}
    return {
        **common,
        "type": "dynamic",
        "availabilityStartTime": _utc(started_at),
        "publishTime": _utc(now),
        "minimumUpdatePeriod": f"PT{UPDATE_S}S",
        "suggestedPresentationDelay": FROM_THE_START,
        "maxSegmentDuration": f"PT{target_s}S",
    }


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _adaptation(period: Xml.Element, place: int, rows: list[RenditionRow], finished: bool) -> None:
    kind = rows[0].kind
    attributes = {"id": str(place), "contentType": kind, "mimeType": f"{kind}/mp4", "startWithSAP": "1"}
    if kind == "video":
        attributes["segmentAlignment"] = "true"
    if rows[0].language:
        attributes["lang"] = rows[0].language
    adaptation = Xml.SubElement(period, "AdaptationSet", attributes)
    for row in rows:
        _representation(adaptation, row, finished)


def _representation(adaptation: Xml.Element, row: RenditionRow, finished: bool) -> None:
    attributes = {"id": row.name, "codecs": row.codecs, "bandwidth": str(row.peak(finished=finished))}
    if row.kind == "video":
        attributes |= {"width": str(row.width), "height": str(row.height)}
        if row.frame_rate:
            attributes["frameRate"] = row.frame_rate.removesuffix("/1")
    elif row.sample_rate:
        attributes["audioSamplingRate"] = str(row.sample_rate)
    representation = Xml.SubElement(adaptation, "Representation", attributes)
    if row.channels in LAYOUTS:
        layout = {"schemeIdUri": CHANNELS_SCHEME, "value": str(LAYOUTS[row.channels])}
        Xml.SubElement(representation, "AudioChannelConfiguration", layout)
    template = {
        "timescale": str(row.timescale),
        "initialization": row.init,
        "media": row.media("$Number$"),
        "startNumber": str(row.segments[0].number if row.segments else 0),
    }
    if not finished:
        template["availabilityTimeOffset"] = "INF"
    timeline = Xml.SubElement(Xml.SubElement(representation, "SegmentTemplate", template), "SegmentTimeline")
    _timeline(timeline, row.segments)


def _timeline(timeline: Xml.Element, segments: tuple[SegmentRow, ...]) -> None:
    """Runs of equal durations as one ``S`` (5.3.9.6); ``t`` only where time does not simply go on."""
    expected: float = math.nan
    run: Xml.Element | None = None
    for segment in segments:
        follows = segment.start_ticks == expected
        if run is not None and follows and run.get("d") == str(segment.duration_ticks):
            run.set("r", str(int(run.get("r", "0")) + 1))
        else:
            entry = {"d": str(segment.duration_ticks)}
            if not follows:
                entry = {"t": str(segment.start_ticks), **entry}
            run = Xml.SubElement(timeline, "S", entry)
        expected = segment.start_ticks + segment.duration_ticks
