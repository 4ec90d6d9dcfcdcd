"""The JSON Schemas (2020-12) of the contract, made from the structs; served by ``GET /v1/events/schema``."""

from typing import Any

import msgspec

from mcsp.contracts.events.received import Received
from mcsp.contracts.events.types import Event


def schemas() -> dict[str, Any]:
    """``event``: one event as a client sends it; ``received``: a message of the topic. Both by reference."""
    (event, received), components = msgspec.json.schema_components(
        (Event, Received), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"event": event, "received": received},
        "$defs": dict(sorted(components.items())),
    }


if __name__ == "__main__":
    print(msgspec.json.format(msgspec.json.encode(schemas()), indent=1).decode())
