"""ClickHouse: its client and its tables. What does not belong here: the server (``deploy.chdb``)."""
