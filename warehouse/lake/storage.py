"""How ``deltalake`` reaches the object store. What does not belong here: tables."""

from mcsp.settings import LakeSettings


def options(lake: LakeSettings) -> dict[str, str]:
    """Storage options. A version's log file is put only where none is there yet (``If-None-Match``), which is
    what makes one of two commits at once fail; a store that is away is noticed within seconds."""
    return {
        "AWS_ENDPOINT_URL": lake.endpoint,
        "AWS_REGION": lake.region,
        "AWS_ACCESS_KEY_ID": lake.access_key,
        "AWS_SECRET_ACCESS_KEY": lake.secret_key.get_secret_value(),
        "AWS_ALLOW_HTTP": "true" if lake.endpoint.startswith("http:") else "false",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
        "AWS_CONDITIONAL_PUT": "etag",
        "connect_timeout": "3s",
        "timeout": "20s",
        "max_retries": "2",
        "retry_timeout": "10s",
    }


def address(lake: LakeSettings, layer: str, table: str) -> str:
    """Address of a table: ``layer`` is ``bronze``, ``silver`` or ``gold``."""
    return f"s3://{lake.bucket}/{layer}/{table}"
