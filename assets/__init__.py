"""Dagster assets: thin, one file an asset, each calls one function of ``media_ops``.

What does not belong here: media work and SQL (``media_ops``); sensors, schedules, jobs, the values of
resources, and how it is all put together (``orchestration``).
"""
