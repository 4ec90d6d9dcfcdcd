"""Uploads: presigned multipart straight to S3, from the first part to the one transaction of ``complete``.

Bytes never pass here. What does not belong here: who sees an item (``content``), media work (``media_ops``).
"""
