"""Killed, starved, cut off or cancelled: nothing clipped is published, nothing is left running."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from mcsp.errors import BadMediaError, TransientWorkError
from media_ops import sandbox, tools
from media_ops.art import make_art
from media_ops.failures import of_process
from media_ops.inspect import inspect
from media_ops.ladder import plan
from media_ops.output import Segment
from media_ops.produce import produce
from tests.media_ops.functions.clips import AAC, H264, Clips, picture, tone
from tests.media_ops.functions.readback import make, packets, size_of
from tests.media_ops.functions.server import Store

INIT = b"\0\0\0\x08ftyp\0\0\0\x28moov\0\0\0\x20mvex\0\0\0\x18trex" + bytes(16)
"""An init segment that says nothing but its defaults: enough to reach what follows it."""
TIGHT = sandbox.Limits(cpu_s=20, wall_s=30)


def running() -> list[psutil.Process]:
    """Media programs below this process."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.status() != psutil.STATUS_ZOMBIE and "ff" in child.name()]


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def heavy(clips: Clips) -> Path:
    """Some megabytes that take a while to encode."""
    return clips.make(
        "heavy.mkv", [*picture("640x360", "30", 20), *tone(20), *H264, "-b:v", "4M", "-g", "300", *AAC]
    )


@pytest.mark.parametrize("extension", ["mkv", "ts", "mp4"])
async def test_a_store_lost_in_the_middle_never_ends_a_rendition(
    clips: Clips, store: Store, extension: str
) -> None:
    path = clips.make(f"heavy.{extension}", ["-i", str(heavy(clips)), "-c", "copy"])
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    planned = plan(source)
    store.sent, store.sever_after = 0, size_of(path) // 2
    got: list[Segment] = []
    rungs = planned.groups[0].rungs
    outputs = produce(store.address(path), source, planned.grid, rungs, scratch=clips.folder, patience_s=0.5)

    async def take() -> None:
        async for item in outputs:
            if isinstance(item, Segment):
                got.append(item)

    with pytest.raises(TransientWorkError) as caught:
        await take()
    assert caught.value.code == "source_unreadable"
    assert store.severed.is_set()
    whole = (source.duration_s or 0) - 0.5
    for rung in rungs:
        parts = [part for part in got if part.rung == rung.name]
        assert sum(part.duration_ticks / part.timescale for part in parts) < whole
        assert all(part.duration_ticks / part.timescale > 3.5 for part in parts)
    assert not running()


async def test_what_inspects_works_below_the_scratch_folder_and_leaves_nothing(
    clips: Clips, store: Store, scratch: Path
) -> None:
    path = heavy(clips)
    store.sever_after = 100_000  # the program has begun to read and now waits for the rest
    look = inspect(store.address(path), filename=path.name, size=size_of(path), scratch=scratch)
    looking = asyncio.create_task(look)
    await store.severed.wait()
    assert [Path(process.cwd()).parent for process in running()] == [scratch]
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert not running()
    assert left_in(scratch) == []


async def test_a_store_that_hiccups_is_read_on(clips: Clips, store: Store, scratch: Path) -> None:
    path = heavy(clips)
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    planned = plan(source)
    store.hiccup_every = 300_000
    made = await make(store, path, source, planned.grid, planned.groups[0].rungs)
    assert store.requests > 5
    assert len(packets(made.join("240p", scratch))) == 600


async def test_leaving_the_iterator_kills_the_program(clips: Clips, store: Store) -> None:
    path = heavy(clips)
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    planned = plan(source)
    outputs = produce(store.address(path), source, planned.grid, planned.rungs[:2], scratch=clips.folder)
    async with aclosing(outputs):
        async for _ in outputs:
            assert running()
            break
    assert not running()


async def test_cancelling_the_task_kills_the_program(clips: Clips, store: Store) -> None:
    path = heavy(clips)
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    planned = plan(source)
    begun = asyncio.Event()

    async def work() -> None:
        outputs = produce(store.address(path), source, planned.grid, planned.rungs, scratch=clips.folder)
        async with aclosing(outputs):
            async for _ in outputs:
                begun.set()

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not running()


