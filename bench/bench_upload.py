"""Upload throughput through the platform's presigned parts, against a bare S3 multipart client."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import boto3
import urllib3

from bench.creator import PARALLEL, Creator
from bench.registry import Row, Rows, at_least, bench
from bench.stack import Stack

SIZE = 256 * 2**20
ROUNDS = 3


@bench("Upload throughput", needs_stack=True)
def upload(stack: Stack) -> Rows:
    """MB/s of the same bytes in the same parts by the same HTTP client, four at a time; best of three."""
    creator = Creator(stack.api)
    content = os.urandom(SIZE)
    part_size = creator.begin(SIZE, "probe.mp4").part_size
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(_rate(lambda: _bare(stack, content, part_size)))
        ours.append(_rate(lambda: _platform(creator, content)))
    return [
        Row(
            "platform, create to complete",
            max(ours),
            "MB/s",
            note=f"{SIZE >> 20} MiB in parts of {part_size >> 20} MiB",
        ),
        Row("bare S3 multipart", max(bare), "MB/s"),
        Row("platform against bare", max(ours) / max(bare), "ratio", at_least(0.9)),
    ]


def _rate(upload_once: Callable[[], None]) -> float:
    began = time.perf_counter()
    upload_once()
    return SIZE / 1e6 / (time.perf_counter() - began)


def _platform(creator: Creator, content: bytes) -> None:
    begun = creator.begin(SIZE, "bench.mp4")
    parts = _put_all(begun.urls, content, begun.part_size)
    creator.complete(begun, parts)


def _bare(stack: Stack, content: bytes, part_size: int) -> None:
    variables = stack.handle.env("tests")
    bucket, key = variables["MCSP_S3__BUCKET_SOURCE"], f"bench/{uuid4().hex}"
    client = _client(variables)
    begun = client.create_multipart_upload(Bucket=bucket, Key=key)
    names = {"Bucket": bucket, "Key": key, "UploadId": begun["UploadId"]}
    count = -(-SIZE // part_size)
    urls = [
        client.generate_presigned_url("upload_part", Params={**names, "PartNumber": number})
        for number in range(1, count + 1)
    ]
    parts = [
        {"PartNumber": part["number"], "ETag": part["etag"]} for part in _put_all(urls, content, part_size)
    ]
    client.complete_multipart_upload(**names, MultipartUpload={"Parts": parts})
    client.delete_object(Bucket=bucket, Key=key)


def _client(variables: dict[str, str]) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=variables["MCSP_S3__ENDPOINT"],
        region_name=variables.get("MCSP_S3__REGION", "us-east-1"),
        aws_access_key_id=variables["MCSP_S3__ACCESS_KEY"],
        aws_secret_access_key=variables["MCSP_S3__SECRET_KEY"],
    )


def _put_all(urls: list[str], content: bytes, part_size: int) -> list[dict[str, Any]]:
    view = memoryview(content)
    with urllib3.PoolManager(maxsize=PARALLEL) as http, ThreadPoolExecutor(PARALLEL) as pool:

        def put(number: int) -> dict[str, Any]:
            body = view[(number - 1) * part_size : number * part_size]
            answer = http.request("PUT", urls[number - 1], body=body.tobytes())
            if answer.status != 200:
                raise RuntimeError(f"part {number}: {answer.status} {answer.data[:200]!r}")
            return {"number": number, "etag": answer.headers["etag"].strip('"')}

        return list(pool.map(put, range(1, len(urls) + 1)))
