"""Promises of what each kind of process is told: what it needs, and no secret more."""

from pathlib import Path

import pytest

from deploy.context import Context
from deploy.environment import ROLES, environment
from deploy.services.s3 import GRANTS, MEDIA, SOURCE, identity
from mcsp.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, port_base=9000)


def _superuser_dsns(variables: dict[str, str]) -> list[str]:
    return [name for name in variables if name.startswith("MCSP_DSN__ADMIN")]


def test_only_migrations_and_tests_know_the_superuser(settings: Settings) -> None:
    knowing = {role for role in ROLES if _superuser_dsns(environment(settings, role))}
    assert knowing == {"migrate", "tests"}


def test_only_the_api_signs_tokens_and_only_it_and_the_pop_know_the_path_key(settings: Settings) -> None:
    variables = {role: environment(settings, role) for role in ROLES if role != "tests"}
    assert [role for role in variables if "MCSP_IDENTITY_KEY_FILE" in variables[role]] == ["api"]
    assert {role for role in variables if "MCSP_PATH_SIGNING_KEY" in variables[role]} == {"api", "pop"}


def test_the_pop_s_key_makes_no_play_session_and_no_pseudonym(settings: Settings) -> None:
    variables = {role: environment(settings, role) for role in ROLES if role != "tests"}
    assert {role for role in variables if "MCSP_PLAY_SESSION_KEY" in variables[role]} == {"api"}
    api, pop = variables["api"], variables["pop"]
    assert len(api["MCSP_PLAY_SESSION_KEY"]) >= 43
    assert api["MCSP_PLAY_SESSION_KEY"] not in pop.values()


def test_a_database_role_is_known_to_the_processes_of_its_domain_alone(settings: Settings) -> None:
    assert "MCSP_DSN__MEDIA_OPS" not in environment(settings, "api")
    assert "MCSP_DSN__IDENTITY" not in environment(settings, "worker")
    assert "MCSP_DSN__RELAY" in environment(settings, "relay")


def test_only_migrations_define_in_clickhouse_and_only_the_collector_writes_to_the_lake(
    settings: Settings,
) -> None:
    variables = {role: environment(settings, role) for role in ROLES if role != "tests"}
    users = {
        role: said["MCSP_CLICKHOUSE_URL"].removeprefix("http://").partition(":")[0]
        for role, said in variables.items()
        if "MCSP_CLICKHOUSE_URL" in said
    }
    assert {role for role, user in users.items() if user == "admin"} == {"clickhouse-migrate"}
    assert {role for role, user in users.items() if user == "collector"} == {"collector"}
    writing = identity(Context.of(settings), "collector").access_key
    assert {r for r, said in variables.items() if said.get("MCSP_LAKE__ACCESS_KEY") == writing} == {
        "collector"
    }
    assert {grant.partition(":")[0] for grant in GRANTS["lake-reader"]} == {"Read", "List"}


def test_everything_said_is_a_setting(settings: Settings) -> None:
    fields = {name.upper() for name in Settings.model_fields}
    said = {
        name.removeprefix("MCSP_").split("__")[0] for role in ROLES for name in environment(settings, role)
    }
    assert said <= fields


def test_the_addresses_follow_the_port_base(settings: Settings) -> None:
    variables = environment(settings, "tests")
    assert variables["MCSP_API_URL"] == "http://127.0.0.1:9001"
    assert variables["MCSP_MEDIA_URL"] == "http://127.0.0.1:9010"
    assert variables["MCSP_DSN__IDENTITY"].endswith("@127.0.0.1:9020/identity")


def test_the_pop_may_only_read_and_uploads_never_touch_media() -> None:
    assert GRANTS["pop"] == (f"Read:{MEDIA}",)
    assert all(grant.endswith(f":{SOURCE}") for grant in GRANTS["uploads"])
