"""All observations that a search finds, as a file in any format."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from deepfield import __version__
from deepfield.formats import FORMATS, Document, Format, Provenance
from deepfield.model.errors import InvalidValueError
from deepfield.web.context import PublicAddress, TheArchive
from deepfield.web.delivery import disposition, from_thread
from deepfield.web.portal.api.parameters import EXPORT, ExportParameters, in_body, in_query

router = APIRouter(tags=["observations"])
EVERYTHING: Final = "*"
FORMS: Final = {each.name: each for each in FORMATS}
ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows",
        "content": {each.media_type.partition(";")[0]: {"schema": {"type": "string"}} for each in FORMATS},
    }
}


FILE: dict[str, Any] = {"summary": "A search as a file", "response_class": Response, "responses": ANSWER}


class ExportForm(BaseModel):
    """A format that a search can be had in."""

    form: str = Field(description="Its name in the address", examples=["xlsx"])
    extension: str = Field(description="Ending of the file name")
    description: str


@router.get("/export", operation_id="listExportForms", summary="The formats of files")
def list_forms() -> list[ExportForm]:
    """List the formats that a search can be had in."""
    return [ExportForm(form=each.name, extension=each.extension, description=each.description) for each in FORMATS]


@router.post("/export/{form}", operation_id="postExport", openapi_extra=in_body(EXPORT), **FILE)
@router.get("/export/{form}", operation_id="exportObservations", openapi_extra=in_query(EXPORT), **FILE)
async def export_observations(
    request: Request,
    form: Annotated[str, Path(description=f"Format: {', '.join(FORMS)}", examples=["xlsx"])],
    archive: TheArchive,
    public: PublicAddress,
    parameters: ExportParameters,
) -> Response:
    """Write every observation that a search finds, in its order and of one snapshot, with the columns asked for."""
    chosen = _form(form)
    if parameters.get("columns") == EVERYTHING:
        names = (column.name for column in archive.search.columns().columns if column.searchable)
        parameters["columns"] = ",".join(names)
    stream = await run_in_threadpool(lambda: archive.search.export(archive.search.parse(parameters)))
    address = f"{public}{request.url.path}{'?' if request.url.query else ''}{request.url.query}"
    provenance = Provenance(
        request=address,
        request_date=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        server_software=f"Deepfield/{__version__}",
    )
    document = Document(provenance, name="observations", description="JWST observations that a search found")
    headers = {
        "Content-Disposition": disposition(f"jwst-observations-{stream.snapshot}.{chosen.extension}"),
        "Cache-Control": "no-cache",
        "X-Deepfield-Snapshot": str(stream.snapshot),
    }
    return StreamingResponse(from_thread(chosen.write(stream, document)), headers=headers, media_type=chosen.media_type)


def _form(name: str) -> Format:
    if name not in FORMS:
        raise InvalidValueError("form", name, f"one of {', '.join(FORMS)}")
    return FORMS[name]
