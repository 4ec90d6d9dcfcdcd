"""What an item is, derived from its rows: manifest versions, and the states failed, playable and ready.

``settle`` runs at the end of each transaction that changed something, holds the item's lock, and gives
the same answer however often it runs. What does not belong here: rendering the manifests' objects.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mcsp.database.pool import Connection

_SOURCE = """
SELECT version, state, opening, grid, kind FROM media_ops.current_source WHERE media_id = $1
"""

_RUNGS = """
SELECT r.digest, r.kind, r.state, r.failure, r.bucket,
       r.init_key IS NOT NULL AND EXISTS (
           SELECT FROM media_ops.segment s WHERE s.media_id = r.media_id AND s.digest = r.digest) AS begun
FROM media_ops.rendition r
WHERE r.media_id = $1 AND r.source_version = $2
ORDER BY r.kind DESC, r.bitrate
"""

_MANIFESTS = """
SELECT version, rungs, state, cut FROM media_ops.manifest
WHERE media_id = $1 AND source_version = $2 ORDER BY version
"""

_FINISH = """
UPDATE media_ops.manifest
SET state = 'finished', finished_at = now(), revision = revision + 1, changed_at = now(),
    cut = ARRAY(SELECT unnest(rungs) EXCEPT SELECT unnest($3::text[]))
WHERE media_id = $1 AND version = $2
"""

_OPEN = """
INSERT INTO media_ops.manifest
    (media_id, version, source_version, rungs, state, target_duration_s, bucket, prefix, finished_at)
SELECT $1, v.next, $2, $3, $4, $5, $6, 'media/' || $1::text || '/m' || v.next,
       CASE WHEN $4 = 'finished' THEN now() END
FROM (SELECT coalesce(max(version), 0) + 1 AS next FROM media_ops.manifest WHERE media_id = $1) v
"""

_FAILED = """
UPDATE media_ops.source SET state = 'failed', failure = $3
WHERE media_id = $1 AND version = $2 AND state IN ('processing', 'playable')
"""

# playable: a version is in S3. ready: no rung waits, one is published, and S3 shows what the rows say.
_ADVANCE = """
WITH s AS (SELECT media_id, version, state, playable_at FROM media_ops.current_source WHERE media_id = $1),
facts AS (
    SELECT EXISTS (SELECT FROM media_ops.manifest m, s WHERE m.media_id = s.media_id
                      AND m.source_version = s.version AND m.rendered_revision > 0) AS served,
           EXISTS (SELECT FROM media_ops.manifest m, s WHERE m.media_id = s.media_id
                      AND m.source_version = s.version AND m.rendered_revision < m.revision) AS stale,
           EXISTS (SELECT FROM media_ops.rendition r, s WHERE r.media_id = s.media_id
                      AND r.source_version = s.version AND r.state IN ('queued', 'running')) AS waiting,
           EXISTS (SELECT FROM media_ops.rendition r, s WHERE r.media_id = s.media_id
                      AND r.source_version = s.version AND r.state = 'published') AS published),
next AS (SELECT s.*, CASE WHEN f.served AND f.published AND NOT f.stale AND NOT f.waiting THEN 'ready'
                          WHEN f.served THEN 'playable' END AS state_now FROM s, facts f)
UPDATE media_ops.source x
SET state = n.state_now, playable_at = coalesce(x.playable_at, now()),
    ready_at = CASE WHEN n.state_now = 'ready' THEN now() ELSE x.ready_at END
FROM next n
WHERE x.media_id = n.media_id AND x.version = n.version AND x.state IN ('processing', 'playable')
  AND n.state_now IS NOT NULL AND x.state <> n.state_now
RETURNING x.state, CASE WHEN n.playable_at IS NULL
                        THEN extract(epoch FROM now() - x.completed_at)::double precision END AS first_after_s
