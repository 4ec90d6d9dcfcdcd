"""What every process of ours has to show, and what one lacks of it."""

import re
from typing import Any

import httpx

HEALTH = ("/healthz", "/readyz", "/metrics")


def lacking_routes(url: str, *, serves_people: bool) -> list[str]:
    """Which of the agreed routes do not answer as agreed."""
    lacks = []
    for route in (*HEALTH, *(("/schema",) if serves_people else ())):
        answer = httpx.get(f"{url}{route}")
        if answer.status_code not in ((200, 503) if route == "/readyz" else (200,)):
            lacks.append(f"{route}: {answer.status_code}")
        elif route == "/readyz" and not _names_dependencies(answer):
            lacks.append("/readyz: names no dependency")
        elif route == "/schema" and not answer.json().get("openapi", "").startswith("3.1"):
            lacks.append("/schema: not OpenAPI 3.1")
    return lacks


def _names_dependencies(answer: httpx.Response) -> bool:
    try:
        dependencies: dict[str, Any] = answer.json()["dependencies"]
    except (ValueError, KeyError):
        return False
    return bool(dependencies) and all(d["state"] in ("up", "down") for d in dependencies.values())


def lacking_metrics(url: str, service: str, *, serves_people: bool) -> list[str]:
    """Which of rate, errors and duration are not measured."""
    text = httpx.get(f"{url}/metrics").text
    rate, errors = ("mcsp_http_requests_total", "status") if serves_people else ("mcsp_work_total", "outcome")
    duration = "mcsp_http_request_seconds_bucket" if serves_people else "mcsp_work_seconds_bucket"
    of_service = rf'\{{[^}}]*service="{service}"[^}}]*\}}'
    lacks = []
    if not (counted := re.search(rate + of_service, text)):
        lacks.append(f"rate: no {rate} of {service}")
    if not counted or f'{errors}="' not in counted[0]:
        lacks.append(f"errors: {rate} does not tell them")
    if not re.search(duration + of_service, text):
        lacks.append(f"duration: no {duration} of {service}")
    return lacks


def lacking_in_logs(lines: list[dict[str, Any]], service: str, *, serves_people: bool) -> list[str]:
    """What the structured log does not say."""
    lacks = [
        f"a line without {field}: {line}"
        for line in lines
        for field in ("event", "level", "service", "at")
        if field not in line
    ]
    if not any(line.get("service") == service for line in lines):
        lacks.append(f"no line of {service}")
    requests = [line for line in lines if line.get("event") == "request"]
    if serves_people and not all({"trace_id", "request_id", "route"} <= line.keys() for line in requests):
        lacks.append("requests without trace, request id or route")
    if serves_people and not requests:
        lacks.append("no request is logged")
    return lacks
