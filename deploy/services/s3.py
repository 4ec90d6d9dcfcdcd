"""SeaweedFS as the object store. Buckets are made by ``deploy.services.buckets``.

Who may do what is a list of identities; nobody gets in without one (``-s3.config``), the filer has no HTTP
side door (``-filer.disableHttp``) and nothing is reported to anybody (``-master.telemetry=false``).
"""

import os
import signal
from functools import partial
from pathlib import Path

import msgspec

from deploy import programs
from deploy.context import Context
from deploy.ports import HOST
from deploy.s3_request import Identity, S3RequestError, request
from deploy.supervisor import processes
from deploy.supervisor.files import write_atomically
from deploy.supervisor.service import NotReadyError, RunCommand, Service, StepFailedError

SOURCE, MEDIA, LAKE, PROBE = "mcsp-source", "mcsp-media", "mcsp-lake", "mcsp-probe"

_ALL = ("Read", "Write", "List", "Tagging")
GRANTS = {
    "admin": ("Admin", *_ALL),
    "uploads": tuple(f"{action}:{SOURCE}" for action in _ALL),
    "media_ops": (f"Read:{SOURCE}", f"List:{SOURCE}", f"Write:{SOURCE}", *(f"{a}:{MEDIA}" for a in _ALL)),
    "pipelines": (f"Read:{SOURCE}", f"List:{SOURCE}", *(f"{action}:{MEDIA}" for action in _ALL)),
    "pop": (f"Read:{MEDIA}",),
    "collector": tuple(f"{action}:{LAKE}" for action in _ALL),
    "lake-reader": (f"Read:{LAKE}", f"List:{LAKE}"),
}
"""What each identity may do. media_ops writes to the source bucket only to purge deleted items there."""


_ENVIRONMENT = {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1", "GOMEMLIMIT": "640MiB"}
"""Room for more than seven buckets; and a soft limit of Go's heap, which after some large uploads stood at
1.8 GB for minutes."""


def endpoint(context: Context) -> str:
    return f"http://{HOST}:{context.ports.s3}"


def identity(context: Context, name: str) -> Identity:
    """The key pair of an identity of ``GRANTS``."""
    return Identity(f"mcsp-{name.replace('_', '-')}", context.credentials.password(f"s3-{name}"))


def service(context: Context) -> Service:
    """Ready when an object can be put: its own health address answers before volumes can be written."""
    return Service(
        name="s3",
        command=_command(context),
        environment={**context.base_environment(), **_ENVIRONMENT},
        ready=partial(_probe, context, "PUT"),
        alive=partial(_probe, context, "GET"),
        ports=(context.ports.s3, *(port for port in context.ports.seaweedfs if port != context.ports.s3)),
        prepare=partial(_prepare, context),
        death_signal=signal.SIGKILL,
        grace_s=3.0,  # it would take 15 s; killed under load it lost no acknowledged write
    )


async def _probe(context: Context, method: str) -> None:
    admin, body = identity(context, "admin"), b"ready" if method == "PUT" else b""
    try:
        if method == "PUT":
            await request(endpoint(context), admin, "PUT", f"/{PROBE}", accept=(200, 409))
        await request(endpoint(context), admin, method, f"/{PROBE}/probe", body=body)
    except S3RequestError as error:
        raise NotReadyError.of(error) from error


def foreign_sockets(context: Context) -> list[Path]:
    """Sockets on our ports that another user left in /tmp: SeaweedFS would wait for them for ever."""
    return [path for path in _sockets(context) if path.lstat().st_uid != os.geteuid()]


def remove_sockets(context: Context) -> None:
    """Remove our own, which a killed server leaves and which would stop another user's.

    Where somebody listens on the ports it is another stack's, and its sockets are in use.
    """
    if all(processes.is_free(port) for port in context.ports.seaweedfs):
        for path in set(_sockets(context)) - set(foreign_sockets(context)):
            path.unlink(missing_ok=True)


def _sockets(context: Context) -> list[Path]:
    names = (f"seaweedfs-*-grpc-{port}.sock" for port in context.ports.seaweedfs)
    return [path for name in names for path in Path("/tmp").glob(name)]  # noqa: S108 -- its own fixed place


async def _prepare(context: Context, _run: RunCommand) -> None:
    if foreign := foreign_sockets(context):
        raise StepFailedError(
            f"{foreign[0]} belongs to another user: let its owner remove it, or set another MCSP_PORT_BASE"
        )
    context.layout.make_data("s3")
    identities = [
        {"name": name, "actions": list(actions), "credentials": [_credentials(context, name)]}
        for name, actions in GRANTS.items()
    ]
    content = msgspec.json.encode({"identities": identities})
    write_atomically(context.layout.secrets / "s3-identities.json", content, mode=0o600)


def _credentials(context: Context, name: str) -> dict[str, str]:
    keys = identity(context, name)
    return {"accessKey": keys.access_key, "secretKey": keys.secret_key}


def _command(context: Context) -> tuple[str, ...]:
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = context.ports.seaweedfs
    sockets = context.layout.sockets
    return (
        programs.weed(), "-logtostderr=true", "server", f"-dir={context.layout.data('s3')}",
        f"-ip={HOST}", f"-ip.bind={HOST}",
        f"-master.port={master}", f"-master.port.grpc={master_grpc}", "-master.telemetry=false",
        "-master.volumeSizeLimitMB=1024", "-master.electionTimeout=1s", "-master.heartbeatInterval=100ms",
        f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}", "-volume.max=40",
        "-volume.preStopSeconds=0",
        "-filer", f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}", "-filer.disableHttp",
        f"-filer.localSocket={sockets / 'filer.sock'}",
        "-s3", f"-s3.port={s3}", f"-s3.port.grpc={s3_grpc}", "-s3.port.iceberg=0", "-s3.port.lance=0",
        f"-s3.localSocket={sockets / 's3.sock'}",
        f"-s3.config={context.layout.secrets / 's3-identities.json'}", "-s3.autoCreateBucket=false",
    )  # fmt: skip
