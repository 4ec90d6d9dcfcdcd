"""What the process does that reads a stranger's index: a ``moov`` box in a file in, JSON out.

What does not belong here: starting it, with its limits (``reading``).
"""

import json
import sys
from typing import NamedTuple

from media_ops.mp4.boxes import MalformedBoxError
from media_ops.mp4.index import FileIndex, TooManyTracksError, parse_index


class Answer(NamedTuple):
    """The index, or the code of the card why there is none, with the reason for the log."""

    index: FileIndex | None = None
    refused: str = ""
    reason: str = ""


def answer(moov: bytes) -> Answer:
    """What is said of a whole ``moov`` box."""
    try:
        return Answer(parse_index(moov))
    except MalformedBoxError as error:
        return Answer(refused="source_damaged", reason=str(error))
    except TooManyTracksError as error:
        return Answer(refused="too_many_streams", reason=str(error))


def main(path: str) -> None:
    """Answer on stdout about the box in the file."""
    with open(path, "rb") as file:  # noqa: PTH123 -- pathlib takes longer to import than most indexes to read
        json.dump(answer(file.read()), sys.stdout)
