"""Creators: their numbers, how far these are complete, and what they were made of. Each sees theirs alone.

What does not belong here: what counts as a view (``warehouse.views``), and loading of events (the collector).
"""
