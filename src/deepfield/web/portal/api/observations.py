"""Search for observations, and one observation with all it has."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from deepfield.catalogue.schema import load_tables
from deepfield.query.filters import Place
from deepfield.services.holdings import PlaneRecord
from deepfield.web.context import CallersRule, ObsId, TheArchive
from deepfield.web.portal.api.documents import as_json, iso, json_response, table_columns
from deepfield.web.portal.api.parameters import PAGING, PageParameters, in_body, in_query
from deepfield.web.portal.api.products import Product

router = APIRouter(tags=["observations"])


class Resolved(BaseModel):
    """What the position was taken for."""

    name: str = Field(description="The text as it was understood", examples=["NGC 3324"])
    ra: float | None = Field(description="Right ascension, ICRS degrees; null for a body whose position is unknown")
    dec: float | None = Field(description="Declination, ICRS degrees; null as `ra`")
    kind: Literal["coordinates", "region", "target", "object", "moving"] = Field(
        description="What it is; a `moving` body is found by name, wherever it stood"
    )
    resolver: str = Field(
        description="Who knew: `coordinates`, `archive`, `OpenNGC`, `ephemeris` or `Sesame`", examples=["archive"]
    )
    label: str | None = Field(description="Other names of an object", examples=["Carina Nebula"])
    moment: str | None = Field(description="When a moving body stands there, seen from the Earth; ISO 8601 UTC")
    radius: float | None = Field(description="Radius of the search, degrees; null where none was asked for")

    @classmethod
    def of(cls, place: Place) -> "Resolved":
        return cls(
            name=place.name,
            ra=place.ra,
            dec=place.dec,
            kind=place.kind,
            resolver=place.resolver,
            label=place.label,
            moment=iso(place.moment),
            radius=place.radius,
        )


class ObservationPage(BaseModel):
    """One page of a search, by column."""

    snapshot: str = Field(description="Number of the archive state that was searched", examples=["12"])
    total: int = Field(description="Observations found, over all pages")
    elapsed_ms: float = Field(description="Time of the search itself, milliseconds")
    columns: list[str] = Field(description="Columns of `data`, in order", examples=[["obs_id", "target_name"]])
    data: dict[str, list[Any]] = Field(
        description="Values by column; 64-bit integers as strings, times as ISO 8601 UTC",
        examples=[{"obs_id": ["jw02731-o001_t017_nircam_clear-f090w"], "target_name": ["NGC 3324"]}],
    )
    next: str | None = Field(description="Give as `after` for the next page; null on the last")
    resolved: Resolved | None = Field(description="What `position` was taken for")


class Access(BaseModel):
    """Whether the caller may read the bytes."""

    rights: str = Field(description="`PUBLIC` or `EXCLUSIVE_ACCESS`", examples=["PUBLIC"])
    release: str | None = Field(description="When they become public, or did; ISO 8601 UTC")


class Plane(BaseModel, extra="allow"):
    """A stage of processing with its products; further members are the columns of table `plane`."""

    product_id: str = Field(examples=["cal"])
    calib_level: int | None = None
    artifacts: list[Product]


class ObservationRecord(BaseModel):
    """Everything the archive holds of one observation."""

    observation: dict[str, Any] = Field(description="Every column of table `observation`")
    planes: list[Plane]
    members: list[str] = Field(description="Observations this one was made from")
    part_of: list[str] = Field(description="Observations made from this one")
    origin: dict[str, str] = Field(description="Where each derived field came from")
    notes: list[str] = Field(description="Conflicts and degradations met at ingest, in sentences")
    access: Access


SEARCH: dict[str, Any] = {"response_model": ObservationPage, "summary": "Search observations"}


@router.post("/observations", operation_id="postObservations", openapi_extra=in_body(PAGING), **SEARCH)
@router.get("/observations", operation_id="findObservations", openapi_extra=in_query(PAGING), **SEARCH)
def find_observations(archive: TheArchive, parameters: PageParameters) -> Response:
    """Page through observations in a stable order, newest first unless sorted otherwise."""
    page = archive.search.find(archive.search.parse(parameters))
    return json_response(
        {
            "snapshot": str(page.snapshot),
            "total": page.total,
            "elapsed_ms": page.elapsed_ms,
            "columns": page.columns,
            "data": table_columns(page.table),
            "next": page.next,
            "resolved": None if page.place is None else Resolved.of(page.place).model_dump(),
        }
    )


@router.get("/observations/{obs_id}", operation_id="getObservation", summary="One observation in full")
def get_observation(obs_id: ObsId, archive: TheArchive, rule: CallersRule) -> ObservationRecord:
    """Return all columns, planes and products of an observation and its relations to others."""
    record = archive.holdings.observation(obs_id, rule=rule)
    row = as_json(record.row, load_tables()["observation"])
    return ObservationRecord(
        observation={name: value for name, value in row.items() if name not in {"origin", "notes"}},
        planes=[_plane(plane) for plane in record.planes],
        members=list(record.members),
        part_of=list(record.part_of),
        origin=row["origin"] or {},
        notes=row["notes"] or [],
        access=Access(rights=record.access.rights, release=iso(record.access.release)),
    )


def _plane(plane: PlaneRecord) -> Plane:
    row = as_json(plane.row, load_tables()["plane"])
    return Plane(**row, artifacts=[Product.of(product) for product in plane.products])
