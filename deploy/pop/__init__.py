"""The PoP: nginx that checks signed paths, caches, and reads the private media bucket.

Here: the configuration template, the njs beside it, and ``config``, which fills both in. Not here: who may
play an item (``streaming_api.playback`` signs the path) and starting the process (``deploy``'s supervisor).
"""
