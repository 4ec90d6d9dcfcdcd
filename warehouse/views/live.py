"""Who watches now and in each minute of the last hour, from raw rows. What became of plays: ``sql``.

By the server's clock (``received_at``): a player's own may be minutes off. What was sent later than
``LATE_S`` after it happened, as from a phone that was offline, is no watching now.
"""

from collections.abc import Mapping
from uuid import UUID

from warehouse.views.sql import TOPIC, items_literal

WATCHING_S = 40
"""A session whose newest event is older does not watch any more: players tell every 15 s at least."""

LATE_S = 300

_PLAYING = "('play_start', 'heartbeat')"
_TELLING = "('play_start', 'heartbeat', 'pause', 'play_end')"

# Parameters: next (Array(UInt64), by partition), owner (pseudonym), now and since (Unix microseconds).
_WATCHING = """
WITH
rows AS (
    SELECT session_id, type, received_at, (received_at, offset, `index`) AS place
    FROM {database}.events
    WHERE media_id IN (SELECT item.1 FROM (SELECT arrayJoin({items}) AS item)) AND session_id != ''
      AND topic = '{topic}' AND offset < {{next:Array(UInt64)}}[partition + 1]
      AND viewer != {{owner:String}} AND device != 'bot' AND type IN {telling}
      AND toUnixTimestamp64Micro(received_at) >= {{since:Int64}}
      AND toUnixTimestamp64Micro(received_at) - toUnixTimestamp64Micro(time) < {late_us}
)
SELECT NULL AS at, countIf(newest IN {playing} AND last > {{now:Int64}} - {watching_us}) AS watching
FROM (SELECT session_id, argMax(type, place) AS newest, max(toUnixTimestamp64Micro(received_at)) AS last
      FROM rows GROUP BY session_id)
UNION ALL
SELECT toStartOfMinute(received_at, 'UTC') AS at, uniqExact(session_id) AS watching
FROM rows WHERE type IN {playing} GROUP BY at
"""


def watching_sql(items: Mapping[UUID, int], database: str = "mcsp") -> str:
    """Rows (at, watching): one without ``at`` for now, one for each minute in which a session played.

    Bots and the owner's own sessions are left out. Parameters as above.
    """
    return _WATCHING.format(
        items=items_literal(items), database=database, topic=TOPIC, playing=_PLAYING,
        telling=_TELLING, watching_us=WATCHING_S * 1_000_000, late_us=LATE_S * 1_000_000,
    )  # fmt: skip
