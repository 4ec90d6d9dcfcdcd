"""Before S3 joins the parts: is what the client says complete, and is it what S3 holds?"""

from collections.abc import Sequence

from mcsp.errors import InvalidInputError
from mcsp.s3 import Part
from streaming_api.uploads.limits import part_count, size_of_part

_SHOWN = 20


def check_numbers(named: Sequence[Part], size: int, part_size: int) -> None:
    """The client names parts 1 to n, each once; InvalidInputError ``wrong_parts`` otherwise."""
    count = part_count(size, part_size)
    numbers = [part.number for part in named]
    if sorted(numbers) == list(range(1, count + 1)):
        return
    missing = sorted(set(range(1, count + 1)) - set(numbers))
    unknown = sorted({number for number in numbers if not 1 <= number <= count})
    raise InvalidInputError(
        "wrong_parts",
        f"This upload has the parts 1 to {count}, each once.",
        action="Upload what is missing and name every part.",
        missing=missing[:_SHOWN],
        unknown=unknown[:_SHOWN],
        repeated=sorted({number for number in numbers if numbers.count(number) > 1})[:_SHOWN]
        if len(numbers) <= count + _SHOWN
        else [],
    )


def check_stored(named: Sequence[Part], stored: Sequence[Part], size: int, part_size: int) -> list[Part]:
    """What S3 holds is what was named, with the sizes that the announced size gives; the parts in order.

    InvalidInputError ``parts_missing``, ``etag_mismatch`` or ``size_mismatch`` says which parts are not.
    """
    held = {part.number: part for part in stored}
    in_order = sorted(named, key=lambda part: part.number)
    _refuse(
        "parts_missing", "Some parts have not arrived.", "Upload these parts and complete again.",
        [part.number for part in in_order if part.number not in held],
    )  # fmt: skip
    _refuse(
        "etag_mismatch", "Some parts are not the ones that were uploaded last.",
        "Read which parts there are (GET of the upload) or upload them again.",
        [part.number for part in in_order if part.etag.strip('"') != held[part.number].etag],
    )  # fmt: skip
    sizes = [(part.number, held[part.number].size_bytes) for part in in_order]
    _refuse(
        "size_mismatch", "The parts do not have the size that was announced.",
        "Begin a new upload with the file's real size.",
        [number for number, held_bytes in sizes if held_bytes != size_of_part(number, size, part_size)],
    )  # fmt: skip
    return [held[part.number] for part in in_order]


def _refuse(code: str, message: str, action: str, numbers: list[int]) -> None:
    if numbers:
        raise InvalidInputError(
            code, f"{message} ({len(numbers)})", action=action, parts=numbers[:_SHOWN], count=len(numbers)
        )
