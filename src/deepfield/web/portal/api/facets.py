"""Counts over the whole archive, under the other filters of a search."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from deepfield.web.context import TheArchive
from deepfield.web.portal.api.parameters import FACETS, FacetParameters, in_body, in_query

router = APIRouter(tags=["observations"])


class FacetValue(BaseModel):
    """One value of a category."""

    value: str | int | bool | None = Field(examples=["NIRCAM"])
    count: int = Field(description="Observations under all other filters")
    ghost: int = Field(description="Observations under region and text alone")


class CategoryFacet(BaseModel):
    """Counts by value, largest first."""

    column: str = Field(examples=["instrument_name"])
    kind: Literal["category"]
    values: list[FacetValue]
    more: int = Field(description="Further values that are not listed")


class HistogramFacet(BaseModel):
    """Counts in bins; `time` in MJD (UTC)."""

    column: str = Field(examples=["t_exptime"])
    kind: Literal["number", "time"]
    scale: Literal["linear", "log"]
    unit: str | None = Field(examples=["s"])
    edges: list[float] = Field(description="Edges of the bins, one more than bins")
    counts: list[int] = Field(description="Under all other filters")
    ghost: list[int] = Field(description="Under region and text alone")
    nulls: int = Field(description="Observations without a value")
    min: float | None
    max: float | None


class FacetAnswer(BaseModel):
    """Facets of a search."""

    snapshot: str
    total: int = Field(description="Observations under all filters")
    all: int = Field(description="Observations under region and text alone")
    elapsed_ms: float
    facets: list[Annotated[CategoryFacet | HistogramFacet, Field(discriminator="kind")]]


COUNT: dict[str, Any] = {"response_model": FacetAnswer, "summary": "Facets of a search"}


@router.post("/facets", operation_id="postFacets", openapi_extra=in_body(FACETS), **COUNT)
@router.get("/facets", operation_id="findFacets", openapi_extra=in_query(FACETS), **COUNT)
def find_facets(archive: TheArchive, parameters: FacetParameters) -> Response:
    """Count over the whole archive: each facet under all filters but its own."""
    raise NotImplementedError
