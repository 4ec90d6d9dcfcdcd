"""Content: channels, media items and who may see them; the feed, the studio's list, live state.

What does not belong here: media work and its state (views of ``media_ops``), addresses (``playback``).
"""
