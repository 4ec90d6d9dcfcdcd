"""What others and careless clients try: another's upload, bad fields, too much of everything."""

from typing import Any

import httpx
import pytest

from mcsp.ids import uuid7
from streaming_api.uploads import limits
from tests.streaming_api.api import ApiProcess, Person

GOOD = {"filename": "a.mp4", "size": 11, "content_type": "video/mp4", "title": "A", "visibility": "public"}
NUL, LONE = "a\\u0000b", "a\\ud800b"


def test_another_persons_upload_is_not_found_by_any_route(ann: Person, bob: Person) -> None:
    upload = ann.begin(11)
    parts = ann.put(upload, b"hello media")
    path = f"/v1/uploads/{upload['upload_id']}"
    answers = [
        bob.http.get(path), bob.http.get(f"{path}/parts"), bob.http.delete(path), bob.complete(upload, parts),
    ]  # fmt: skip
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (404, "upload_not_found")
    ] * 4
    assert upload["upload_id"] not in [x["upload_id"] for x in bob.http.get("/v1/uploads").json()["items"]]
    assert ann.complete(upload, parts).status_code == 202


def test_another_person_cannot_use_a_key_to_see_an_answer(ann: Person, bob: Person) -> None:
    key = {"Idempotency-Key": uuid7().hex}
    body = {"filename": "a.mp4", "size": 11, "content_type": "video/mp4"}
    first = ann.http.post("/v1/uploads", json=body, headers=key).json()
    second = bob.http.post("/v1/uploads", json=body, headers=key)
    assert second.json()["upload_id"] != first["upload_id"]
    assert "idempotency-replayed" not in second.headers


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_nobody_uploads_without_logging_in(api: ApiProcess, method: str) -> None:
    paths = ["/v1/uploads"] if method != "DELETE" else []
    paths += [f"/v1/uploads/{uuid7()}" + ("/complete" if method == "POST" else "")]
    for path in paths:
        answer = httpx.request(method, api.url + path, json=GOOD if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")
        wrong = httpx.request(method, api.url + path, headers={"Authorization": "Bearer x.y.z"})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_token")


@pytest.mark.parametrize("field", ["filename", "size", "content_type"])
def test_a_missing_field_is_named(ann: Person, field: str) -> None:
    answer = ann.http.post("/v1/uploads", json={k: v for k, v in GOOD.items() if k != field})
    assert answer.status_code == 400
    assert field in answer.text


@pytest.mark.parametrize("field", sorted(GOOD))
@pytest.mark.parametrize("value", [[], {}, True, 1.5, "", "x" * 70_000, -1, 10**30])
def test_a_field_of_wrong_type_or_size_is_a_clear_error(ann: Person, field: str, value: Any) -> None:
    if field == "content_type" and value == "":  # browsers send none for types they do not know
        return
    answer = ann.http.post("/v1/uploads", json=GOOD | {field: value})
    assert answer.status_code in (400, 413), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"]


@pytest.mark.parametrize("field", ["filename", "content_type", "title", "visibility"])
@pytest.mark.parametrize("text", [NUL, LONE, "\\udc00\\ud800"])
def test_nul_and_unpaired_surrogates_are_refused(ann: Person, field: str, text: str) -> None:
    fields = {**{name: f'"{value}"' for name, value in GOOD.items()}, "size": "11", field: f'"{text}"'}
    body = "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"
    headers = {"Content-Type": "application/json"}
    answer = ann.http.post("/v1/uploads", content=body.encode(), headers=headers)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b'{"filename":"\xed\xa0\x80"}']
)
def test_a_body_that_is_no_object_is_a_clear_error(ann: Person, body: bytes) -> None:
    for path in ("/v1/uploads", f"/v1/uploads/{uuid7()}/complete"):
        answer = ann.http.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"size": 0}, 400, "empty_file"),
        ({"size": -5}, 400, "empty_file"),
        ({"size": limits.MAX_SIZE_BYTES + 1}, 413, "file_too_large"),
        ({"content_type": "video"}, 400, "bad_content_type"),
        ({"content_type": "text/html\r\nx: y"}, 400, "bad_content_type"),
        ({"title": "  \t"}, 400, "bad_title"),
        ({"title": "a\nb"}, 400, "bad_title"),
        ({"title": "x" * 201}, 400, "invalid_request"),
        ({"visibility": "secret"}, 400, "invalid_request"),
    ],
)
def test_what_cannot_be_taken_says_why(ann: Person, fields: dict, status: int, code: str) -> None:
    answer = ann.http.post("/v1/uploads", json=GOOD | fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


_GOOD_PART = '{"number":1,"etag":"ETAG"}'


@pytest.mark.parametrize(
    "body",
    [
        "{}", '{"parts":null}', '{"parts":{}}', '{"parts":"x"}', '{"parts":1}', '{"parts":[null]}',
        '{"parts":[[]]}', '{"parts":["x"]}', '{"parts":[{}]}', '{"parts":[{"number":1}]}',
        '{"parts":[{"etag":"ETAG"}]}',
        *(f'{{"parts":[{{"number":{number},"etag":"ETAG"}}]}}'
          for number in ('"one"', "1.5", "true", "null", "[]", "-1", "0", "10001", "9" * 30, "1e999")),
        *(f'{{"parts":[{{"number":1,"etag":{etag}}}]}}'
          for etag in ("1", "null", "[]", "{}", "true", '""', f'"{"x" * 101}"', f'"{NUL}"', f'"{LONE}"',
                       '"ETAG\\u0000"', '"\\udc00\\ud800"')),
        f'{{"parts":[{",".join([_GOOD_PART] * 10_001)}]}}',
    ],
    ids=lambda body: body[:40],
)  # fmt: skip
def test_a_complete_that_makes_no_sense_is_refused_and_joins_nothing(ann: Person, body: str) -> None:
    upload = ann.begin(11)
    parts = ann.put(upload, b"hello media")
    content = body.replace("ETAG", parts[0]["etag"].strip('"')).encode()
    headers = {"Content-Type": "application/json"}
    path = f"/v1/uploads/{upload['upload_id']}"
    answer = ann.http.post(f"{path}/complete", content=content, headers=headers)
    assert answer.status_code in (400, 413), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"]
    shown = ann.http.get(path).json()
    assert (shown["state"], len(shown["parts"])) == ("open", 1)


def test_the_largest_file_fits_into_s3s_ten_thousand_parts(ann: Person) -> None:
    upload = ann.begin(limits.MAX_SIZE_BYTES)
    assert upload["part_count"] <= 10_000
    assert upload["part_size"] >= 5 << 20
    last = ann.http.get(f"/v1/uploads/{upload['upload_id']}/parts?from={upload['part_count']}").json()
    assert sum(part["size"] for part in last["parts"]) <= upload["part_size"]


def test_open_uploads_are_limited_and_a_cancelled_one_makes_room(api: ApiProcess) -> None:
    person = Person(api.url)
    uploads = [person.begin(5) for _ in range(limits.MAX_OPEN_UPLOADS)]
    refused = person.http.post("/v1/uploads", json=GOOD)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_uploads")
    seen, cursor = [], ""
    while True:
        page = person.http.get(f"/v1/uploads?limit=20{cursor}").json()
        seen += [item["upload_id"] for item in page["items"]]
        if "next" not in page:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [upload["upload_id"] for upload in reversed(uploads)]
    person.http.delete(f"/v1/uploads/{uploads[0]['upload_id']}")
    assert person.http.post("/v1/uploads", json=GOOD).status_code == 201


@pytest.mark.parametrize(
    "query", ["from=0", "from=-1", "from=x", "from=10001", "limit=0", "limit=101", "from="]
)
def test_part_pages_out_of_range_are_refused(ann: Person, query: str) -> None:
    upload = ann.begin(11)
    assert ann.http.get(f"/v1/uploads/{upload['upload_id']}/parts?{query}").status_code == 400


def test_a_foreign_cursor_is_refused(ann: Person) -> None:
    for cursor in ("x", "AAAA", "%00", "é", "a" * 600):
        assert ann.http.get("/v1/uploads", params={"cursor": cursor}).status_code == 400
