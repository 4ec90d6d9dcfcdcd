"""Media work: plain functions from a source to playable objects, the job ledger, and the worker.

What does not belong here: HTTP routes (``streaming_api``) and Dagster (``assets``, ``orchestration``).
"""
