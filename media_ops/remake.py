"""Re-making what a changed recipe changes, and only that, a bucket of items at a time.

What does not belong here: what a recipe makes (``recipes``, ``ladder``) and the making (the worker).
"""

BUCKETS = 64
"""Buckets of items by the last byte of their id, which is random in a UUIDv7 (RFC 9562)."""
