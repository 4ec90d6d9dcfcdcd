"""A person of its own for each file: uploads that its tests leave open count against nobody else's limit."""

import pytest

from tests.streaming_api.api import ApiProcess, Person


@pytest.fixture(scope="module")
def ann(api: ApiProcess) -> Person:
    return Person(api.url)
