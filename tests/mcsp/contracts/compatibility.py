"""What a change of a JSON Schema breaks for those who write by the old one and are read by the new one.

Both old clients and old rows are such writers. Additions that an old writer never sends break nothing.
"""

from typing import Any

Schema = dict[str, Any]

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


def breaks(old: Schema, new: Schema) -> list[str]:
    """What the new schemas refuse or understand otherwise, by path. ``$defs`` are compared by name."""
    missing = [f"{name}: removed" for name in old["$defs"].keys() - new["$defs"].keys()]
    both = old["$defs"].keys() & new["$defs"].keys()
    found = [f for name in sorted(both) for f in _compare(name, old["$defs"][name], new["$defs"][name])]
    roots = _compare("", {"properties": old["properties"]}, {"properties": new["properties"]})
    return sorted(missing) + found + roots


def _compare(at: str, old: Schema, new: Schema) -> list[str]:
    if "anyOf" in old or "anyOf" in new:
        return _alternatives(at, old, new)
    found = [f"{at}: {word} was {old.get(word)!r}, is {new.get(word)!r}" for word in _changed(old, new)]
    for name, was in old.get("properties", {}).items():
        if (now := new.get("properties", {}).get(name)) is None:
            found.append(f"{at}.{name}: removed")
        else:
            found += _compare(f"{at}.{name}", was, now)
    found += [
        f"{at}.{name}: now required" for name in set(new.get("required", ())) - set(old.get("required", ()))
    ]
    for word in ("items", "prefixItems"):
        found += _items(f"{at}[]", old.get(word), new.get(word))
    return found


def _changed(old: Schema, new: Schema) -> list[str]:
    """The words whose change refuses or changes the meaning of what was good before."""
    words = [w for w in ("type", "format", "$ref", "pattern", "default", "const") if old.get(w) != new.get(w)]
    words += [w for w in _LOWER if w in new and new[w] > old.get(w, float("-inf"))]
    words += [w for w in _UPPER if w in new and new[w] < old.get(w, float("inf"))]
    if "enum" in new and not set(old.get("enum", [object()])) <= set(new["enum"]):
        words.append("enum")
    return words


def _alternatives(at: str, old: Schema, new: Schema) -> list[str]:
    """Each alternative of old must have one in new that takes it; what surrounds them is compared as well."""
    ours, theirs = old.get("anyOf", [old]), new.get("anyOf", [new])
    lost = [one for one in ours if all(_compare(at, one, other) for other in theirs)]
    found = [f"{at}: no longer takes {one}" for one in lost]
    if "anyOf" in old and old.get("default") != new.get("default"):
        found.append(f"{at}: default was {old.get('default')!r}, is {new.get('default')!r}")
    return found


def _items(at: str, old: Any, new: Any) -> list[str]:
    if old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        return _compare(at, old, new)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [f for was, now in zip(old, new, strict=True) for f in _compare(at, was, now)]
    return [f"{at}: was {old!r}, is {new!r}"]
