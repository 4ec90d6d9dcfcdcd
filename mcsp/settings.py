"""The one typed settings module: every address, key and limit a process may be told from outside.

Values come from environment variables with the prefix ``MCSP_`` (nested ones with ``__``, such as
``MCSP_DSN__IDENTITY``). The same code runs on a laptop and on clusters; only these differ. What does
not belong here: constants of a domain (ladder, limits of an upload), which stand beside their code.
"""

from functools import lru_cache
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

LOWEST_BASE, HIGHEST_BASE = 1024, 65000


class SettingError(Exception):
    """A variable of the environment has a value that cannot be used; the message names it."""


class S3Settings(BaseModel):
    """Object store. ``endpoint`` is what the servers use, ``public_endpoint`` what presigned URLs name."""

    endpoint: str = "http://127.0.0.1:8036"
    public_endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: SecretStr = SecretStr("")
    bucket_source: str = "mcsp-source"
    bucket_media: str = "mcsp-media"


class LakeSettings(BaseModel):
    """The lake's bucket, and how often the collector commits to it."""

    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: SecretStr = SecretStr("")
    bucket: str = "mcsp-lake"
    commit_s: float = 60
    """Seconds between two commits of the collector."""
    commit_rows: int = 50_000
    """Rows after which it does not wait any longer; they are held in memory (about 3 KB each)."""


class Settings(BaseSettings):
    """Settings of one process. Only what that process needs is set; the rest stays at its default."""

    model_config = SettingsConfigDict(
        env_prefix="MCSP_", env_nested_delimiter="__", extra="ignore", frozen=True
    )

    home: Path = Path(".mcsp")
    port_base: int = Field(default=8000, ge=LOWEST_BASE, le=HIGHEST_BASE)
    environment: str = "local"
    log_level: str = "INFO"
    otlp_endpoint: str = ""

    dsn: dict[str, str] = Field(default_factory=dict)
    """PostgreSQL DSN by role name (``identity``, ``uploads``, ``content``, ``playback``, ``media_ops`` …)."""
    valkey_url: str = ""
    valkey_cluster: bool = False
    """Whether ``valkey_url`` names a node of a Redis Cluster, whose other nodes are learned from it."""
    kafka_bootstrap: str = ""
    clickhouse_url: str = ""
    """HTTP address of ClickHouse with user and password, without a path."""
    lake: LakeSettings = LakeSettings()
    first_hour: AwareDatetime | None = None
    """The hour (ISO 8601, with its offset) from which on Dagster shows hourly partitions; earlier ones have
    no page. None: the local stack takes the hour in which its database was made."""
    s3: S3Settings = S3Settings()

    api_url: str = ""
    """Public base address of the HTTP API and pages, without trailing slash."""
    media_url: str = ""
    """Public base address of the PoP that serves signed media paths, without trailing slash."""
    path_signing_key: SecretStr = SecretStr("")
    """Secret shared by playback and the PoPs: HMAC-SHA256 key of signed paths."""
    play_session_key: SecretStr = SecretStr("")
    """Secret of whoever makes and reads play sessions and viewers' pseudonyms; no PoP knows it."""
    identity_key_file: Path | None = None
    """PEM file with the Ed25519 private key that signs access tokens (identity service alone)."""
    identity_jwks_url: str = ""
    """Where services beside identity get the public keys; default: ``{api_url}/v1/auth/jwks.json``."""
    service_host: str = "127.0.0.1"
    """Address the listener binds to; loopback unless a container needs another."""
    trusted_edge: str = ""
    """Addresses or networks, by comma, whose ``X-Forwarded-For`` names the client; empty: nobody's does."""
    service_port: int = 0
    """Port of this process's own HTTP listener (health, readiness, metrics; for the API: everything)."""

    def dsn_of(self, role: str) -> str:
        """The DSN of a database role; raises KeyError with the variable to set when it is missing."""
        try:
            return self.dsn[role]
        except KeyError:
            raise KeyError(f"no DSN for role {role!r}: set MCSP_DSN__{role.upper()}") from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once. Raises SettingError."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingError("; ".join(_plainly(*of["loc"], given=of["input"], why=of["msg"])
                                     for of in error.errors())) from error  # fmt: skip


def _plainly(*path: int | str, given: object, why: str) -> str:
    """One wrong variable for people. Only the port base is quoted: another value may be a secret."""
    if path == ("port_base",):
        return f"MCSP_PORT_BASE must be a number from {LOWEST_BASE} to {HIGHEST_BASE} (it is {given!r})"
    return f"MCSP_{'__'.join(str(part) for part in path).upper()}: {why}"
