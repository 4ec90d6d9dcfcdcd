"""The kernel every room may import: settings, telemetry, ids, errors, database, outbox, S3, contracts.

What does not belong here: anything that knows media, HTTP routes, Dagster or the local stack.
"""
