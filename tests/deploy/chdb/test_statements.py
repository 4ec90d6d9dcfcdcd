"""Promises of how the ClickHouse endpoint reads a request: what inserts, what asks, what does neither."""

import gzip

import pytest

from deploy.chdb import bodies
from deploy.chdb.statements import Definition, Insert, Query, parse

INSERT = b"INSERT INTO `mcsp`.`events` (`a`, `b`) FORMAT Native\n"


def test_an_insert_keeps_every_byte_of_its_data() -> None:
    data = b"\x00\nFORMAT CSV\n\xff"
    assert parse(INSERT + data, "Native") == Insert("INSERT INTO `mcsp`.`events` (`a`, `b`)", "Native", data)


@pytest.mark.parametrize("sql", ["SELECT 1", " ( select 1 )", "-- why\n/* so */ WITH 1 AS a SELECT a"])
def test_what_reads_is_a_query_in_the_format_it_names(sql: str) -> None:
    assert isinstance(parse(sql.encode(), "Native"), Query)
    assert parse(sql.encode(), "Native").format == "Native"
    assert parse(f"{sql} FORMAT JSON;".encode(), "Native") == Query(f"{sql} ", "JSON")


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO a SELECT * FROM b",
        "INSERT INTO FUNCTION file('x') FORMAT CSV\n1",
        "INSERT INTO a SELECT 1 FORMAT Native\n",
        "DROP TABLE a",
        "SET readonly = 0",
        "",
    ],
)
def test_whatever_else_is_a_definition(sql: str) -> None:
    assert isinstance(parse(sql.encode(), "Native"), Definition)


def test_a_bomb_and_a_broken_body_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LARGEST", 1000)
    assert bodies.plain(gzip.compress(b"x" * 1000), "gzip") == b"x" * 1000
    for body, encoding in ((gzip.compress(b"x" * 1001), "gzip"), (b"x", "zstd"), (b"x", "lz4"), (b"x", "br")):
        with pytest.raises(bodies.BodyError):
            bodies.plain(body, encoding)
