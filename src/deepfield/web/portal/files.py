"""Bytes of products and pictures of them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse, Response

from deepfield.web.context import CallersRule, FileName, TheArchive
from deepfield.web.delivery import delivery_response
from deepfield.web.errors import ErrorDocument

router = APIRouter(
    tags=["bytes"],
    responses={
        403: {"model": ErrorDocument, "description": "Under exclusive access; the error says until when"},
        404: {"model": ErrorDocument, "description": "No such product"},
    },
)
MOST = 2**63 - 1
BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.head("/products/{filename}", operation_id="describeProduct", summary="Describe the bytes of a product")
@router.get(
    "/products/{filename}",
    operation_id="downloadProduct",
    summary="Bytes of a product",
    response_class=Response,
    responses={
        200: {"description": "All bytes, as they are stored", "content": {"application/octet-stream": BINARY}},
        206: {"description": "The ranges asked for", "content": {"application/octet-stream": BINARY}},
        304: {"description": "The client has this version"},
        409: {"model": ErrorDocument, "description": "The file has changed since it was ingested"},
        410: {"model": ErrorDocument, "description": "No longer kept; the error names what replaces it"},
        412: {"model": ErrorDocument, "description": "The product is not in the version asked for"},
        416: {"model": ErrorDocument, "description": "No range lies within the product"},
    },
)
def download_product(
    filename: FileName,
    *,
    request: Request,
    archive: TheArchive,
    rule: CallersRule,
    version: Annotated[int | None, Query(ge=1, le=MOST, description="This version, current or earlier")] = None,
    snapshot: Annotated[int | None, Query(ge=0, le=MOST, description="The version that this snapshot held")] = None,
) -> Response:
    """Hand over a product: `Range` (several too), `If-Range`, `If-None-Match` and `If-Modified-Since` are honoured."""
    return delivery_response(request, archive.delivery.find(filename, rule=rule, version=version, snapshot=snapshot))


@router.head("/previews/{filename}", include_in_schema=False)
@router.get(
    "/previews/{filename}",
    operation_id="getPreview",
    summary="Picture of a product",
    response_class=Response,
    responses={200: {"description": "A picture", "content": {"image/png": BINARY}}},
)
def get_preview(
    filename: FileName,
    archive: TheArchive,
    rule: CallersRule,
    size: Annotated[Literal["full", "thumb"], Query(description="At most 1024 or 256 pixels a side")] = "full",
) -> Response:
    """Show a product, under the access rule of its bytes."""
    path = archive.holdings.preview(filename, rule=rule, size=size)
    return FileResponse(path, media_type="image/png", headers={"Cache-Control": "private, max-age=300"})
