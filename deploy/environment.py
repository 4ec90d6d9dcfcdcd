"""Which addresses and secrets each kind of process is given: no more than it needs.

``ROLES`` is the whole table. What does not belong here: how the values come about (credentials, services).
"""

from deploy.context import Context
from deploy.ports import HOST
from deploy.services import clickhouse, kafka, s3, valkey
from deploy.services.databases import DATABASE_OF
from deploy.services.postgres import SUPERUSER, dsn
from mcsp.settings import Settings

ROLES: dict[str, tuple[str, ...]] = {
    "api": ("identity", "uploads", "content", "playback", "creators", "valkey", "kafka", "s3:uploads",
            "clickhouse:creators", "api", "path-signing", "play-sessions",
            "identity-key"),
    "worker": ("media_ops", "kafka", "s3:media_ops", "valkey"),
    "relay": ("relay", "kafka"),
    "sweeper": ("media_ops", "uploads", "content", "identity", "relay", "kafka", "s3:media_ops", "valkey"),
    "supervisor": (),
    "migrate": ("admin",),
    "clickhouse-migrate": ("clickhouse:admin",),
    "collector": ("kafka", "clickhouse:collector", "lake:collector"),
    "dagster": ("pipelines", "dagster", "kafka", "s3:pipelines", "api"),
    "pop": ("s3:pop", "path-signing"),
    "client": ("api",),
    "tests": (*DATABASE_OF, "admin", "valkey", "kafka", "s3:admin", "clickhouse:admin", "lake:collector",
              "api", "path-signing", "play-sessions", "identity-key"),
}  # fmt: skip
"""What a role may know: database roles, servers, ``s3:IDENTITY``, ``lake:IDENTITY``, ``clickhouse:USER``,
``admin`` (the superuser's DSNs)."""


def environment(settings: Settings, role: str) -> dict[str, str]:
    """Variables of ``mcsp.settings`` for a process of ``role`` (a key of ``ROLES``) in this stack."""
    return of_role(Context.of(settings), role)


def of_role(context: Context, role: str) -> dict[str, str]:
    """The same for a stack that is at hand."""
    settings = context.settings
    values = {
        "MCSP_HOME": str(context.layout.home),
        "MCSP_PORT_BASE": str(settings.port_base),
        "MCSP_ENVIRONMENT": settings.environment,
        "MCSP_LOG_LEVEL": settings.log_level,
        "MCSP_OTLP_ENDPOINT": settings.otlp_endpoint,
    }
    if settings.first_hour is not None:
        values["MCSP_FIRST_HOUR"] = settings.first_hour.isoformat()
    for item in ROLES[role]:
        values.update(_values(context, item))
    return values


def _values(context: Context, item: str) -> dict[str, str]:
    if item in DATABASE_OF:
        return {f"MCSP_DSN__{item.upper()}": dsn(context, item, DATABASE_OF[item])}
    if item.startswith("s3:"):
        return _s3_values(context, item.removeprefix("s3:"))
    if item.startswith("lake:"):
        return _lake_values(context, item.removeprefix("lake:"))
    if item.startswith("clickhouse:"):
        return {"MCSP_CLICKHOUSE_URL": clickhouse.url(context, item.removeprefix("clickhouse:"))}
    match item:
        case "admin":
            return {
                f"MCSP_DSN__ADMIN_{database.upper()}": dsn(context, SUPERUSER, database)
                for database in ("identity", "content")
            }
        case "valkey":
            return {"MCSP_VALKEY_URL": valkey.url(context)}
        case "kafka":
            return {"MCSP_KAFKA_BOOTSTRAP": kafka.bootstrap(context)}
        case "api":
            return {"MCSP_API_URL": f"http://{HOST}:{context.ports.api}",
                    "MCSP_MEDIA_URL": f"http://{HOST}:{context.ports.pop(1)}"}  # fmt: skip
        case "path-signing":
            return {"MCSP_PATH_SIGNING_KEY": context.credentials.password("path-signing-key")}
        case "play-sessions":
            return {"MCSP_PLAY_SESSION_KEY": context.credentials.password("play-session-key")}
        case "identity-key":
            return {"MCSP_IDENTITY_KEY_FILE": str(context.credentials.identity_key())}
    raise KeyError(item)


def _s3_values(context: Context, name: str) -> dict[str, str]:
    keys = s3.identity(context, name)
    return {
        "MCSP_S3__ENDPOINT": s3.endpoint(context),
        "MCSP_S3__PUBLIC_ENDPOINT": s3.endpoint(context),
        "MCSP_S3__ACCESS_KEY": keys.access_key,
        "MCSP_S3__SECRET_KEY": keys.secret_key,
        "MCSP_S3__BUCKET_SOURCE": s3.SOURCE,
        "MCSP_S3__BUCKET_MEDIA": s3.MEDIA,
    }


def _lake_values(context: Context, name: str) -> dict[str, str]:
    keys = s3.identity(context, name)
    return {
        "MCSP_LAKE__ENDPOINT": s3.endpoint(context),
        "MCSP_LAKE__ACCESS_KEY": keys.access_key,
        "MCSP_LAKE__SECRET_KEY": keys.secret_key,
        "MCSP_LAKE__BUCKET": s3.LAKE,
    }
