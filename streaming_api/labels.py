"""Names that people give to things: titles of items, names of files. Text alone, never a path or a key."""

import re
import unicodedata

from mcsp.errors import InvalidInputError

TITLE_MAX = 200
_FILENAME_MAX = 255
_TURNING = frozenset(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
"""Embeddings, overrides and isolates (UAX 9): they show the letters around in another order. The plain marks
that right-to-left titles need (U+200E, U+200F, U+061C) are none of them."""
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def label_of(filename: str) -> str:
    """A file name as a label: without folders and without what cannot be seen, at most 255 characters."""
    last = re.split(r"[/\\]", filename)[-1]
    shown = "".join(c for c in last if unicodedata.category(c) not in _UNSEEN).strip()
    return shown[-_FILENAME_MAX:] or "file"


def title_of(title: str | None, filename: str) -> str:
    """The given title, or the file's name without its ending. InvalidInputError for a title unseen."""
    if title is None:
        stem = label_of(filename).rsplit(".", 1)[0].strip()
        return (stem or "Untitled")[:TITLE_MAX]
    return checked_title(title)


def checked_title(title: str) -> str:
    """A title without blanks around it; InvalidInputError for control characters or an empty one."""
    if any(c in _TURNING for c in title):
        raise _bad_title(
            "A title cannot contain characters that turn the text around.",
            "Take them out, or type it by hand.",
        )
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in title):
        raise _bad_title("A title cannot contain control characters.", "Take them out, or type it by hand.")
    if not title.strip():
        raise _bad_title("A title needs at least one character that can be seen.", "Write one.")
    return title.strip()


def _bad_title(message: str, action: str) -> InvalidInputError:
    return InvalidInputError("bad_title", message, action=action, field="title")
