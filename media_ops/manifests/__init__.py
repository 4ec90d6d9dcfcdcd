"""Manifests, rendered by us from rows: HLS (RFC 8216) and DASH (ISO/IEC 23009-1). Pure text, no I/O.

They live at ``media/{id}/m{version}/``; references are relative (``../{digest}/{n}.m4s``), so one
signed prefix covers all. What does not belong here: rows, storing, and which rungs make a version.
"""
