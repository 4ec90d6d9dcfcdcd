"""What a request asks for: a query, an insert with its data, or a definition. Nothing is executed here."""

import re
from dataclasses import dataclass

_NAME = rb"(?:`[^`]+`|\"[^\"]+\"|\w+)"
_INSERT = re.compile(
    rb"\s*(?P<into>INSERT\s+INTO\s+(?:TABLE\s+)?" + _NAME + rb"(?:\." + _NAME + rb")?\s*(?:\([^()]*\))?)"
    rb"\s*FORMAT\s+(?P<format>\w+)[ \t;]*\r?(?:\n|$)",
    re.IGNORECASE,
)
_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_QUERIES = ("select", "with", "show", "describe", "desc", "exists", "explain")
_COMMENT = re.compile(r"\s*(?:--[^\n]*\n|/\*.*?\*/)", re.DOTALL)


@dataclass(frozen=True)
class Insert:
    """``INSERT INTO table (columns) FORMAT name`` and the data that followed it."""

    into: str
    format: str
    data: bytes


@dataclass(frozen=True)
class Query:
    """Reads, and answers in ``format``."""

    sql: str
    format: str


@dataclass(frozen=True)
class Definition:
    """Anything else: tables, settings, ``INSERT … SELECT``."""

    sql: str
    format: str


Statement = Insert | Query | Definition


def parse(asked: bytes, default_format: str) -> Statement:
    """The statement of a request; ``asked`` is its ``query`` parameter, a newline and its body."""
    if insert := _INSERT.match(asked):
        return Insert(insert["into"].decode(), insert["format"].decode(), asked[insert.end() :])
    sql = asked.decode()
    named = _FORMAT.search(sql)
    format_ = named[1] if named else default_format
    if named:
        sql = sql[: named.start()]
    start = sql
    while comment := _COMMENT.match(start):
        start = start[comment.end() :]
    word = start.lstrip(" \t\r\n(").split(None, 1)
    kind = Query if word and word[0].lower() in _QUERIES else Definition
    return kind(sql, format_)
