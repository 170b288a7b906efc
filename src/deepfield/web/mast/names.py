"""Names of objects: ``Mast.Name.Lookup``, and the resolver that astroquery asks (``/Santa-war/query``)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse, Response

from deepfield.model.errors import InvalidQueryError, NotFoundError, UnresolvedNameError
from deepfield.web.context import TheArchive

if TYPE_CHECKING:
    from deepfield.bootstrap import Archive

MOST_NAMES = 30
router = APIRouter(include_in_schema=False)


@router.get("/Santa-war/query")
def santa(archive: TheArchive, name: Annotated[list[str] | None, Query()] = None) -> Response:
    """Resolve up to thirty names; those that nobody knows are left out."""
    found = [each for text in (name or [])[:MOST_NAMES] for each in resolve(archive, text)]
    return JSONResponse({"resolvedCoordinate": found})


def lookup(archive: Archive, given: object) -> Response:
    """Answer ``Mast.Name.Lookup``, which is no table.

    Raises:
        InvalidQueryError: there is no name.
    """
    if not isinstance(given, str) or not given.strip():
        raise InvalidQueryError("input", given, "the name of an object")
    return JSONResponse({"resolvedCoordinate": resolve(archive, given), "status": ""})


def resolve(archive: Archive, name: str) -> list[dict[str, Any]]:
    """Return where an object is, in the words of MAST's resolver; nothing where nobody knows, or it moves."""
    started = time.perf_counter()
    try:
        place = archive.resolve.position(name)
    except (UnresolvedNameError, NotFoundError, InvalidQueryError):
        return []
    if place.ra is None or place.dec is None or place.kind == "moving":
        return []
    return [
        {
            "searchString": name.lower(),
            "resolver": place.resolver,
            "cached": False,
            "resolverTime": round((time.perf_counter() - started) * 1000),
            "searchRadius": -1.0,
            "canonicalName": place.name,
            "ra": place.ra,
            "decl": place.dec,
            **({} if place.radius is None else {"radius": place.radius}),
        }
    ]
