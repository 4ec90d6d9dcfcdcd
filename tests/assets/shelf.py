"""Objects of an item in a real store: what workers put there for the item's rows.

What does not belong here: rows (``tests.media_ops.items``). The texts are the least that players take.
"""

from mcsp.s3 import ObjectStore
from media_ops.ledger import endings
from tests.media_ops.items import Item, new_item, two_step_plan


async def published(pool, store: ObjectStore, bucket: str) -> Item:
    """A ready item of two rungs and three segments each, whose objects are all in the store."""
    item = await new_item(pool, bucket)
    await item.planned(two_step_plan(rest=()))
    lease = await item.taken()
    await item.publish(lease)
    await endings.complete(pool, lease)
    await item.render()
    await put_objects(item, store)
    return item


async def put_objects(item: Item, store: ObjectStore) -> None:
    """Put everything that a row stands for."""
    rows = await item.pool.fetch(
        "SELECT key, what FROM media_ops.object_lineage WHERE media_id = $1", item.media_id
    )
    for row in rows:
        text = await _playlist(item, row["key"]) if row["what"] == "manifest" else "x"
        await store.put(item.bucket, row["key"], text.encode(), "application/octet-stream")


async def _playlist(item: Item, key: str) -> str:
    rungs = await item.pool.fetch(
        "SELECT name, digest FROM media_ops.rendition WHERE media_id = $1", item.media_id
    )
    if key.endswith("/master.m3u8"):
        variants = [f"#EXT-X-STREAM-INF:BANDWIDTH=1\n{rung['name']}.m3u8" for rung in rungs]
        return "\n".join(["#EXTM3U", *variants])
    for rung in rungs:
        if key.endswith(f"/{rung['name']}.m3u8"):
            segments = [f"#EXTINF:4,\n../{rung['digest']}/{number}.m4s" for number in range(3)]
            head = ["#EXTM3U", "#EXT-X-TARGETDURATION:4", f'#EXT-X-MAP:URI="../{rung["digest"]}/init.mp4"']
            return "\n".join([*head, *segments, "#EXT-X-ENDLIST"])
    return "<MPD/>"
