"""Footprints of a search, for a map of the sky."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from deepfield.query.filters import parse_whole_number
from deepfield.web.context import TheArchive
from deepfield.web.portal.api.documents import json_response, table_columns
from deepfield.web.portal.api.parameters import LIMIT, FootprintParameters, in_body, in_query, take

MOST = 20_000

router = APIRouter(tags=["observations"])


class FootprintColumns(BaseModel):
    """Footprints by column."""

    obs_number: list[str]
    obs_id: list[str]
    instrument_name: list[str | None]
    calib_level: list[int | None]
    s_ra: list[float]
    s_dec: list[float]
    s_region: list[str | None] = Field(examples=[["POLYGON ICRS 159.2 -58.6 159.3 -58.6 159.3 -58.7"]])


class Footprints(BaseModel):
    """Footprints of a search."""

    snapshot: str
    total: int = Field(description="Observations with a position")
    truncated: bool = Field(description="Whether the limit cut some off")
    elapsed_ms: float
    data: FootprintColumns


DRAW: dict[str, Any] = {"response_model": Footprints, "summary": "Footprints of a search"}


@router.post("/footprints", operation_id="postFootprints", openapi_extra=in_body(LIMIT), **DRAW)
@router.get("/footprints", operation_id="findFootprints", openapi_extra=in_query(LIMIT), **DRAW)
def find_footprints(archive: TheArchive, parameters: FootprintParameters) -> Response:
    """Return the footprints of the observations found, in the order of the search."""
    own, parameters = take(parameters, "limit")
    limit = parse_whole_number("limit", own["limit"], least=0, most=MOST) if "limit" in own else MOST
    found = archive.search.footprints(archive.search.parse(parameters), limit)
    return json_response(
        {
            "snapshot": str(found.snapshot),
            "total": found.total,
            "truncated": found.truncated,
            "elapsed_ms": found.elapsed_ms,
            "data": table_columns(found.table),
        }
    )
