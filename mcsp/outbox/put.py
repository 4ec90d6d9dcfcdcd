"""Putting a message into the outbox, inside the caller's own transaction."""

import msgspec

from mcsp.contracts.topics import Topic
from mcsp.database.pool import Connection
from mcsp.telemetry.traces import outgoing

_PUT = "SELECT outbox.put($1, $2, $3, $4)"


async def put(connection: Connection, topic: Topic, key: object, message: msgspec.Struct) -> None:
    """Have ``message`` sent on ``topic`` when the caller's transaction commits.

    ``key`` orders: messages of one key reach Kafka in the order of their commits. The connection must be
    one of ``mcsp.database.pool`` (its JSON codec is used).
    """
    await connection.execute(_PUT, topic.name, str(key), message, outgoing())
