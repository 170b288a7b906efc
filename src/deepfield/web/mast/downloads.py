"""Bytes by MAST's addresses: ``Download/file`` by URI, ``retrieve_product`` by name."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from deepfield.model.errors import AccessDeniedError, InvalidValueError
from deepfield.web.context import CallersRule, TheArchive
from deepfield.web.delivery import delivery_response
from deepfield.web.errors import CHALLENGE, body_of, error_response

FILE_PATHS = (
    "/api/v0.1/Download/file",
    "/api/v0.1/download/file",
    "/jwst/api/v0.1/Download/file",
    "/jwst/api/v0.1/download/file",
    "/portal_jwst/Download/file",
    "/portal/Download/file",
)
PREFIX = "mast:jwst/product/"
MOST_LOOKED_UP = 1000

router = APIRouter(include_in_schema=False)


def download_file(
    request: Request, archive: TheArchive, rule: CallersRule, uri: Annotated[str | None, Query()] = None
) -> Response:
    """Hand over the product of a URI such as ``mast:JWST/product/jw….fits``; other parameters are ignored."""
    if uri is None or not uri.lower().startswith("mast:"):
        raise InvalidValueError("uri", uri, "a URI such as mast:JWST/product/jw….fits")
    name = uri[len(PREFIX) :] if uri.lower().startswith(PREFIX) else uri
    return deliver(request, archive, rule, name)


@router.api_route("/search/jwst/api/v0.1/retrieve_product", methods=["GET", "HEAD"])
def retrieve_product(
    request: Request, archive: TheArchive, rule: CallersRule, product_name: Annotated[str | None, Query()] = None
) -> Response:
    """Hand over a product by file name, with its dataset or as a URI before it or without."""
    if not product_name:
        raise InvalidValueError("product_name", product_name, "a file name, or dataset/file name")
    return deliver(request, archive, rule, product_name.rpartition("/")[2])


def deliver(request: Request, archive: TheArchive, rule: CallersRule, filename: str) -> Response:
    """Hand over a product; who may not have it gets 401, to which clients of MAST answer with a token."""
    try:
        delivery = archive.delivery.find(filename, rule=rule)
    except AccessDeniedError as error:
        body = body_of(error, "exclusive_access")
        body.credential = getattr(request.state, "refused", None)
        return error_response(401, body, {"WWW-Authenticate": CHALLENGE})
    return delivery_response(request, delivery)


@router.get("/api/v0.1/path_lookup")
@router.get("/api/v0.1/path_lookup/")
def path_lookup(uri: Annotated[list[str] | None, Query()] = None) -> Response:
    """Say of each URI where in a public bucket it lies: nowhere, as this archive hands its products over itself.

    Raises:
        InvalidValueError: more are asked for at a time than clients do.
    """
    if len(uri or ()) > MOST_LOOKED_UP:
        raise InvalidValueError("uri", f"{len(uri or ())} URIs", f"at most {MOST_LOOKED_UP} at a time")
    return JSONResponse({each: {"status_code": 404, "path": None} for each in uri or ()})


for path in FILE_PATHS:
    for address in (path, f"{path}/"):
        router.add_api_route(address, download_file, methods=["GET", "HEAD"])
