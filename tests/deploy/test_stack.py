"""Promises of the running stack: what is killed comes back with its data, and the JSON keeps its shape."""

import json

import asyncpg
import httpx
import psutil
import pytest
import redis.asyncio as redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.handle import StackHandle
from deploy.s3_request import request
from deploy.services import s3
from deploy.supervisor import processes

pytestmark = pytest.mark.stack


async def _write_postgres(stack: StackHandle) -> str:
    connection = await asyncpg.connect(stack.env("tests")["MCSP_DSN__IDENTITY"])
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS identity.survivor (word text)")
        await connection.execute("INSERT INTO identity.survivor VALUES ('here')")
        return await connection.fetchval("SELECT word FROM identity.survivor LIMIT 1")
    finally:
        await connection.close()


async def test_a_killed_postgres_comes_back_with_its_data(stack: StackHandle) -> None:
    await _write_postgres(stack)
    stack.kill_and_wait("postgres")
    connection = await asyncpg.connect(stack.env("tests")["MCSP_DSN__IDENTITY"])
    try:
        assert await connection.fetchval("SELECT word FROM identity.survivor LIMIT 1") == "here"
        await connection.execute("DROP TABLE identity.survivor")
    finally:
        await connection.close()


async def test_a_killed_valkey_comes_back_with_its_data(stack: StackHandle) -> None:
    client = redis.from_url(stack.env("tests")["MCSP_VALKEY_URL"])
    await client.set("survivor", "here")
    await client.execute_command("WAITAOF", 1, 0, 5000)
    await client.aclose()
    stack.kill_and_wait("valkey")
    client = redis.from_url(stack.env("tests")["MCSP_VALKEY_URL"])
    assert await client.getdel("survivor") == b"here"
    await client.aclose()


async def test_a_killed_object_store_comes_back_with_its_data(stack: StackHandle) -> None:
    admin, address = s3.identity(stack.context, "admin"), s3.endpoint(stack.context)
    await request(address, admin, "PUT", f"/{s3.SOURCE}/survivor", body=b"here")
    stack.kill_and_wait("s3")
    assert await request(address, admin, "GET", f"/{s3.SOURCE}/survivor") == b"here"
    await request(address, admin, "DELETE", f"/{s3.SOURCE}/survivor")


async def test_a_killed_kafka_comes_back_with_its_messages(stack: StackHandle) -> None:
    servers = stack.env("tests")["MCSP_KAFKA_BOOTSTRAP"]
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
        sent = await producer.send_and_wait("media.jobs.dlq", b"here", partition=0)
    stack.kill_and_wait("kafka")
    async with AIOKafkaConsumer(bootstrap_servers=servers) as consumer:
        partition = TopicPartition("media.jobs.dlq", 0)
        consumer.assign([partition])
        consumer.seek(partition, sent.offset)
        assert (await consumer.getone()).value == b"here"


@pytest.mark.parametrize("name", ["pop-1", "api", "worker-1", "worker-2", "relay", "sweeper", "collector"])
def test_a_killed_process_of_ours_comes_back(stack: StackHandle, name: str) -> None:
    stack.kill_and_wait(name)
    assert stack.service(name).state == "healthy"


@pytest.mark.parametrize("name", ["dagster-code", "dagster-web", "dagster-daemon"])
def test_a_killed_part_of_dagster_comes_back(stack: StackHandle, name: str) -> None:
    stack.kill_and_wait(name)
    stack.wait_ready()
    assert stack.service(name).state == "healthy"


def test_workers_of_a_killed_nginx_master_are_ended_with_it(stack: StackHandle) -> None:
    """They would hold the port and go on answering health checks."""
    master = stack.service("pop-1").pid
    assert master is not None
    workers = [child.pid for child in psutil.Process(master).children()]
    stack.kill_and_wait("pop-1")
    assert workers
    assert [processes.start_ticks(pid) for pid in workers] == [None] * len(workers)


def test_status_as_json_has_exactly_the_shape_of_the_contract(stack: StackHandle) -> None:
    done = stack.run("status", "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert answer.keys() == {"ready", "endpoints", "services"}
    assert answer["ready"] is True
    assert answer["endpoints"]["api"] == f"http://127.0.0.1:{stack.port_base + 1}"
    assert answer["endpoints"]["dagster"] == f"http://127.0.0.1:{stack.port_base + 2}"
    for service in answer["services"].values():
        assert service.keys() == {"state", "pid", "port"}
        assert service["state"] == "healthy"
    assert {"postgres", "valkey", "s3", "kafka", "clickhouse", "collector"} <= answer["services"].keys()


async def test_a_role_cannot_reach_the_database_of_another_domain(stack: StackHandle) -> None:
    address = stack.env("tests")["MCSP_DSN__IDENTITY"].removesuffix("/identity") + "/content"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(address)


async def test_the_object_store_refuses_strangers(stack: StackHandle) -> None:
    stranger = s3.Identity("mcsp-pop", "not the key")
    await request(s3.endpoint(stack.context), stranger, "GET", f"/{s3.MEDIA}", accept=(403,))


async def test_an_identity_of_the_object_store_reaches_its_own_buckets_alone(stack: StackHandle) -> None:
    address = s3.endpoint(stack.context)
    pop, uploads = (s3.identity(stack.context, name) for name in ("pop", "uploads"))
    await request(address, pop, "PUT", f"/{s3.MEDIA}/intruder", body=b"x", accept=(403,))
    await request(address, pop, "GET", f"/{s3.SOURCE}/anything", accept=(403,))
    await request(address, uploads, "PUT", f"/{s3.MEDIA}/intruder", body=b"x", accept=(403,))
    reader, collector = (s3.identity(stack.context, name) for name in ("lake-reader", "collector"))
    await request(address, reader, "PUT", f"/{s3.LAKE}/intruder", body=b"x", accept=(403,))
    await request(address, collector, "GET", f"/{s3.SOURCE}/anything", accept=(403,))


def _preflight(stack: StackHandle, origin: str) -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    return httpx.options(f"{s3.endpoint(stack.context)}/{s3.SOURCE}/any", headers=asked, trust_env=False)


def test_a_browser_may_upload_from_our_pages_and_from_no_others(stack: StackHandle) -> None:
    ours = _preflight(stack, stack.urls["api"])
    assert ours.headers["access-control-allow-origin"] == stack.urls["api"]
    assert "access-control-allow-origin" not in _preflight(stack, "https://elsewhere.example").headers


def test_what_creators_uploaded_is_closed_to_other_users_of_the_machine(stack: StackHandle) -> None:
    layout = stack.context.layout
    folders = [
        layout.data(name) for name in ("postgres", "valkey", "s3", "kafka", "dagster", "pop-1", "clickhouse")
    ]
    assert [folder.stat().st_mode & 0o077 for folder in (*folders, layout.secrets)] == [0] * 8
