"""Bundles by MAST's addresses: ``Download/bundle.sh`` and its sisters, with ``uri=`` or ``obsid=``."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from deepfield.model.errors import AccessDeniedError, InvalidValueError
from deepfield.web.bundles.answers import bundle_response
from deepfield.web.bundles.selecting import PARAMETERS, Order, pairs_of
from deepfield.web.context import CallersRule, PublicAddress, TheArchive
from deepfield.web.errors import CHALLENGE, body_of, error_response

BUNDLE_PATHS: Final = (
    "/api/v0.1/Download/bundle",
    "/api/v0.1/download/bundle",
    "/jwst/api/v0.1/Download/bundle",
    "/jwst/api/v0.1/download/bundle",
)
router = APIRouter(include_in_schema=False)


async def bundle(
    request: Request, archive: TheArchive, rule: CallersRule, base: PublicAddress, form: str = "sh"
) -> Response:
    """Hand over a bundle; parameters that MAST's clients send beside it and that mean nothing here are ignored."""
    pairs = await pairs_of(request)

    def answer() -> Response:
        named = [("product", value) for name, value in pairs if name.lower() == "uri"]
        numbers = [value for name, text in pairs if name.lower() == "obsid" for value in text.split(",")]
        found = archive.bundles.observations([_number(text) for text in numbers]) if numbers else []
        if numbers and not found:
            raise InvalidValueError("obsid", ",".join(numbers), "the obsid of an observation of this archive")
        ours = [(name, value) for name, value in pairs if name in PARAMETERS]
        order = Order.of([*named, *(("observation", obs_id) for obs_id in found), *ours])
        return bundle_response(request, form, order, bundles=archive.bundles, rule=rule, base=base)

    try:
        return await run_in_threadpool(answer)
    except AccessDeniedError as error:
        body = body_of(error, "exclusive_access")
        body.credential = getattr(request.state, "refused", None)
        return error_response(401, body, {"WWW-Authenticate": CHALLENGE})


def _number(text: str) -> int:
    if not text.strip().isdecimal() or len(text) > 18:
        raise InvalidValueError("obsid", text, "a whole number")
    return int(text)


for path in BUNDLE_PATHS:
    for address in (path, f"{path}.{{form}}"):
        router.add_api_route(address, bundle, methods=["GET", "HEAD", "POST"])
