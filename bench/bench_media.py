"""The media functions by themselves, without ledger and store: first segments, and the price of a ladder."""

import resource
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from aiohttp import web

from bench import clips
from bench.registry import Row, Rows, at_most, bench
from media_ops.description import SourceDescription
from media_ops.inspect import inspect
from media_ops.ladder import plan
from media_ops.output import Segment
from media_ops.produce import produce
from media_ops.recipes import Grid, Group, Rung

HOUR_S = 3600


@bench("Media functions alone")
async def media_functions() -> Rows:
    """Seconds of wall time from the call; the machine's other load counts in."""
    hour, foreign, minute = clips.streamable(HOUR_S), clips.foreign(HOUR_S), clips.foreign(60, "1280x720")
    async with _serving(clips.FOLDER) as address:
        rows = [*await _first_segments(address, hour, 0.2), *await _first_segments(address, foreign, 1.0)]
        source = await _inspected(address, minute)
        planned = plan(source)
        spent = _spent()
        ours = sum([await _made(address, minute, source, planned.grid, group) for group in planned.groups])
        ours_spent = _spent() - spent
    spent = _spent()
    plain = _plain(minute, planned.rungs, planned.grid)
    plain_spent = _spent() - spent
    names = ", ".join(rung.name for rung in planned.rungs)
    return [
        *rows,
        Row("60 s of 720p, all groups one after another", ours, "s", note=names),
        Row("one plain ffmpeg command, same rungs", plain, "s"),
        Row("ours against plain ffmpeg", ours / plain, "ratio", at_most(1.1)),
        Row("the same in processor time", ours_spent / plain_spent, "ratio", note="whatever else runs"),
    ]


@asynccontextmanager
async def _serving(folder: Path) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_static("/", folder)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.001)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def _spent() -> float:
    """Processor seconds of this process and of the programs it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _size(path: Path) -> int:
    return path.stat().st_size


async def _inspected(address: str, path: Path) -> SourceDescription:
    url = f"{address}/{path.name}"
    return await inspect(url, filename=path.name, size=_size(path), scratch=path.parent)


async def _first_segments(address: str, path: Path, goal_s: float) -> list[Row]:
    """How long inspecting takes, and until each rung of the first group has a segment."""
    began = time.perf_counter()
    source = await _inspected(address, path)
    inspected = time.perf_counter() - began
    planned = plan(source)
    missing = {rung.name for rung in planned.groups[0].rungs}
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        url = f"{address}/{path.name}"
        outputs = produce(url, source, planned.grid, planned.groups[0].rungs, scratch=Path(scratch))
        async with aclosing(outputs):
            async for item in outputs:
                missing -= {item.rung} if isinstance(item, Segment) else set()
                if not missing:
                    break
        first = time.perf_counter() - began
    note = ", ".join(f"{rung.name} {rung.mode}" for rung in planned.groups[0].rungs)
    return [
        Row(f"inspect {path.name}", inspected, "s", at_most(0.3)),
        Row(f"first segment of each rung, {path.name}", first, "s", at_most(goal_s), note=note),
    ]


async def _made(address: str, path: Path, source: SourceDescription, grid: Grid, group: Group) -> float:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        url = f"{address}/{path.name}"
        outputs = produce(
            url, source, grid, group.rungs, scratch=Path(scratch), loudness=group.kind == "audio"
        )
        async with aclosing(outputs):
            async for _ in outputs:
                continue
    return time.perf_counter() - began


def _plain(path: Path, rungs: Iterable[Rung], grid: Grid) -> float:
    """Seconds that ffmpeg alone takes for the same rungs from one decode."""
    pictures = [rung for rung in rungs if rung.kind == "video"]
    parts = [f"[0:v]split={len(pictures)}" + "".join(f"[s{n}]" for n in range(len(pictures)))]
    parts += [f"[s{n}]scale={rung.width}:{rung.height}[v{n}]" for n, rung in enumerate(pictures)]
    arguments = ["-i", str(path), "-filter_complex", ";".join(parts)]
    for n, rung in enumerate(pictures):
        arguments += [
            "-map",
            f"[v{n}]",
            "-c:v",
            "libx264",
            "-preset",
            str(rung.preset),
            "-crf",
            str(rung.crf),
        ]
        arguments += ["-maxrate", str(rung.bitrate), "-bufsize", str(2 * rung.bitrate), "-bf", "1"]
        arguments += ["-g", str(grid.frames), "-f", "mp4", "/dev/null"]
    for rung in (rung for rung in rungs if rung.kind == "audio"):
        arguments += ["-map", "0:a", "-c:a", "aac", "-b:a", str(rung.bitrate), "-f", "mp4", "/dev/null"]
    began = time.perf_counter()
    clips.ffmpeg(*arguments)
    return time.perf_counter() - began
