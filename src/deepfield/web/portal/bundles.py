"""Bundles of the portal: ``/bundle.sh``, ``.zip``, ``.tar``, ``.tar.gz``, ``.metalink``, ``.manifest``, ``.sha256``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from deepfield.web.bundles.answers import bundle_response
from deepfield.web.bundles.selecting import Order, the_order
from deepfield.web.context import CallersRule, PublicAddress, TheArchive

router = APIRouter(tags=["bytes"])


AnOrder = Annotated[Order, Depends(the_order)]


@router.api_route("/bundle.{form}", methods=["GET", "HEAD"], include_in_schema=False)
@router.post("/bundle.{form}", include_in_schema=False)
async def get_bundle(
    form: str, *, request: Request, archive: TheArchive, rule: CallersRule, base: PublicAddress, order: AnOrder
) -> Response:
    """Hand over a selection as one file: a script, an archive, a metalink, or the manifest of what it holds."""

    def answer() -> Response:
        return bundle_response(request, form, order, bundles=archive.bundles, rule=rule, base=base)

    return await run_in_threadpool(answer)