async def test_a_killed_program_is_tried_again(clips: Clips, store: Store) -> None:
    path = heavy(clips)
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    planned = plan(source)

    async def murder() -> None:
        outputs = produce(store.address(path), source, planned.grid, planned.rungs, scratch=clips.folder)
        async for _ in outputs:
            for process in running():
                process.send_signal(signal.SIGKILL)

    with pytest.raises(TransientWorkError) as caught:
        await murder()
    assert caught.value.code == "process_killed"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(bytes(8), id="a box of no size"),
        pytest.param(b"\0\0\0\1mdat" + bytes(8), id="a large box"),
        pytest.param(b"\0\0\0\x08moov", id="an init segment of nothing"),
        pytest.param(INIT + b"\0\0\0\x24moof\0\0\0\x1ctraf\0\0\0\x0ctrun" + bytes(16), id="a run cut off"),
    ],
)
async def test_output_that_cannot_be_read_ends_the_program_at_once(
    clips: Clips, store: Store, scratch: Path, monkeypatch: pytest.MonkeyPatch, written: bytes
) -> None:
    """Nobody reads that pipe any more: a program that goes on writing would wait for its wall time."""
    path = clips.streamable()
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    planned = plan(source)
    (scratch / "start").write_bytes(written)

    def endless(url: str, source: object, grid: object, outputs: dict[int, object], **_: object) -> list[str]:
        return ["/bin/sh", "-c", f"exec cat {scratch}/start /dev/zero >/proc/self/fd/{min(outputs)}"]

    monkeypatch.setattr("media_ops.produce.command", endless)
    limits, begun = sandbox.Limits(cpu_s=60, wall_s=15), list[int]()
    with pytest.raises(TransientWorkError) as caught:
        await make(store, path, source, planned.grid, planned.rungs[:2], limits=limits, started=begun.append)
    assert caught.value.code == "output_malformed"
    assert len(begun) == 1
    assert not psutil.pid_exists(begun[0])


async def test_wall_time_is_limited(clips: Clips, store: Store) -> None:
    path = heavy(clips)
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    planned = plan(source)
    limits = sandbox.Limits(cpu_s=60, wall_s=0.3)
    with pytest.raises(TransientWorkError) as caught:
        await make(store, path, source, planned.grid, planned.rungs, limits=limits)
    assert caught.value.code == "limit_time"
    assert not running()


async def test_memory_is_limited(clips: Clips, store: Store) -> None:
    path = heavy(clips)
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    planned = plan(source)
    limits = sandbox.Limits(cpu_s=60, wall_s=60, memory_bytes=300 << 20)
    with pytest.raises(TransientWorkError):
        await make(store, path, source, planned.grid, planned.rungs, limits=limits)
    assert not running()


async def test_processor_time_is_limited(scratch: Path) -> None:
    limits = sandbox.Limits(cpu_s=1, wall_s=60)
    endless = [tools.ffmpeg(), "-nostats", "-f", "lavfi", "-i", "testsrc2=s=1280x720", "-f", "null", "-"]
    returncode, _, log = await sandbox.run(endless, limits=limits, scratch=scratch)
    assert returncode != 0
    failure = of_process(log, returncode)
    assert (failure.code, failure.retryable) == ("limit_cpu", True)


async def test_files_are_limited(scratch: Path) -> None:
    limits = sandbox.Limits(cpu_s=20, wall_s=60, file_bytes=10_000)
    large = ["-f", "lavfi", "-i", "testsrc2", "-frames:v", "9", "-f", "rawvideo", "out.raw"]
    returncode, _, _ = await sandbox.run(
        [tools.ffmpeg(), "-v", "error", *large], limits=limits, scratch=scratch
    )
    assert returncode != 0
    assert size_of(scratch / "out.raw") <= 10_000


async def test_output_is_limited(scratch: Path) -> None:
    with pytest.raises(TransientWorkError) as caught:
        await sandbox.run(["/bin/cat", "/dev/zero"], limits=TIGHT, scratch=scratch, most_bytes=1 << 20)
    assert caught.value.code == "limit_output"


async def test_a_program_sees_nothing_of_our_environment(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MCSP_S3__SECRET_KEY", "do-not-tell")
    _, shown, _ = await sandbox.run(["/usr/bin/env"], limits=TIGHT, scratch=scratch)
    assert b"do-not-tell" not in shown


async def test_a_local_file_cannot_be_read(clips: Clips, scratch: Path) -> None:
    path = clips.streamable()
    options = [word for name, value in sandbox.input_options().items() for word in (f"-{name}", value)]
    returncode, _, log = await sandbox.run(
        [tools.ffprobe(), "-v", "error", *options[:4], "-i", str(path)], limits=TIGHT, scratch=scratch
    )
    assert returncode != 0
    assert "whitelist" in log


async def test_programs_die_with_a_killed_parent(scratch: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from media_ops import sandbox\n"
        "async def main():\n"
        "    limits = sandbox.Limits(cpu_s=60, wall_s=60)\n"
        "    async with sandbox.start(['/bin/sleep', '60'], limits=limits, scratch=Path('/tmp')) as child:\n"
        "        print(child.process.pid, flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    gone, _ = await asyncio.to_thread(psutil.wait_procs, [child], 10)
    assert gone or child.status() == psutil.STATUS_ZOMBIE


async def test_a_lost_store_stops_art_too(
    clips: Clips, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = heavy(clips)
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    store.down = True
    monkeypatch.setattr("media_ops.gate.PATIENCE_S", 0.3)
    with pytest.raises((TransientWorkError, BadMediaError)):
        await make_art(store.address(path), source, scratch=clips.folder)
