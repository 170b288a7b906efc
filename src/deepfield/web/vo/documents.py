"""What every document of the VO faces shares: XML that is always well formed, and the one error document."""

from collections.abc import Callable, Coroutine
from typing import Any, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from typing_extensions import override

from deepfield import __version__
from deepfield.model.errors import ArchiveError, BusyError, RebuildingError
from deepfield.web.errors import RETRY_SECONDS, classify
from deepfield.web.xml import legal

log = structlog.get_logger("deepfield.web")

DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
VOTABLE: Final = "application/x-votable+xml"


def xml_of(element: ET.Element) -> bytes:
    """Write a document with its declaration, which some validators insist on."""
    body: bytes = ET.tostring(element, encoding="utf-8")
    return body if body.startswith(b"<?xml") else DECLARATION + body


def xml_response(body: bytes, status: int = 200) -> Response:
    """Answer with an XML document."""
    return Response(body, status, media_type="text/xml", headers={"Cache-Control": "no-store"})


def text_response(text: str) -> Response:
    """Answer with plain text and nothing around it."""
    return Response(text, media_type="text/plain", headers={"Cache-Control": "no-store"})


def snapshot_header(snapshot: int | None) -> dict[str, str]:
    """Name the state of the archive that rows come from, whatever their format."""
    return {} if snapshot is None else {"X-Deepfield-Snapshot": str(snapshot)}


def see_other(address: str) -> Response:
    """Send the client on to another address, DALI 1.1 §2."""
    return Response(status_code=303, headers={"Location": address, "Cache-Control": "no-store"})


def error_document(message: str) -> bytes:
    """Write the error document, DALI 1.1 §4.4: a VOTable whose status is ERROR."""
    return DECLARATION + (
        '<VOTABLE xmlns="http://www.ivoa.net/xml/VOTable/v1.3" version="1.4">'
        f'<RESOURCE type="results"><INFO name="QUERY_STATUS" value="ERROR">{escape(legal(message))}</INFO>'
        "</RESOURCE></VOTABLE>\n"
    ).encode("utf-8", "replace")


def error_response(message: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """Answer with the error document."""
    return Response(
        error_document(message), status, media_type=VOTABLE, headers={"Cache-Control": "no-store", **(headers or {})}
    )


class VoRoute(APIRoute):
    """A route whose errors are error documents, and whose answers any page may read."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                response = await handle(request)
            except ArchiveError as error:
                response = _refusal(error)
            except RequestValidationError as error:
                first = error.errors()[0]
                response = error_response(f"{first['loc'][-1]}: {first['msg']}", 400)
            except HTTPException as error:
                response = error_response(str(error.detail), error.status_code, dict(error.headers or {}))
            response.headers.setdefault("Access-Control-Allow-Origin", "*")
            response.headers.setdefault("Server", f"Deepfield/{__version__}")
            return response

        return answer


def _refusal(error: ArchiveError) -> Response:
    status, kind = classify(error)
    headers = {"Retry-After": str(RETRY_SECONDS)} if isinstance(error, RebuildingError | BusyError) else None
    if status >= 500 and status != 503:
        log.error("request.failed", error=str(error), type=kind)
    return error_response(str(error), status, headers)
