"""The query parameters of lists, the same for every service. What a page and a cursor are: ``mcsp.pages``."""

from typing import Annotated, TypeAlias

from litestar.params import FromQuery, QueryParameter

from mcsp.pages import LIMIT_MAX

Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)]
"""How many items a page has at most."""

Cursor: TypeAlias = FromQuery[str | None]
"""``next`` of the page before; none for the first page."""
