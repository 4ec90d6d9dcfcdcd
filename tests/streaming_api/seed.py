"""Items in a given state, written as their owners' rows: what services show must not wait for a worker."""

from uuid import UUID

import asyncpg

from mcsp.ids import uuid7

_SOURCE = """
INSERT INTO media_ops.source (media_id, owner_id, bucket, key, etag, size_bytes, filename, content_type, kind,
                              state, duration_s, failure, recipe)
VALUES ($1, $2, 'mcsp-source', 'uploads/' || $1::uuid, 'e', 11, 'a.mp4', 'video/mp4', 'video', $3, 61.5, $4,
        'standard@1')
"""
_RENDITION = """
INSERT INTO media_ops.rendition (media_id, digest, source_version, name, kind, codec, width, height, bitrate,
                                 recipe, rung, state)
VALUES ($1, $2, 1, $2::text, $3, $4, $5, $6, $7, 'standard@1', '{}', 'published')
"""
_MANIFEST = """
INSERT INTO media_ops.manifest (media_id, version, source_version, rungs, state, target_duration_s, bucket,
                                prefix, rendered_revision)
VALUES ($1, $2, 1, '{720p}', $3, 4, 'mcsp-media', 'media/' || $1::uuid || '/m' || $2::integer, 1)
"""
_POSTER = """
INSERT INTO media_ops.art (media_id, name, source_version, content_type, width, height, bytes, bucket, key)
VALUES ($1, 'poster', 1, 'image/jpeg', 1280, 720, 10, 'mcsp-media',
        'media/' || $1::uuid || '/art/poster-1.jpg')
"""
_DEAD_JOB = """
INSERT INTO media_ops.job (job_id, media_id, source_version, kind, lane, slot, state, last_error)
VALUES ($1, $2, 1, 'encode', 'video', 'encode', 'dead', $3)
"""
_TABLES = ("segment", "rendition", "manifest", "art", "job", "source")


class Seeds:
    """Makes items and removes them again."""

    def __init__(self, admin: asyncpg.Pool) -> None:
        self._admin = admin
        self._made: list[UUID] = []

    async def item(self, owner_id: str, *, visibility: str = "public", audience: str = "public") -> UUID:
        """An item whose file has not arrived."""
        media_id = uuid7()
        await self._admin.execute(
            "SELECT content.create_media($1, $2, 'Seeded', $3)", media_id, owner_id, visibility
        )
        await self._admin.execute(
            """UPDATE content.media
               SET audience = $2::text, completed_at = CASE WHEN $2::text <> 'owner' THEN now() END
               WHERE media_id = $1""",
            media_id,
            audience,
        )
        self._made.append(media_id)
        return media_id

    async def playing(
        self, owner_id: str, *, versions: int = 1, growing: bool = False, poster: bool = True, **who: str
    ) -> UUID:
        """An item that plays: 720p and audio, ``versions`` manifest versions."""
        media_id = await self.item(owner_id, **who)
        await self._admin.execute(_SOURCE, media_id, owner_id, "playable" if growing else "ready", None)
        await self._admin.execute(
            _RENDITION, media_id, "audio-128k", "audio", "mp4a.40.2", None, None, 128_000
        )
        await self._admin.execute(_RENDITION, media_id, "720p", "video", "avc1.64001f", 1280, 720, 2_000_000)
        for version in range(1, versions + 1):
            last = version == versions and growing
            await self._admin.execute(_MANIFEST, media_id, version, "growing" if last else "finished")
        if poster:
            await self._admin.execute(_POSTER, media_id)
        return media_id

    async def failed(self, owner_id: str, *, retryable: bool) -> UUID:
        """An item that failed, with its card and its dead job."""
        media_id = await self.item(owner_id)
        card = {"code": "worker_lost", "message": "It broke.", "action": "Try again.", "retryable": retryable}
        await self._admin.execute(_SOURCE, media_id, owner_id, "failed", card)
        await self._admin.execute(_DEAD_JOB, uuid7(), media_id, card | {"detail": ""})
        return media_id

    async def set_state(self, media_id: UUID, state: str) -> None:
        await self._admin.execute(
            "UPDATE media_ops.source SET state = $2 WHERE media_id = $1", media_id, state
        )

    async def touch(self, *media_ids: UUID) -> None:
        """Whoever follows these items is told, of all at once."""
        await self._admin.execute(
            "SELECT pg_notify('media_state', id::text) FROM unnest($1::uuid[]) AS id", list(media_ids)
        )

    async def remove(self) -> None:
        """Nothing seeded stays: other tests ask the whole ledger whether anything is stuck."""
        for table in _TABLES:
            await self._admin.execute(
                f"DELETE FROM media_ops.{table} WHERE media_id = ANY ($1)",  # noqa: S608 -- our own names
                self._made,
            )
        await self._admin.execute("DELETE FROM content.media WHERE media_id = ANY ($1)", self._made)
