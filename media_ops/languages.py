"""Language tags as manifests may state them. What does not belong here: finding out what is spoken."""

import re

_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
LONGEST = 35
"""Characters that RFC 5646 4.4.1 asks one to have room for."""
UNDETERMINED = "und"


def language_tag(text: str | None) -> str | None:
    """``text`` where it has the shape of a BCP 47 tag (RFC 5646 2.1); None for anything else and ``und``.

    It stands in a stranger's file, which may hold line breaks and quotes in its place.
    """
    if not text or text == UNDETERMINED or len(text) > LONGEST or not _TAG.fullmatch(text):
        return None
    return text
