"""The archive itself: what its tables are, how it is."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from deepfield import __version__
from deepfield.catalogue.schema import load_tables
from deepfield.model.tables import Column, ColumnType
from deepfield.query.targets import MATCHED
from deepfield.web.context import TheArchive

router = APIRouter(tags=["archive"])


class ColumnDocument(BaseModel):
    """One column of a search."""

    name: str
    caption: str
    type: ColumnType
    unit: str | None = Field(description="VOUnits")
    ucd: str | None = Field(description="UCD1+")
    description: str
    facet: Literal["category", "number", "time"] | None = Field(description="How it is offered as a facet")
    scale: Literal["linear", "log"]
    shown: bool = Field(description="Whether results show it at first")
    searchable: bool = Field(description="Whether a search may filter, sort and count by it")

    @classmethod
    def of(cls, column: Column) -> "ColumnDocument":
        return cls(
            name=column.name,
            caption=column.caption or column.name,
            type=column.type,
            unit=column.unit,
            ucd=column.ucd,
            description=column.description,
            facet=column.facet,
            scale=column.scale,
            shown=column.shown,
            searchable=column.searchable,
        )


class ReplicaState(BaseModel):
    """The search index."""

    state: Literal["ready", "rebuilding", "failing"]
    percent: float | None = Field(description="How far a rebuild has come; null when ready")


class Status(BaseModel):
    """What this archive holds and how it is."""

    name: str
    version: str
    snapshot: str
    observations: int | None = Field(description="null while the search index is built for the first time")
    products: int | None
    size: str | None = Field(description="Bytes of all current products")
    replica: ReplicaState


@router.get("/columns", operation_id="listColumns", summary="Columns of a search")
def list_columns() -> list[ColumnDocument]:
    """Describe every column of table `observation`."""
    return [ColumnDocument.of(column) for column in load_tables()["observation"].columns]


@router.get("/columns/matched", operation_id="listMatchedColumns", summary="Further columns of a search for targets")
def list_matched_columns() -> list[ColumnDocument]:
    """Describe the columns that a search for a list of targets has beside those of the observations."""
    return [ColumnDocument.of(column) for column in MATCHED.values()]


@router.get("/status", operation_id="getStatus", summary="State of the archive")
def get_status(archive: TheArchive) -> Status:
    """Count what the archive holds."""
    state = archive.follower.state
    status = archive.search.status(state.percent)
    return Status(
        name="Deepfield",
        version=__version__,
        snapshot=str(status.snapshot),
        observations=status.observations,
        products=status.products,
        size=None if status.size is None else str(status.size),
        replica=ReplicaState(state=state.state, percent=state.percent),
    )
