"""The ClickHouse SQL that a rule becomes: numbers per bucket from raw rows, whatever order they came in.

Nothing rests on merges of the table: a repeated event counts by its first row, watched time is a union. The
owner's items are written into the text (ids and whole numbers alone, so nothing can be smuggled in): as a
parameter they would not fit an address. What does not belong here: the connection, and who may ask.
"""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from mcsp.contracts.topics import EVENTS_RAW
from warehouse.views.rule import BOT, OWN, REPEAT, SHORT, Rule

Grain = Literal["total", "minute", "hour", "day", "item"]

TOPIC = EVENTS_RAW.name
MOST_ITEMS = 4_000
"""Items of one question: more would not fit the 256 KiB that ClickHouse reads of a query."""

_BUCKETS: dict[Grain, str] = {
    "total": "CAST(NULL, 'Nullable(DateTime(\\'UTC\\'))')",
    "minute": "toStartOfMinute(started, 'UTC')",
    "hour": "toStartOfHour(started, 'UTC')",
    "day": "toStartOfDay(started, 'UTC')",
    "item": "media_id",
}

# Parameters: next (Array(UInt64), by partition), owner (pseudonym), since and until (Unix microseconds).
_NUMBERS = """
WITH
items AS (
    SELECT item.1 AS media_id, item.2 AS length_ms FROM (SELECT arrayJoin({items}) AS item)
),
once AS (
    SELECT media_id, session_id, event_id, min(started_at) AS started,
           argMin((toString(viewer), toString(device), received_at, watched, rate),
                  (partition, offset, `index`)) AS event
    FROM {database}.events
    WHERE media_id IN (SELECT media_id FROM items) AND session_id != '' AND started_at IS NOT NULL
      AND topic = '{topic}' AND offset < {{next:Array(UInt64)}}[partition + 1]
      AND toUnixTimestamp64Micro(assumeNotNull(started_at)) >= {{since:Int64}} - {repeat_us}
      AND toUnixTimestamp64Micro(assumeNotNull(started_at)) < {{until:Int64}}
    GROUP BY media_id, session_id, event_id
),
parted AS (
    SELECT once.media_id AS media_id, session_id, assumeNotNull(once.started) AS started,
           event.1 AS viewer, event.2 = 'bot' AS bot,
           event.3 AS received, items.length_ms AS length_ms,
           toInt64(least(greatest(roundBankers(event.5 * 100), {slowest_rate}), {fastest_rate})) AS rate,
           if(length_ms > 0, length_ms, {longest_ms}) AS item_end,
           arrayFilter(part -> part.2 > part.1, arrayMap(part -> (
               least(toInt64(roundBankers(least(greatest(part.1, 0), {longest_s}) * 1000)), item_end),
               least(toInt64(roundBankers(least(greatest(part.2, 0), {longest_s}) * 1000)), item_end)
           ), event.4)) AS parts
    FROM once INNER JOIN items ON once.media_id = items.media_id
),
summed AS (
    SELECT media_id, session_id, any(viewer) AS who, any(started) AS begun, any(length_ms) AS length,
           max(bot) AS a_bot,
           greatest(max(toUnixTimestamp64Micro(received)) - toUnixTimestamp64Micro(any(started)), 0)
               + {slack_us} AS allowed_us,
           toInt64(intervalLengthSumArray(parts.1, parts.2)) AS union_ms,
           sumArray(arrayMap(part -> part.2 - part.1, parts)) AS played_ms,
           sumArray(arrayMap(part -> intDiv((part.2 - part.1) * 100000, rate), parts)) AS took_us
    FROM parted GROUP BY media_id, session_id
),
judged AS (
    SELECT media_id, session_id, who AS viewer, begun AS started,
           least(union_ms, intDiv(allowed_us * {fastest}, 1000)) AS watched_ms,
           if(played_ms = 0, 0, least(
               toInt64(floor(toFloat64(watched_ms) * toFloat64(took_us) / toFloat64(played_ms) / 1000)),
               intDiv(allowed_us, 1000))) AS watch_ms,
           if(length > 0 AND length < {short_item_ms},
              2 * watched_ms >= length, watched_ms >= {enough_ms}) AS enough,
           multiIf(a_bot, '{bot}', who = {{owner:String}}, '{own}', NOT enough, '{short}', '') AS refusal
    FROM summed
),
plays AS (
    SELECT media_id, started, viewer, watch_ms,
           if(refusal = '' AND
              toUnixTimestamp64Micro(started) - lagInFrame(toUnixTimestamp64Micro(started), 1, {never})
                  OVER (PARTITION BY media_id, viewer, refusal = '' ORDER BY started, session_id)
              < {repeat_us}, '{repeat}', refusal) AS verdict
    FROM judged
)
SELECT {bucket} AS at,
       countIf(verdict NOT IN ('{bot}', '{own}')) AS plays,
       countIf(verdict = '') AS views,
       sumIf(watch_ms, verdict != '{bot}') AS watch_ms,
       uniqExactIf(viewer, verdict = '') AS viewers,
       {refusals}
FROM plays
WHERE toUnixTimestamp64Micro(started) >= {{since:Int64}}
GROUP BY at ORDER BY at
"""

COLUMNS = ("at", "plays", "views", "watch_ms", "viewers", BOT, OWN, SHORT, REPEAT)
"""A row of the answer: its bucket (NULL, a time or an item), numbers, refused plays by reason."""


def numbers_sql(rule: Rule, items: Mapping[UUID, int], grain: Grain, database: str = "mcsp") -> str:
    """The question for these items (length in ms, 0 where it is not known) under a rule.

    Its parameters are ``next``, ``owner``, ``since`` and ``until`` as above; columns are ``COLUMNS``. Raises
    ValueError for more than ``MOST_ITEMS``.
    """
    if len(items) > MOST_ITEMS:
        raise ValueError(f"{len(items)} items: ask for {MOST_ITEMS} at most")
    return _NUMBERS.format(
        items=items_literal(items),
        database=database,
        topic=TOPIC,
        bucket=_BUCKETS[grain],
        repeat_us=rule.repeat_ms * 1000,
        slack_us=rule.slack_ms * 1000,
        longest_ms=rule.longest_ms,
        longest_s=rule.longest_ms / 1000,
        slowest_rate=rule.slowest_rate,
        fastest_rate=rule.fastest_rate,
        fastest=rule.fastest,
        short_item_ms=rule.short_item_ms,
        enough_ms=rule.enough_ms,
        never=-(2**62),
        bot=BOT,
        own=OWN,
        short=SHORT,
        repeat=REPEAT,
        refusals=", ".join(f"countIf(verdict = '{reason}') AS {reason}" for reason in COLUMNS[5:]),
    )


def items_literal(items: Mapping[UUID, int]) -> str:
    """Items and their lengths as an array of (UUID, Int64)."""
    pairs = ",".join(f"('{UUID(int=media_id.int)}',{int(length)})" for media_id, length in items.items())
    return f"CAST([{pairs}], 'Array(Tuple(UUID, Int64))')"
