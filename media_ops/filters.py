"""Filter graphs: from decoded frames to what encoders get. One decode feeds all rungs.

Order: time 0, deinterlacing, constant rate, then sizes from large to small (each made of the next
larger), tone-mapping once at the largest.
"""

from collections.abc import Sequence
from typing import Any

from media_ops.description import AudioStream, VideoStream
from media_ops.recipes import Grid, Rung

TRANSFERS = {"hdr10": "smpte2084", "hlg": "arib-std-b67", "dolby-vision": "smpte2084"}
NOMINAL_PEAK = 100
"""Candela per square metre of SDR white for zscale's linear light (BT.2408)."""


def pictures(opened: Any, video: VideoStream, offset: float, grid: Grid, rungs: Sequence[Rung]) -> list[Any]:
    """A stream for each rung, in the order of ``rungs``."""
    stream = opened[str(video.index)].filter("setpts", f"PTS-{offset:.6f}/TB")
    if video.field_order != "progressive":
        stream = stream.filter("bwdif", mode="send_frame", deint="all" if video.interlaced else "interlaced")
    if grid.kind == "fixed":
        stream = stream.filter("fps", fps=str(grid.rate), start_time=0)
    order = sorted(range(len(rungs)), key=lambda at: -(rungs[at].width or 0) * (rungs[at].height or 0))
    made: dict[int, Any] = {}
    for place, at in enumerate(order):
        first, last = place == 0, place == len(order) - 1
        stream = _to_size(stream, video, rungs[at], first=first)
        if last:
            made[at] = stream
            break
        split = stream.filter_multi_output("split", 2)
        made[at], stream = split[0], split[1]
    return [made[at] for at in range(len(rungs))]


def still(stream: Any, video: VideoStream, width: int, height: int) -> Any:
    """One stream of RGB pictures of this size, for posters."""
    if video.field_order != "progressive":
        stream = stream.filter("bwdif", mode="send_frame", deint="all" if video.interlaced else "interlaced")
    if video.hdr in TRANSFERS:
        stream = _tone_map(stream, video, width, height)
    return stream.filter("scale", width, height).filter("format", "rgb24")


def _to_size(stream: Any, video: VideoStream, rung: Rung, *, first: bool) -> Any:
    if not first:
        return stream.filter("scale", rung.width, rung.height).filter("setsar", 1)
    if video.hdr in TRANSFERS:
        return _tone_map(stream, video, rung.width, rung.height)
    options = {"out_range": "tv"}
    if video.chroma == "rgb":
        options["out_color_matrix"] = "bt709"
    stream = stream.filter("scale", rung.width, rung.height, **options)
    return stream.filter("setsar", 1).filter("format", "yuv420p")


def _tone_map(stream: Any, video: VideoStream, width: int | None, height: int | None) -> Any:
    """BT.2020 PQ or HLG to BT.709: linear light, gamut, curve, back. Missing tags are taken as BT.2020."""
    linear = stream.filter(
        "zscale",
        w=width,
        h=height,
        tin=TRANSFERS[video.hdr],
        pin="bt2020",
        min="bt2020nc",
        rin="pc" if video.color_range == "pc" else "tv",
        t="linear",
        npl=NOMINAL_PEAK,
    )
    mapped = linear.filter("format", "gbrpf32le").filter("zscale", p="bt709")
    mapped = mapped.filter("tonemap", "hable", desat=0).filter("zscale", t="bt709", m="bt709", r="tv")
    return mapped.filter("setsar", 1).filter("format", "yuv420p")


def sounds(
    opened: Any, audio: AudioStream, offset: float, count: int, *, loudness: bool
) -> tuple[list[Any], list[Any]]:
    """``count`` streams for encoders and, where asked for, one that ends in the loudness meter.

    Silence fills what is missing at the start and in gaps, so that sound keeps its place in time.
    """
    stream = opened[str(audio.index)].filter("asetpts", f"PTS-{offset:.6f}/TB")
    stream = stream.filter("aresample", **{"async": 1, "first_pts": 0})
    total = count + (1 if loudness else 0)
    split = stream.filter_multi_output("asplit", total) if total > 1 else [stream]
    branches = [split[at] for at in range(total)]
    meters = [branches.pop().filter("ebur128", peak="true", framelog="quiet")] if loudness else []
    return branches, meters
