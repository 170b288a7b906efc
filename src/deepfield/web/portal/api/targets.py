"""Lists of targets: sent, reported, mended, counted, taken home."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pyarrow as pa
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from deepfield.formats import FORMATS, Document
from deepfield.model.errors import InvalidQueryError, InvalidUploadError, UploadTooLargeError
from deepfield.model.rows import RowStream
from deepfield.model.tables import Column
from deepfield.services.targetlines import MOST_BYTES, MOST_LINES
from deepfield.services.targets import Target, TargetList
from deepfield.web.context import TheArchive, TheCaller
from deepfield.web.delivery import disposition, from_thread
from deepfield.web.errors import ChoiceBody
from deepfield.web.portal.api.documents import iso
from deepfield.web.portal.api.parameters import SearchParameters, in_query

router = APIRouter(tags=["targets"])


class TargetDocument(BaseModel):
    """One line of a list and what it was resolved to."""

    line: int = Field(description="Line of the text or row of the table, from 1")
    text: str = Field(description="What was asked for", examples=["NGC 3324"])
    label: str | None = Field(description="What its sender calls a position")
    status: Literal["resolved", "ambiguous", "unresolved"]
    name: str | None = Field(description="What it was taken for")
    ra: float | None = Field(description="Right ascension, ICRS degrees; null without a place")
    dec: float | None = Field(description="Declination, ICRS degrees; null as `ra`")
    resolver: str | None = Field(description="Who knew")
    reason: str | None = Field(description="Why it has no place")
    choices: list[ChoiceBody] = Field(description="What an ambiguous name may mean")
    closest: list[str] = Field(description="Names that look like one that nobody knows")

    @classmethod
    def of(cls, target: Target) -> "TargetDocument":
        return cls(
            line=target.line,
            text=target.text,
            label=target.label,
            status=target.status,
            name=target.name,
            ra=target.ra,
            dec=target.dec,
            resolver=target.resolver,
            reason=target.reason,
            choices=[ChoiceBody.of(choice) for choice in target.choices],
            closest=list(target.closest),
        )


class TargetListDocument(BaseModel):
    """A list of targets as it is kept. It never changes; whoever knows its identifier may read and search it."""

    id: str = Field(description="Parameter `targets` of a search")
    name: str
    created: str = Field(description="ISO 8601 UTC")
    expires: str = Field(description="When it may be forgotten, ISO 8601 UTC")
    resolved: int = Field(description="Lines that have a place, which are searched")
    ambiguous: int
    unresolved: int
    targets: list[TargetDocument]

    @classmethod
    def of(cls, kept: TargetList) -> "TargetListDocument":
        return cls(
            id=kept.list_id,
            name=kept.name,
            created=iso(kept.created),
            expires=iso(kept.expires),
            resolved=kept.count("resolved"),
            ambiguous=kept.count("ambiguous"),
            unresolved=kept.count("unresolved"),
            targets=[TargetDocument.of(target) for target in kept.targets],
        )


class TargetCounts(BaseModel):
    """How many observations of a search match each target."""

    id: str
    matched: int = Field(description="Targets that at least one observation matches")
    observations: list[int] = Field(description="Observations for each target of the list, in its order")


class Mending(BaseModel, extra="forbid"):
    """Lines of a list said otherwise."""

    lines: dict[int, str] = Field(
        description="Names or positions by line; an empty text leaves a line out",
        min_length=1,
        max_length=MOST_LINES,
        examples=[{"88": "NGC 3324"}],
    )


ListId = Annotated[str, Path(max_length=100, description="Identifier of the list")]
KINDS = ("text/plain", "text/csv", "application/x-votable+xml", "text/x-ecsv", "application/fits")
SENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"At most {MOST_LINES} targets in {MOST_BYTES} bytes; the content tells what it is",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS},
    }
}


async def _body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise UploadTooLargeError("the list of targets", MOST_BYTES)
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise InvalidUploadError("targets", "a multipart form", "the file itself as the body of the request")
    return bytes(content)


@router.post("/targets", operation_id="sendTargets", summary="Send a list of targets", openapi_extra=SENT)
async def send(
    archive: TheArchive,
    caller: TheCaller,
    content: Annotated[bytes, Depends(_body)],
    name: Annotated[str, Query(max_length=200, description="What you call it, as the name of the file")] = "targets",
) -> TargetListDocument:
    """Resolve each line of a text or table (CSV, VOTable, ECSV, FITS, Parquet) of names or positions, and keep them."""
    kept = await run_in_threadpool(archive.targets.keep, content, name, caller.principal)
    return TargetListDocument.of(kept)


@router.get("/targets/{list_id}", operation_id="getTargets", summary="A list of targets")
def get_targets(list_id: ListId, archive: TheArchive) -> TargetListDocument:
    """Report what each line was resolved to."""
    return TargetListDocument.of(archive.targets.find(list_id))


@router.post("/targets/{list_id}/lines", operation_id="mendTargets", summary="Say lines of a list otherwise")
def mend(list_id: ListId, wanted: Mending, archive: TheArchive, caller: TheCaller) -> TargetListDocument:
    """Make another list with some lines said otherwise; the one before stays as it is."""
    return TargetListDocument.of(archive.targets.mend(list_id, wanted.lines, caller.principal))


CountParameters = Annotated[dict[str, str], Depends(SearchParameters())]


@router.get(
    "/targets/{list_id}/counts",
    operation_id="countTargets",
    summary="Observations of each target",
    openapi_extra=in_query(),
)
def count(list_id: ListId, archive: TheArchive, parameters: CountParameters) -> TargetCounts:
    """Count the observations that a search for the list finds, by target."""
    counts = _counts(archive, archive.targets.find(list_id), parameters)
    return TargetCounts(id=list_id, matched=sum(number > 0 for number in counts), observations=counts)


@router.get(
    "/targets/{list_id}/report/{form}",
    operation_id="exportTargets",
    summary="The report on a list as a file",
    openapi_extra=in_query(),
    response_class=StreamingResponse,
)
def report(
    list_id: ListId,
    form: Annotated[str, Path(description="Format: as of `/export`", examples=["csv"])],
    archive: TheArchive,
    parameters: CountParameters,
) -> StreamingResponse:
    """Write what each line was resolved to, and how many observations of a search match it."""
    forms = {each.name: each for each in FORMATS}
    if form not in forms:
        raise InvalidQueryError("form", form, f"one of {', '.join(forms)}")
    kept = archive.targets.find(list_id)
    counts = _counts(archive, kept, parameters)
    chosen = forms[form]
    written = chosen.write(RowStream(REPORT, _batches(kept, counts)), Document(name="targets", description=kept.name))
    headers = {"Content-Disposition": disposition(f"targets-{list_id}.{chosen.extension}"), "Cache-Control": "no-cache"}
    return StreamingResponse(from_thread(written), headers=headers, media_type=chosen.media_type)


REPORT = (
    Column("line", "int32", "Line of the list, from 1", ucd="meta.number"),
    Column("target", "unicode", "What the list calls the target", ucd="meta.id;meta.main"),
    Column("asked", "unicode", "What was asked for", ucd="meta.id"),
    Column("status", "string", "resolved, ambiguous or unresolved", ucd="meta.code.status"),
    Column("ra", "float64", "Right ascension", unit="deg", ucd="pos.eq.ra;meta.main", system="icrs"),
    Column("dec", "float64", "Declination", unit="deg", ucd="pos.eq.dec;meta.main", system="icrs"),
    Column("resolver", "string", "Who knew the place", ucd="meta.ref"),
    Column("observations", "int32", "Observations that match the target", ucd="meta.number;obs"),
    Column("reason", "unicode", "Why it has no place", ucd="meta.note"),
)


def _counts(archive: TheArchive, kept: TargetList, parameters: dict[str, str]) -> list[int]:
    """Return how many observations match each line of a list."""
    if "targets" in parameters:
        raise InvalidQueryError("targets", parameters["targets"], "no targets beside those of the list")
    query = archive.search.parse({**parameters, "targets": kept.list_id})
    found = iter(archive.search.count_by_target(query))
    return [next(found) if target.status == "resolved" else 0 for target in kept.targets]


def _batches(kept: TargetList, counts: list[int]) -> Iterator[pa.RecordBatch]:
    rows = [
        (each.line, each.called, each.text, each.status, each.ra, each.dec, each.resolver, number, each.reason)
        for each, number in zip(kept.targets, counts, strict=True)
    ]
    kinds = {"int32": pa.int32(), "float64": pa.float64()}
    columns = zip(*rows, strict=True) if rows else ((),) * len(REPORT)
    arrays = [pa.array(values, kinds.get(c.type, pa.string())) for c, values in zip(REPORT, columns, strict=True)]
    yield pa.record_batch(arrays, names=[column.name for column in REPORT])
