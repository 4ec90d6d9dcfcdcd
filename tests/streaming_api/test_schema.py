"""Whatever a client sends that the schema allows, or just does not: no answer is a fault of the server."""

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from tests.streaming_api.api import ApiProcess, Person

EXAMPLES = 12
LEFT_OUT = "/v1/auth/|/v1/media/events|/metrics|/readyz"
"""Identity has its own tests and a rate limit; a stream has no end."""


def test_no_request_makes_the_server_fail(api: ApiProcess, ann: Person) -> None:
    schema = schemathesis.openapi.from_url(f"{api.url}/schema/openapi.json").exclude(path_regex=LEFT_OUT)
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert {"/v1/uploads", "/v1/feed", "/v1/playback/{media_id}"} <= {one.path for one in operations}
    for operation in operations:
        _try(operation, {"Authorization": f"Bearer {ann.token}"})


def _try(operation: schemathesis.APIOperation, headers: dict[str, str]) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )  # fmt: skip
    def no_fault(case: schemathesis.Case) -> None:
        answer = case.call(headers=headers, timeout=30)
        assert answer.status_code < 500, (case.method, case.path, answer.text)

    no_fault()
