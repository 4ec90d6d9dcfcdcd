"""E-mail addresses: one normal form by which an account is found (RFC 5321 lengths, RFC 5891 domains).

Dots and plus tags stay: which of them matter is known to the mail provider alone.
"""

import re
import unicodedata

import idna

from mcsp.errors import InvalidInputError

_LOCAL = re.compile(r"[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f]{1,64}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def normalised(address: str) -> str:
    """The address with case folded and the domain in ASCII. Raises InvalidInputError."""
    local, at, domain = unicodedata.normalize("NFKC", address.strip()).rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        raise _bad()
    result = f"{local.casefold()}@{_ascii_domain(domain)}"
    if len(result.encode()) > 254:
        raise _bad()
    return result


def _ascii_domain(domain: str) -> str:
    try:
        text = idna.encode(domain.lower(), uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise _bad() from error
    labels = text.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(labels) < 2:
        raise _bad()
    return text


def _bad() -> InvalidInputError:
    return InvalidInputError(
        "bad_email", "This is not an e-mail address.", action="Write it like name@example.org.", field="email"
    )
