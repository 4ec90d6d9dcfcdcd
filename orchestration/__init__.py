"""Dagster definitions, one file a noun: resources, jobs, schedules, sensors, and their assembly (``build``).

What does not belong here: assets and their partitions (``assets``), media work (``media_ops``).
"""
