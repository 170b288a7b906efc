"""Two columns of a search against each other, for a plot."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from deepfield.model.errors import InvalidQueryError
from deepfield.query.filters import parse_whole_number
from deepfield.query.scatter import Axis
from deepfield.web.context import TheArchive
from deepfield.web.portal.api.documents import json_response, plain, table_columns
from deepfield.web.portal.api.parameters import AXES, ScatterParameters, in_body, in_query, take

MOST = 20_000

router = APIRouter(tags=["observations"])


class AxisDocument(BaseModel):
    """A column along one side."""

    column: str = Field(examples=["t_min"])
    kind: Literal["category", "number", "time"]
    scale: Literal["linear", "log"]
    unit: str | None = Field(description="VOUnits; `d` for times, which are MJD (UTC)")
    edges: list[float] = Field(description="Edges of the bins of a grid, one more than bins; none for a category")
    lanes: list[str | int | bool] = Field(description="Values of a category, most frequent first")
    more: int = Field(description="Values of a category that have no lane")


class PointColumns(BaseModel):
    """Points by column; a time is an MJD (UTC), a category its value."""

    obs_number: list[str]
    obs_id: list[str]
    instrument_name: list[str | None]
    x: list[float | str | bool]
    y: list[float | str | bool]


class ScatterAnswer(BaseModel):
    """Two columns of a search against each other."""

    snapshot: str
    total: int = Field(description="Observations with a place on both axes")
    elapsed_ms: float
    x: AxisDocument
    y: AxisDocument
    points: PointColumns | None = Field(description="Null where they are more than was asked for")
    density: list[list[int]] | None = Field(description="Observations in each cell, by bin of x, then of y")


PLOT: dict[str, Any] = {"response_model": ScatterAnswer, "summary": "Two columns of a search"}


@router.post("/scatter", operation_id="postScatter", openapi_extra=in_body(AXES), **PLOT)
@router.get("/scatter", operation_id="findScatter", openapi_extra=in_query(AXES), **PLOT)
def find_scatter(archive: TheArchive, parameters: ScatterParameters) -> Response:
    """Lay the observations found out along two columns: as points or, where they are too many, as counts on a grid."""
    own, parameters = take(parameters, "x", "y", "points")
    for side in ("x", "y"):
        if side not in own:
            raise InvalidQueryError(side, "", "the name of a column")
    most = parse_whole_number("points", own["points"], least=0, most=MOST) if "points" in own else MOST
    found = archive.search.scatter(archive.search.parse(parameters), own["x"], own["y"], most)
    return json_response(
        {
            "snapshot": str(found.snapshot),
            "total": found.total,
            "elapsed_ms": found.elapsed_ms,
            "x": _axis(found.x),
            "y": _axis(found.y),
            "points": None if found.points is None else table_columns(found.points),
            "density": found.density,
        }
    )


def _axis(axis: Axis) -> dict[str, Any]:
    return {
        "column": axis.column.name,
        "kind": axis.kind,
        "scale": "linear" if axis.bins is None else axis.bins.scale,
        "unit": "d" if axis.kind == "time" else axis.column.unit,
        "edges": [] if axis.bins is None else list(axis.bins.edges),
        "lanes": plain(list(axis.lanes)),
        "more": axis.more,
    }
