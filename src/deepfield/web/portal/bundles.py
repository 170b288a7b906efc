"""Bundles of the portal: ``/bundle.sh``, ``.zip``, ``.tar``, ``.tar.gz``, ``.metalink``, ``.manifest``, ``.sha256``."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from deepfield.web.bundles.answers import bundle_response
from deepfield.web.bundles.selecting import PARAMETERS, Order, pairs_of
from deepfield.web.context import CallersRule, PublicAddress, TheArchive

router = APIRouter(tags=["bytes"])


async def the_order(request: Request) -> Order:
    """Return what is asked for."""
    return Order.of(await pairs_of(request))


AnOrder = Annotated[Order, Depends(the_order)]


def described(*, body: bool) -> dict[str, Any]:
    """Describe the parameters of an order for OpenAPI, of an address or of a form."""
    listed = {"product", "observation", "search"}
    schemas: dict[str, dict[str, Any]] = {
        name: {"type": "array", "items": {"type": "string"}} if name in listed else {"type": "string"}
        for name in PARAMETERS
    }
    if not body:
        return {
            "parameters": [
                {"name": name, "in": "query", "required": False, "description": text, "schema": schemas[name]}
                for name, text in PARAMETERS.items()
            ]
        }
    properties = {name: schemas[name] | {"description": text} for name, text in PARAMETERS.items()}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    kinds = ("application/json", "application/x-www-form-urlencoded")
    return {"requestBody": {"required": False, "content": {kind: {"schema": schema} for kind in kinds}}}


@router.api_route("/bundle.{form}", methods=["GET", "HEAD"], include_in_schema=False)
@router.post("/bundle.{form}", include_in_schema=False)
async def get_bundle(
    form: str, *, request: Request, archive: TheArchive, rule: CallersRule, base: PublicAddress, order: AnOrder
) -> Response:
    """Hand over a selection as one file: a script, an archive, a metalink, or the manifest of what it holds."""

    def answer() -> Response:
        return bundle_response(request, form, order, bundles=archive.bundles, rule=rule, base=base)

    return await run_in_threadpool(answer)
