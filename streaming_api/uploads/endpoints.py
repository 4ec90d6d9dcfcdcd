"""Routes of uploads. All need a logged-in person; another's upload is not found."""

from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from mcsp.pages import LIMIT_DEFAULT, Page
from streaming_api.frame.callers import Person
from streaming_api.frame.idempotent import IdempotencyKey, respond
from streaming_api.frame.paging import Cursor, Limit
from streaming_api.uploads import cancellation, completion, creation, parts, state, views
from streaming_api.uploads.limits import MAX_PARTS, SIGNED_AT_ONCE
from streaming_api.uploads.schemas import (
    CompleteUpload,
    NewUpload,
    SignedParts,
    UploadCompleted,
    UploadCreated,
    UploadDetail,
    UploadView,
)
from streaming_api.uploads.state import Uploads


@post("/v1/uploads", tags=["uploads"], summary="Begin an upload", status_code=201)
async def create_upload(
    person: NamedDependency[Person],
    uploads: NamedDependency[Uploads],
    data: JSONBody[NewUpload],
    idempotency_key: IdempotencyKey = None,
) -> Response[UploadCreated]:
    """The item and the addresses of the first parts. PUT each part's bytes to its address, note the ETag."""
    upload, replayed = await creation.create_once(uploads, person.user_id, data, idempotency_key)
    headers = {"idempotency-replayed": "true"} if replayed else {}
    return Response(views.created_view(uploads, upload), status_code=201, headers=headers)


@get("/v1/uploads", tags=["uploads"], summary="My open uploads, newest first")
async def list_uploads(
    person: NamedDependency[Person],
    uploads: NamedDependency[Uploads],
    cursor: Cursor = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Page[UploadView]:
    """What can be resumed, or cancelled."""
    return await views.open_page(uploads, person.user_id, cursor, limit)


@get("/v1/uploads/{upload_id:uuid}", tags=["uploads"], summary="An upload and the parts that have arrived")
async def show_upload(
    person: NamedDependency[Person], uploads: NamedDependency[Uploads], upload_id: FromPath[UUID]
) -> UploadDetail:
    """What a client needs to go on after a break: upload only the parts that are not listed."""
    upload = await state.find(uploads.pool, upload_id, person.user_id)
    return views.detail_of(upload, await parts.stored_parts(uploads, upload))


@get("/v1/uploads/{upload_id:uuid}/parts", tags=["uploads"], summary="Addresses of further parts")
async def sign_upload_parts(
    person: NamedDependency[Person],
    uploads: NamedDependency[Uploads],
    upload_id: FromPath[UUID],
    first: Annotated[int, QueryParameter(name="from", ge=1, le=MAX_PARTS)] = 1,
    limit: Annotated[int, QueryParameter(ge=1, le=SIGNED_AT_ONCE)] = SIGNED_AT_ONCE,
) -> SignedParts:
    """Fresh addresses for the parts from ``from`` on."""
    upload = await state.find(uploads.pool, upload_id, person.user_id)
    return parts.sign_parts(uploads, upload, first, limit)


@post(
    "/v1/uploads/{upload_id:uuid}/complete",
    tags=["uploads"],
    summary="All parts are there: make the item",
    status_code=202,
)
async def complete_upload(
    person: NamedDependency[Person],
    uploads: NamedDependency[Uploads],
    upload_id: FromPath[UUID],
    data: JSONBody[CompleteUpload],
    idempotency_key: IdempotencyKey = None,
) -> Response[UploadCompleted]:
    """Checks that every part is there as announced, then accepts the file. Repeating it is safe."""
    answer = await completion.complete_once(uploads, upload_id, person.user_id, data, idempotency_key)
    return respond(answer)


@delete("/v1/uploads/{upload_id:uuid}", tags=["uploads"], summary="Cancel an upload", status_code=204)
async def abort_upload(
    person: NamedDependency[Person], uploads: NamedDependency[Uploads], upload_id: FromPath[UUID]
) -> None:
    """The upload ends, its item and its parts go. Repeating it changes nothing."""
    await cancellation.abort_and_clean(uploads, upload_id, person.user_id)


ROUTES = [create_upload, list_uploads, show_upload, sign_upload_parts, complete_upload, abort_upload]