"""


@dataclass(frozen=True)
class Advance:
    """What ``advance`` changed: the new state, and seconds from complete to first playable if just now."""

    state: str | None = None
    first_after_s: float | None = None


async def advance(connection: Connection, media_id: UUID) -> Advance:
    """Move the item to playable or ready when it is; the caller holds its lock."""
    row = await connection.fetchrow(_ADVANCE, media_id)
    return Advance(row["state"], row["first_after_s"]) if row else Advance()


async def settle(connection: Connection, media_id: UUID) -> None:
    """Bring manifest versions and the item's state in line with its rungs; the caller holds its lock."""
    source = await connection.fetchrow(_SOURCE, media_id)
    if source is None or source["state"] not in ("processing", "playable", "ready"):
        return
    rungs = await connection.fetch(_RUNGS, media_id, source["version"])
    manifests = await connection.fetch(_MANIFESTS, media_id, source["version"])
    await _finish(connection, media_id, rungs, manifests)
    await _open_next(connection, media_id, source, rungs, manifests)
    living = [rung for rung in rungs if rung["state"] != "superseded"]
    if living and all(rung["state"] == "failed" for rung in living):
        await connection.execute(_FAILED, media_id, source["version"], _card(living))
    await advance(connection, media_id)


def _card(failed: list[Any]) -> Any:
    """The card of an item none of whose rungs could be made: one that may pass by itself before others."""
    cards = [rung["failure"] for rung in failed]
    return next((card for card in cards if card.get("retryable")), cards[0])


async def _finish(connection: Connection, media_id: UUID, rungs: list[Any], manifests: list[Any]) -> None:
    """A growing version whose rungs are all published or failed grows no more."""
    over = {rung["digest"] for rung in rungs if rung["state"] in ("published", "failed", "superseded")}
    published = [rung["digest"] for rung in rungs if rung["state"] == "published"]
    for manifest in manifests:
        if manifest["state"] == "growing" and over.issuperset(manifest["rungs"]):
            await connection.execute(_FINISH, media_id, manifest["version"], published)


async def _open_next(
    connection: Connection, media_id: UUID, source: Any, rungs: list[Any], manifests: list[Any]
) -> None:
    chosen = next_rungs(source, rungs, manifests)
    if not chosen:
        return
    states = {rung["digest"]: rung["state"] for rung in rungs}
    state = "growing" if any(states[digest] in ("queued", "running") for digest in chosen) else "finished"
    bucket = next(rung["bucket"] for rung in rungs if rung["digest"] in chosen)
    await connection.execute(
        _OPEN, media_id, source["version"], chosen, state, source["grid"]["target_s"], bucket
    )


def next_rungs(source: Any, rungs: list[Any], manifests: list[Any]) -> list[str]:
    """The rungs of the manifest version to open now, or none.

    The first version opens when each opening rung has its init and first segment; where a picture or sound
    of it failed, with what is published once that has all that any rung will have. Later ones take all
    published rungs and those of the newest version that still grow; a rung that the newest one shows only
    in part, because it had failed when the version finished, counts as new once it is published. A re-make
    of a ready item waits until none is left to make, so that viewers never move to fewer rungs.
    """
    living = [rung for rung in rungs if rung["state"] != "superseded"]
    if not manifests:
        hoped = [rung for rung in living if rung["state"] != "failed"]
        opening = [r for r in living if r["digest"] in source["opening"] and r["state"] != "failed"]
        if opening and _kinds(opening) == _kinds(hoped):
            return [r["digest"] for r in opening] if all(r["begun"] for r in opening) else []
        published = [rung for rung in living if rung["state"] == "published"]
        return [r["digest"] for r in published] if _kinds(published) == _kinds(hoped) else []
    waiting = any(rung["state"] in ("queued", "running") for rung in living)
    if source["state"] == "ready" and waiting:
        return []
    newest = set(manifests[-1]["rungs"])
    chosen = [r["digest"] for r in living if _belongs(r, newest)]
    published = {rung["digest"] for rung in living if rung["state"] == "published"}
    added = published - (newest - set(manifests[-1]["cut"]))
    dropped = newest - set(chosen) if not waiting else set()
    return chosen if chosen and (added or dropped) else []


def _belongs(rung: Any, newest: set[str]) -> bool:
    growing = rung["state"] in ("queued", "running") and rung["begun"] and rung["digest"] in newest
    return rung["state"] == "published" or growing


def _kinds(rungs: list[Any]) -> set[str]:
    return {rung["kind"] for rung in rungs}
