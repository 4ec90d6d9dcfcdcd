"""Items in the ledger without media: what a worker would write, said by hand."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg
import msgspec

from mcsp.ids import uuid7
from media_ops import keys
from media_ops.description import AudioStream, Rate, SourceDescription, VideoStream
from media_ops.ledger import leases, publish, rendering
from media_ops.ledger.endings import JobError
from media_ops.ledger.leases import Lease
from media_ops.ledger.plan import plan_source
from media_ops.ledger.publish import SegmentRow
from media_ops.ledger.settle import settle
from media_ops.ledger.transaction import item_transaction
from media_ops.output import Init
from media_ops.recipes import STANDARD, Grid, Group, Plan, Recipe, Rung

LANES = ("inspect", "audio", "video")
TRANSIENT = JobError(
    "store_down", "put media/1/0.m4s: 10.1.2.3:9000", "Nothing to do: it is tried again.", True
)
REFUSED = JobError("process_failed", "The media process ended.", "Nothing to do.", True)
PERMANENT = JobError("source_damaged", "The file is damaged.", "Upload another.", False)

VIDEO = VideoStream(
    index=0, codec="h264", profile="High", level=31, width=1280, height=720, rotation=0, mirrored=False,
    sample_aspect=Rate(1), frame_rate=Rate(30), variable_rate=False, nominal_rate=Rate(30),
    pixel_format="yuv420p", bit_depth=8, chroma="4:2:0", alpha=False, color_range="tv",
    color_primaries="bt709", color_transfer="bt709", color_matrix="bt709", hdr="sdr",
    field_order="progressive", start_s=0.0, duration_s=12.0, frames=360, bitrate=2_000_000, language=None,
)  # fmt: skip
AUDIO = AudioStream(
    index=1, codec="aac", profile="LC", channels=2, layout="stereo", sample_rate=48_000, start_s=0.0,
    duration_s=12.0, bitrate=128_000, language=None, title=None, default=True,
)  # fmt: skip
DESCRIPTION = SourceDescription(
    container="mov,mp4,m4a,3gp,3g2,mj2", kind="video", size=10, start_s=0.0, duration_s=12.0,
    bitrate=2_200_000, video=(VIDEO,), audio=(AUDIO,), pictures=(), subtitles=0, chapters=(), keyframes=None,
)  # fmt: skip


def _video(name: str, height: int) -> Rung:
    return Rung(name=name, kind="video", mode="encode", codec="h264", bitrate=height * 1000, stream=0,
                width=height * 16 // 9, height=height, frame_rate=Rate(30))  # fmt: skip


SOUND = Rung(
    name="audio-128k", kind="audio", mode="encode", codec="aac", bitrate=128_000, stream=1, channels=2
)
LESS_SOUND = msgspec.structs.replace(SOUND, name="audio-64k", bitrate=64_000)
LOW, MIDDLE, HIGH = _video("240p", 240), _video("480p", 480), _video("720p", 720)


def two_step_plan(
    recipe: Recipe = STANDARD, rest: tuple[Rung, ...] = (MIDDLE, HIGH), low: Rung = LOW
) -> Plan:
    """The plan of a source that must be encoded: 240p with sound first, the rest from one decode."""
    return Plan(
        kind="video", recipe=recipe, grid=Grid(kind="fixed", target_s=4, rate=Rate(30), frames=120),
        groups=(
            Group(kind="encode", lane="video", slot="quick", first=True, rungs=(low, SOUND)),
            Group(kind="encode", lane="video", slot="encode", first=False, rungs=rest),
        ),
    )  # fmt: skip


def as_is_plan(recipe: Recipe = STANDARD, refused: tuple[str, ...] = ()) -> Plan:
    """The plan of a source whose picture and sound are packaged as they are, unless that was refused."""
    if "video" in refused:
        return two_step_plan(recipe)
    copies = tuple(msgspec.structs.replace(rung, mode="copy") for rung in (HIGH, SOUND))
    return Plan(
        kind="video", recipe=recipe, grid=Grid(kind="source", target_s=4, times_s=(0.0, 4.0, 8.0)),
        groups=(
            Group(kind="copy", lane="video", slot="quick", first=True, rungs=copies),
            Group(kind="encode", lane="video", slot="encode", first=False, rungs=(LOW, MIDDLE)),
        ),
    )  # fmt: skip


@dataclass
class Item:
    """An item in the ledger, and what a worker would do to it."""

    pool: asyncpg.Pool
    media_id: UUID
    bucket: str = "b"

    async def take(self, slot: str = "quick", worker: str = "worker-1") -> Lease | None:
        return await leases.take(self.pool, worker=worker, slot=slot, lanes=LANES, media_id=self.media_id)

    async def taken(self, slot: str = "quick", worker: str = "worker-1") -> Lease:
        lease = await self.take(slot, worker)
        assert lease is not None
        return lease

    async def taken_back(self, slot: str = "quick") -> Lease:
        """The job that runs, leased anew."""
        await self.pool.execute(
            """UPDATE media_ops.job SET state = 'queued', due_at = now()
               WHERE media_id = $1 AND state = 'running'""",
            self.media_id,
        )
        return await self.taken(slot)

    async def planned(
        self, plan: Plan | None = None, description: SourceDescription = DESCRIPTION, *, fresh: bool = False
    ) -> None:
        """Inspected; unless ``fresh`` so long ago that none of its jobs stands aside any more."""
        await plan_source(self.pool, await self.taken(), description, plan or two_step_plan())
        if not fresh:
            await self.pool.execute(
                """UPDATE media_ops.job SET due_at = due_at - make_interval(secs => $2)
                   WHERE media_id = $1 AND state = 'queued'""",
                self.media_id,
                leases.STAND_ASIDE_S + 1,
            )

    async def refused(self) -> tuple[str, ...]:
        """Kinds of streams that could not be packaged as they are."""
        found = await self.pool.fetchval(
            "SELECT description -> 'refused' FROM media_ops.source WHERE media_id = $1", self.media_id
        )
        return tuple(found or ())

    async def begin(self, lease: Lease, digest: str) -> None:
        init = Init(rung="", data=b"", timescale=30, codecs="avc1.64001f")
        await publish.publish_init(
            self.pool, lease, digest, init, self.bucket, keys.init(self.media_id, digest)
        )

    async def publish(self, lease: Lease, numbers: range = range(3)) -> int:
        """Publish these segments of 4 s each of every rung of the job."""
        written = 0
        for digest in lease.rungs:
            await self.begin(lease, digest)
            rows = [
                SegmentRow(number=n, start_ticks=n * 120, duration_ticks=120, bytes=1000,
                           key=keys.segment(self.media_id, digest, n))
                for n in numbers
            ]  # fmt: skip
            written += await publish.publish_segments(
                self.pool, lease, digest, self.bucket, rows, (numbers.stop or 0) / 10
            )
        async with item_transaction(self.pool, self.media_id) as connection:
            await settle(connection, self.media_id)
        return written

    async def render(self) -> None:
        """Pretend that every stale manifest was put into the store."""
        async with rendering.render_lock(self.pool, self.media_id) as connection:
            assert connection is not None
            stale = await rendering.stale_manifests(connection, self.media_id)
            await rendering.rendered(connection, self.media_id, stale)

    async def state(self) -> str:
        return await self.pool.fetchval(
            "SELECT status FROM media_ops.media_state WHERE media_id = $1", self.media_id
        )

    async def manifests(self) -> list[tuple[int, set[str], str]]:
        """(version, names of its rungs, state) of each manifest version."""
        rows = await self.pool.fetch(
            """SELECT m.version, m.state, array_agg(r.name) AS names FROM media_ops.manifest m
               JOIN media_ops.rendition r ON r.media_id = m.media_id AND r.digest = ANY (m.rungs)
               WHERE m.media_id = $1 GROUP BY m.version, m.state ORDER BY m.version""",
            self.media_id,
        )
        return [(row["version"], set(row["names"]), row["state"]) for row in rows]

    async def jobs(self, kind: str) -> list[asyncpg.Record]:
        return await self.pool.fetch(
            "SELECT * FROM media_ops.job WHERE media_id = $1 AND kind = $2 ORDER BY job_id",
            self.media_id,
            kind,
        )

    async def run_out(self) -> None:
        """Every lease of the item ran out a second ago."""
        await self.pool.execute(
            """UPDATE media_ops.job SET lease_until = now() - interval '1 s'
               WHERE media_id = $1 AND state = 'running'""",
            self.media_id,
        )

    async def make_due(self) -> None:
        """Whatever waits for its time is due, and has been for so long that none of it stands aside."""
        await self.pool.execute(
            """UPDATE media_ops.job SET due_at = now() - make_interval(secs => $2)
               WHERE media_id = $1 AND state = 'queued'""",
            self.media_id,
            leases.STAND_ASIDE_S + 1,
        )

    async def stuck(self) -> list[str]:
        rows = await self.pool.fetch(
            "SELECT reason FROM media_ops.never_stuck WHERE media_id = $1", self.media_id
        )
        return [row["reason"] for row in rows]


async def new_item(pool: asyncpg.Pool, bucket: str = "b", owner_id: UUID | None = None) -> Item:
    """An item whose upload was just completed; its media will be said to be in ``bucket``.

    Without ``owner_id`` its owner is nobody else's.
    """
    media_id = uuid7()
    await pool.fetchval(
        "SELECT media_ops.enqueue_source($1, $2, 'mcsp-source', $3, 'etag', 10, 'a.mp4', 'video/mp4')",
        media_id, owner_id or uuid7(), f"uploads/{media_id}/1",
    )  # fmt: skip
    return Item(pool, media_id, bucket)
