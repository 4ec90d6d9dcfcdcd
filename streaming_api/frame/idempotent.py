"""The ``Idempotency-Key`` header of writes, and answers that were kept."""

from typing import Annotated, Any, TypeAlias

from litestar import MediaType, Response
from litestar.params import HeaderParameter

from mcsp.idempotency import Answer

IdempotencyKey: TypeAlias = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", required=False, description="Same key, same answer.")
]


def respond(answer: Answer) -> Response[Any]:
    """The HTTP answer of a finished write; ``Idempotency-Replayed: true`` marks a repeat."""
    headers = {"idempotency-replayed": "true"} if answer.replayed else {}
    return Response(answer.body, status_code=answer.status, media_type=MediaType.JSON, headers=headers)
