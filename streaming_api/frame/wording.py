"""What is wrong with a field of a request, as a sentence of its own, from the decoder's message.

What does not belong here: the problem document (``problems``), and what an endpoint itself refuses.
"""

import re

_LENGTH = re.compile(r"Expected `(str|array|object|bytes)` of length (>=|<=|==) (\d+)$")
_AMOUNT = re.compile(r"Expected `(?:int|float)` (>=|<=|>|<) (\S+)$")
_KIND = re.compile(r"Expected `([^`]+)`(?:, got `[^`]+`)?$")
_MISSING = re.compile(r"Object missing required field `([^`]+)`$")
_BOUNDS = {">=": "at least", "<=": "at most", "==": "exactly", ">": "more than", "<": "less than"}
_PARTS = {"str": ("character", "characters"), "bytes": ("byte", "bytes")}
_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "uuid": "a UUID",
    "datetime": "a date and time",
}


def in_words(field: str, message: str) -> tuple[str, str]:
    """The field that is meant and a sentence that names it; a message not known stands as it is."""
    if missing := _MISSING.match(message):
        field = ".".join(part for part in (field, missing[1]) if part not in ("", "data"))
        return field, f"{_name(field)} is missing."
    if length := _LENGTH.match(message):
        kind, bound, count = length.groups()
        one, many = _PARTS.get(kind, ("entry", "entries"))
        unit = one if count == "1" else many
        verb = "may have" if bound == "<=" else "needs"
        return field, f"{_name(field)} {verb} {_BOUNDS[bound]} {count} {unit}."
    if amount := _AMOUNT.match(message):
        return field, f"{_name(field)} has to be {_BOUNDS[amount[1]]} {amount[2]}."
    if kind := _KIND.match(message):
        kinds = [_KINDS.get(one, one) for one in kind[1].split(" | ") if one != "null"]
        return field, f"{_name(field)} has to be {' or '.join(kinds)}."
    return field, f"{_name(field)}: {message.rstrip('.')}."


def _name(field: str) -> str:
    return "The body" if field in ("", "data") else f"“{field}”"
