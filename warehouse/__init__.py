"""The warehouse: from Kafka's events to rows in ClickHouse (within seconds) and in the lake (by the minute).

What does not belong here: the structs of the messages (``mcsp.contracts``), taking them in
(``streaming_api.events``), showing numbers to people (``streaming_api.creators``).
"""
