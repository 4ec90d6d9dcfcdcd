"""Promises of the problem document: what a stranger is told of an error."""

import msgspec

from mcsp.errors import UnavailableError
from streaming_api.frame.problems import problem_of


def test_what_is_meant_for_operators_is_never_told() -> None:
    error = UnavailableError("store_down", "Not now.", retry_after_s=3, log="http://10.1.2.3:9000/bucket")
    told = msgspec.json.decode(msgspec.json.encode(problem_of(error)))
    assert told["details"] == {"retry_after_s": 3}
    assert "10.1.2.3" not in str(told)
