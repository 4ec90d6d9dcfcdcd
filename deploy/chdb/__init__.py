"""ClickHouse on a laptop: chDB, the engine as a library, behind ClickHouse's HTTP interface.

In production its place is taken by a ClickHouse cluster; clients cannot tell. What does not belong here:
tables and queries (``warehouse``), how the process is started (``deploy.services.clickhouse``).
"""
