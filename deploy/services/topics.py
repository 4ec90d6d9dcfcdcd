"""Step ``bootstrap-topics``: the topics of ``mcsp.contracts.topics``."""

from functools import partial
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from deploy.context import Context
from deploy.services.kafka import bootstrap
from deploy.supervisor.service import RunCommand, Step, StepFailedError
from mcsp.contracts import topics

_ALREADY_THERE = 36  # TOPIC_ALREADY_EXISTS of the Kafka protocol


def step(context: Context) -> Step:
    return Step("bootstrap-topics", partial(_bootstrap, context), needs=("kafka",))


async def _bootstrap(context: Context, _run: RunCommand) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap(context), request_timeout_ms=10_000)
    try:
        await client.start()
        missing = {topic.name for topic in topics.ALL} - set(await client.list_topics())
        wanted = [_new_topic(topic) for topic in topics.ALL if topic.name in missing]
        if wanted:
            answer: Any = await client.create_topics(wanted)  # its fields come with the protocol's version
            for name, code, *_ in answer.topic_errors:
                if code not in (0, _ALREADY_THERE):
                    raise StepFailedError(f"topic {name}: {for_code(code).__name__}")
    except (KafkaError, OSError) as error:
        raise StepFailedError(f"Kafka: {error!r}") from error
    finally:
        await client.close()


def _new_topic(topic: topics.Topic) -> NewTopic:
    configuration = {
        "retention.ms": str(topic.retention_ms),
        "max.message.bytes": str(topic.max_bytes),
        "cleanup.policy": "compact" if topic.compacted else "delete",
    }
    return NewTopic(topic.name, topic.partitions, 1, topic_configs=configuration)
