"""Playback: may this caller play this item, and at which signed addresses. Owns no rows.

What does not belong here: bytes and the check of signatures (``deploy.pop``).
"""
