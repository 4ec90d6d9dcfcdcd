"""The definitions load, fast and without a server, and show a graph that explains itself."""

import os
import subprocess
import sys

import dagster as dg
import pytest

from assets.common import FRESH
from assets.partitions import FIRST_HOUR, HOURS, hour_of_key, key_of
from orchestration.build import build_defs
from orchestration.definitions import defs

MEDIA = ("sources", "renditions", "packages")


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return build_defs().get_repository_def()


def test_workspace_entry_gives_definitions() -> None:
    assert isinstance(defs(), dg.Definitions)


def test_definitions_are_valid_without_any_server_or_secret() -> None:
    dg.Definitions.validate_loadable(build_defs())


def test_loading_imports_no_media_tool_and_no_web_framework() -> None:
    heavy = "{'litestar', 'pandas', 'numpy', 'boto3', 'PIL', 'pyvips'}"
    code = f"import sys, orchestration.definitions; print(sorted({heavy} & sys.modules.keys()))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_packages_come_from_renditions_and_renditions_from_sources(
    repository: dg.RepositoryDefinition,
) -> None:
    graph = repository.asset_graph
    assert graph.get(dg.AssetKey("renditions")).parent_keys == {dg.AssetKey("sources")}
    assert graph.get(dg.AssetKey("packages")).parent_keys == {dg.AssetKey("renditions")}


@pytest.mark.parametrize("name", MEDIA)
def test_each_media_asset_is_executable_by_the_hour(repository: dg.RepositoryDefinition, name: str) -> None:
    node = repository.asset_graph.get(dg.AssetKey(name))
    assert node.is_executable
    assert node.partitions_def == HOURS


def test_every_asset_says_what_it_is_and_whose(repository: dg.RepositoryDefinition) -> None:
    for node in repository.asset_graph.asset_nodes:
        assert len(node.description or "") > 100, node.key
        assert node.owners, node.key
        assert node.group_name != "default", node.key
        assert node.kinds, node.key
        assert node.code_version, node.key
        assert node.pools, node.key


def test_every_check_job_schedule_and_sensor_says_what_it_does(repository: dg.RepositoryDefinition) -> None:
    graph = repository.asset_graph
    for key in graph.asset_check_keys:
        assert graph.get_check_spec(key).description, key
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    for definition in (*jobs, *repository.schedule_defs, *repository.sensor_defs):
        assert definition.description, definition.name


def test_the_open_hour_has_a_partition_and_all_hours_are_utc() -> None:
    key = HOURS.get_last_partition_key()
    assert key is not None
    assert key_of(hour_of_key(key)) == key
    assert hour_of_key(key).utcoffset() is not None
    window = HOURS.time_window_for_partition_key(key)
    assert window.start == hour_of_key(key)


def test_schedules_are_on_and_in_utc(repository: dg.RepositoryDefinition) -> None:
    for schedule in repository.schedule_defs:
        assert schedule.execution_timezone == "UTC", schedule.name
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING, schedule.name


def test_the_hourly_schedule_asks_for_the_last_closed_hour(repository: dg.RepositoryDefinition) -> None:
    at = hour_of_key("2026-03-29-02:00").replace(minute=10)
    schedule = repository.get_schedule_def("last_closed_hour")
    context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
    data = schedule.evaluate_tick(context)
    assert [request.partition_key for request in data.run_requests or ()] == ["2026-03-29-01:00"]


def test_the_hour_before_the_first_is_not_asked_for(repository: dg.RepositoryDefinition) -> None:
    at = FIRST_HOUR.replace(minute=10)
    schedule = repository.get_schedule_def("last_closed_hour")
    context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
    data = schedule.evaluate_tick(context)
    assert data.run_requests == []
    assert key_of(FIRST_HOUR) in str(data.skip_message)


def test_partitions_begin_with_the_hour_that_a_setting_names() -> None:
    code = "from assets.partitions import HOURS; print(HOURS.get_first_partition_key())"
    named = {**os.environ, "MCSP_FIRST_HOUR": "2026-03-29T02:45:00+02:00"}
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=named
    )
    assert answer.stdout.strip() == "2026-03-29-00:00"


def test_hours_are_overdue_when_two_in_a_row_were_not_made(repository: dg.RepositoryDefinition) -> None:
    for name in MEDIA:
        policy = repository.asset_graph.get(dg.AssetKey(name)).freshness_policy_or_from_metadata
        assert policy == FRESH, name


def test_an_override_replaces_a_resource_and_leaves_the_others() -> None:
    from assets.resources import Pages

    mine = build_defs(resources={"pages": Pages(url="https://example.org")})
    assert (mine.resources or {})["pages"].url == "https://example.org"
    assert set(mine.resources or {}) == set(build_defs().resources or {})
