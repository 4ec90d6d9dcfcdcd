"""The collector: from Kafka's ``events.raw`` into ClickHouse within seconds, into the lake by the minute.

The two stores are filled by two lanes that know nothing of each other: each reads Kafka for itself, from
where its own store says that it is. One that is away holds up only its own lane, and a kill anywhere loses
and doubles nothing. What does not belong here: the tables (``warehouse.clickhouse``, ``warehouse.lake``).
"""
