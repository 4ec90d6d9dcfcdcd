"""Promises of the ClickHouse endpoint, asked by ClickHouse's own client, and of its migrations."""

import asyncio
from collections.abc import Iterator

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from deploy.handle import StackHandle
from deploy.services import clickhouse
from mcsp.errors import ConflictError
from warehouse.clickhouse import migrations
from warehouse.clickhouse.client import open_client

pytestmark = pytest.mark.stack


def client_of(stack: StackHandle, user: str) -> Client:
    return clickhouse_connect.get_client(
        dsn=clickhouse.url(stack.context, user), autogenerate_session_id=False
    )


@pytest.fixture
def admin(stack: StackHandle) -> Iterator[Client]:
    client = client_of(stack, "admin")
    client.command("CREATE TABLE IF NOT EXISTS mcsp.scratch (a UInt64, b String) ENGINE MergeTree ORDER BY a")
    yield client
    client.command("DROP TABLE mcsp.scratch")


@pytest.mark.parametrize("compress", [False, "lz4", "zstd", "gzip"])
def test_what_clients_insert_in_any_compression_is_read_back(
    stack: StackHandle, admin: Client, compress: str | bool
) -> None:
    writer = clickhouse_connect.get_client(
        dsn=clickhouse.url(stack.context, "collector"), compress=compress, autogenerate_session_id=False
    )
    rows = [(number, f"it's number {number}\n") for number in range(50_000)]
    writer.insert("mcsp.scratch", rows, column_names=["a", "b"])
    answer = client_of(stack, "creators").query(
        "SELECT b FROM mcsp.scratch WHERE a = {a:UInt64}", parameters={"a": 49_999}
    )
    assert answer.result_rows == [("it's number 49999\n",)]
    assert admin.query("SELECT count() FROM mcsp.scratch").result_rows == [(50_000,)]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO mcsp.scratch VALUES (1, 'x')",
        "INSERT INTO mcsp.scratch SELECT 1, 'x'",
        "DROP TABLE mcsp.scratch",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1; INSERT INTO mcsp.scratch SELECT 1, 'x'",
        "WITH 1 AS a INSERT INTO mcsp.scratch SELECT a, 'x'",
        "SET max_threads = 1",
        "CREATE USER me",
    ],
)
@pytest.mark.parametrize("user", ["creators", "collector"])
def test_nobody_but_the_administrator_defines_reads_files_or_copies(
    stack: StackHandle, admin: Client, user: str, sql: str
) -> None:
    with pytest.raises(DatabaseError):
        client_of(stack, user).command(sql)
    assert admin.query("SELECT count() FROM mcsp.scratch").result_rows == [(0,)]


def test_a_reader_inserts_nothing(stack: StackHandle, admin: Client) -> None:
    with pytest.raises(DatabaseError):
        client_of(stack, "creators").insert("mcsp.scratch", [[1, "x"]], column_names=["a", "b"])
    assert admin.query("SELECT count() FROM mcsp.scratch").result_rows == [(0,)]


@pytest.mark.parametrize("login", [None, ("creators", ""), ("creators", "wrong"), ("nobody", ""), ("", "")])
def test_strangers_are_refused(stack: StackHandle, login: tuple[str, str] | None) -> None:
    address = f"http://127.0.0.1:{stack.context.ports.clickhouse}/"
    answer = httpx.post(address, content="SELECT 1", auth=login, trust_env=False)
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (403, "516")


def test_a_broken_statement_is_an_error_with_clickhouses_number(stack: StackHandle) -> None:
    answer = httpx.post(clickhouse.url(stack.context, "creators"), content="SELECT nothing", trust_env=False)
    assert answer.headers["X-ClickHouse-Exception-Code"] == "47"
    assert "UNKNOWN_IDENTIFIER" in answer.text


async def test_a_long_question_makes_no_short_one_wait(stack: StackHandle) -> None:
    slow = "SELECT sleepEachRow(0.5) FROM numbers(6) SETTINGS max_block_size = 1"
    creators, admin = (clickhouse.url(stack.context, name) for name in ("creators", "admin"))
    async with open_client(creators) as reader, open_client(admin) as other:
        waiting = asyncio.create_task(other.query(slow))
        answers = [await reader.query("SELECT 1") for _ in range(20)]
        assert not waiting.done()
        await waiting
    assert all(answer.result_rows == [(1,)] for answer in answers)


@pytest.mark.fault
def test_a_killed_clickhouse_comes_back_with_its_rows(stack: StackHandle, admin: Client) -> None:
    client_of(stack, "collector").insert("mcsp.scratch", [[1, "here"]], column_names=["a", "b"])
    stack.kill_and_wait("clickhouse")
    assert admin.query("SELECT b FROM mcsp.scratch").result_rows == [("here",)]


async def test_migrations_run_once_and_a_changed_file_is_refused(
    stack: StackHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_client(clickhouse.url(stack.context, "admin")) as client:
        assert await migrations.migrate(client) == []
        known = await client.query("SELECT count() FROM mcsp.migration")
        assert known.result_rows == [(len(migrations.files()),)]
        monkeypatch.setattr(migrations.hashlib, "sha256", migrations.hashlib.sha512)
        with pytest.raises(ConflictError):
            await migrations.migrate(client)


def test_migration_files_are_numbered_without_gap() -> None:
    numbers = [int(file.name.split("_", 1)[0]) for file in migrations.files()]
    assert numbers == list(range(1, len(numbers) + 1))
