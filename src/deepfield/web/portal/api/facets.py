"""Counts over the whole archive, under the other filters of a search."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from deepfield.query import facets
from deepfield.query.facets import Facet
from deepfield.web.context import TheArchive
from deepfield.web.portal.api.documents import plain
from deepfield.web.portal.api.parameters import FACETS, FacetParameters, in_body, in_query, take

if TYPE_CHECKING:
    from deepfield.query.filters import Scalar

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
    below: int = Field(description="Observations whose value a logarithmic scale cannot show")
    min: float | None
    max: float | None


class FacetAnswer(BaseModel):
    """Facets of a search."""

    snapshot: str
    total: int = Field(description="Observations under all filters")
    all: int = Field(description="Observations in the archive")
    elapsed_ms: float
    facets: list[Annotated[CategoryFacet | HistogramFacet, Field(discriminator="kind")]]


COUNT: dict[str, Any] = {"summary": "Facets of a search"}


@router.post("/facets", operation_id="postFacets", openapi_extra=in_body(FACETS), **COUNT)
@router.get("/facets", operation_id="findFacets", openapi_extra=in_query(FACETS), **COUNT)
def find_facets(archive: TheArchive, parameters: FacetParameters) -> FacetAnswer:
    """Count over the whole archive: each facet under all filters but its own."""
    own, parameters = take(parameters, "facets")
    columns = [name.strip() for name in own["facets"].split(",")] if "facets" in own else None
    found = archive.search.facets(archive.search.parse(parameters), columns)
    return FacetAnswer(
        snapshot=str(found.snapshot),
        total=found.total,
        all=found.all,
        elapsed_ms=found.elapsed_ms,
        facets=[_document(facet) for facet in found.facets],
    )


def _document(facet: Facet) -> CategoryFacet | HistogramFacet:
    if isinstance(facet, facets.CategoryFacet):
        values = [FacetValue(value=_written(v.value), count=v.count, ghost=v.ghost) for v in facet.values]
        return CategoryFacet(column=facet.column, kind="category", values=values, more=facet.more)
    return HistogramFacet(
        column=facet.column,
        kind=facet.kind,
        scale=facet.scale,
        unit=facet.unit,
        edges=list(facet.edges),
        counts=list(facet.counts),
        ghost=list(facet.ghost),
        nulls=facet.nulls,
        below=facet.below,
        min=facet.min,
        max=facet.max,
    )


def _written(value: "Scalar | None") -> str | int | bool | None:
    if value is None or isinstance(value, str | bool):
        return value
    return value if isinstance(value, int) and abs(value) < 2**31 else str(plain(value))
