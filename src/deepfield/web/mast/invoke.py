"""The portal service ``/api/v0/invoke`` and ``columnsconfig``, under every address that clients of MAST know.

Errors are answers with status 200, ``{"status": "ERROR", "msg": …}``: the text of any other is lost in the clients.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import structlog
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from deepfield.model.errors import ArchiveError, InvalidQueryError
from deepfield.web.context import PublicAddress, TheArchive  # noqa: TC001  FastAPI reads the annotations
from deepfield.web.mast import keywords, names, observations
from deepfield.web.mast.answers import Answer, failure, histogram_response, respond
from deepfield.web.mast.observations import Ask
from deepfield.web.mast.requests import MastRequest, parse_form, read_body, read_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deepfield.bootstrap import Archive
    from deepfield.web.mast.columns import MastColumn

log = structlog.get_logger("deepfield.mast")

BASES: Final = ("/api/v0", "/jwst/api/v0", "/portal/Mashup/Mashup.asmx", "/portal_jwst/Mashup/Mashup.asmx")
SERVICES: Final[Mapping[str, Callable[[Ask], Answer]]] = {
    "Mast.Caom.Cone": observations.cone,
    "Mast.Caom.Filtered": observations.filtered,
    "Mast.Caom.Filtered.Position": observations.filtered_by_position,
    "Mast.Caom.Products": observations.products,
    "Mast.Caom.Crossmatch": observations.crossmatch,
    **{f"Mast.Jwst.Filtered.{name}": keywords.service(name) for name in keywords.SERVICES},
}
OTHERS: Final = ("Mast.Caom.All", "Mast.Name.Lookup")
"""Services that answer no table."""
COLUMNS: Final[Mapping[str, Callable[[], tuple[MastColumn, ...]]]] = {
    "Mast.Caom.Cone": lambda: (*observations.caom(), observations.DISTANCE),
    "Mast.Caom.Filtered": observations.caom,
    "Mast.Caom.Filtered.Position": lambda: (*observations.caom(), observations.OBJID1, observations.DISTANCE),
    "Mast.Caom.Crossmatch": lambda: (*observations.MATCH, *observations.cone_columns()),
    "Mast.Caom.All": observations.caom,
    "Mast.Caom.Products": observations.product_columns,
    **{f"Mast.Jwst.Filtered.{name}": partial(keywords.columns, name) for name in keywords.SERVICES},
}
_MOST_TICKETS: Final = 2000

router = APIRouter(include_in_schema=False)


class Tickets:
    """Remembers by its ``cacheBreaker`` which snapshot a query began with, so that its pages fit together."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def snapshot(self, request: MastRequest, newest: int) -> int:
        """Return the snapshot for a request: that of its first page, else the newest."""
        if request.ticket is None:
            return newest
        with self._lock:
            if request.page == 1 or request.ticket not in self._kept:
                self._kept[request.ticket] = newest
            self._kept.move_to_end(request.ticket)
            while len(self._kept) > _MOST_TICKETS:
                self._kept.popitem(last=False)
            return min(self._kept[request.ticket], newest)


TICKETS: Final = Tickets()


async def invoke(request: Request, archive: TheArchive, public: PublicAddress) -> Response:
    """Answer a service."""
    try:
        asked = await read_request(request)
        return await run_in_threadpool(answer, asked, archive, public)
    except ArchiveError as error:
        log.info("mast.refused", error=str(error)[:300])
        return failure(str(error))


def answer(asked: MastRequest, archive: Archive, public: str) -> Response:
    """Answer a request that was read.

    Raises:
        ArchiveError: it cannot be answered.
    """
    name = service_of(asked.service)
    if name == "Mast.Name.Lookup":
        return names.lookup(archive, asked.params.get("input"))
    pagesize = min(asked.pagesize, archive.settings.mast_max_page)
    snapshot = TICKETS.snapshot(asked, archive.search.status().snapshot)
    ask = Ask(asked, archive, public, snapshot, pagesize)
    if name == "Mast.Caom.All":
        return histogram_response(observations.caom(), *observations.histograms(ask))
    return respond(asked, SERVICES[name](ask), pagesize)


def service_of(name: str) -> str:
    """Return a service by its name, whatever its case.

    Raises:
        InvalidQueryError: it is not served here; names the closest that is.
    """
    known = {each.lower(): each for each in (*SERVICES, *OTHERS)}
    if name.lower() in known:
        return known[name.lower()]
    close = get_close_matches(name.lower(), known, n=2, cutoff=0.6)
    hint = f"; did you mean {' or '.join(known[each] for each in close)}?" if close else ""
    raise InvalidQueryError("service", name[:100], f"a service that is available here{hint}")


async def columnsconfig(request: Request) -> Response:
    """Describe the columns of a service; of one that is not served, nothing."""
    form = dict(request.query_params) | parse_form(await read_body(request))
    wanted = form.get("colConfigId", "").lower()
    for name, columns in COLUMNS.items():
        if name.lower() == wanted:
            return JSONResponse(config_of(columns()))
    return JSONResponse({})


def config_of(columns: tuple[MastColumn, ...]) -> dict[str, Any]:
    """Return what ``columnsconfig`` tells of columns."""
    return {column.name: column.config(order) for order, column in enumerate(columns)}


for base in BASES:
    router.add_api_route(f"{base}/invoke", invoke, methods=["GET", "POST"])
    router.add_api_route(f"{base}/columnsconfig", columnsconfig, methods=["GET", "POST"])
