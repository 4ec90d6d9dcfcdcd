"""Apache Kafka in KRaft mode, one broker that is its own controller."""

import base64
import logging
import uuid
from functools import partial

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy import programs
from deploy.context import Context
from deploy.ports import HOST
from deploy.supervisor.files import write_atomically
from deploy.supervisor.service import NotReadyError, RunCommand, Service

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the probe itself says what is wrong

_LOGGING = """\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
"""


def bootstrap(context: Context) -> str:
    return f"{HOST}:{context.ports.kafka}"


def service(context: Context) -> Service:
    """Ready when the cluster's description names a broker."""
    return Service(
        name="kafka",
        command=_java(context, "kafka.Kafka", str(context.layout.run / "kafka.properties")),
        environment=context.base_environment(),
        ready=Probe(bootstrap(context)),
        ports=(context.ports.kafka, context.ports.kafka_controller),
        prepare=partial(_prepare, context),
    )


class Probe:
    """Asks over one connection that is kept while it works."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: AIOKafkaAdminClient | None = None

    async def __call__(self) -> None:
        try:
            if self._client is None:
                self._client = await self._connect()
            cluster = await self._client.describe_cluster()
        except (KafkaError, OSError) as error:
            await self._drop()
            raise NotReadyError.of(error) from error
        if not cluster["brokers"]:
            raise NotReadyError("no broker is registered yet")

    async def _connect(self) -> AIOKafkaAdminClient:
        client = AIOKafkaAdminClient(bootstrap_servers=self._address, request_timeout_ms=5000)
        try:
            await client.start()
        except BaseException:
            await client.close()
            raise
        return client

    async def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()


async def _prepare(context: Context, run: RunCommand) -> None:
    data = context.layout.make_data("kafka")
    properties = context.layout.run / "kafka.properties"
    write_atomically(properties, _properties(context).encode())
    write_atomically(context.layout.run / "kafka-log.properties", _LOGGING.encode())
    if not (data / "meta.properties").exists():
        cluster = context.credentials.file("kafka-cluster-id", _cluster_id).read_text()
        # With "=": one id in 64 begins with a dash, which would be read as an option.
        which = f"--cluster-id={cluster}"
        arguments = ("format", "--standalone", "--ignore-formatted", which, "-c", str(properties))
        await run(_java(context, "kafka.tools.StorageTool", *arguments), context.base_environment())


def _cluster_id() -> bytes:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=")


def _java(context: Context, main: str, *arguments: str) -> tuple[str, ...]:
    return (
        programs.java(), "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
        f"-Djava.io.tmpdir={context.layout.sockets}",
        f"-Dlog4j2.configurationFile={context.layout.run / 'kafka-log.properties'}",
        "-cp", programs.class_path("kafka", "log4j"), main, *arguments,
    )  # fmt: skip


def _properties(context: Context) -> str:
    broker, controller = context.ports.kafka, context.ports.kafka_controller
    values = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "listeners": f"PLAINTEXT://{HOST}:{broker},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{broker},CONTROLLER://{HOST}:{controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.bootstrap.servers": f"{HOST}:{controller}",
        "log.dirs": context.layout.data("kafka"),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())
