"""Search parameters: read once from query string, form or JSON, and described once for OpenAPI."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from deepfield.catalogue.schema import load_tables
from deepfield.model.errors import InvalidQueryError
from deepfield.query.filters import PSEUDO_COLUMNS
from deepfield.web.errors import UnknownParameterError

PREFIX = "/api/v1"
MAX_BODY = 1_000_000
"""Bytes; a list of a few ten thousand names still fits."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter as OpenAPI describes it."""

    name: str
    description: str
    example: str | None = None

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string"} | ({"examples": [self.example]} if self.example else {})


GENERAL = (
    Parameter(
        "position",
        "Name of a target of this archive, a position in any usual notation, or a region in DALI degrees "
        "(`circle …`, `polygon …`, `box …`)",
        "10:37:18.8 -58:37:42",
    ),
    Parameter(
        "radius", "Radius around the position, with unit (`12'`, `30\"`, `0.2d`); degrees without; default 0.2d", "12'"
    ),
    Parameter(
        "targets",
        "Identifier of a list of targets, in place of a position; `radius` is then that around each, default 1', and "
        "the answer has the columns `matched_target`, `target_separation` and `matched_targets`",
    ),
    Parameter(
        "match",
        "`footprint`: the footprint overlaps the region (default); `center`: its centre lies in the region",
        "footprint",
    ),
    Parameter(
        "text", "Words in target, title or PI, best match first; or the beginning of an observation or file", "nebula"
    ),
    Parameter("snapshot", "Answer from the archive as it was at this snapshot", "12"),
)
SORT = (Parameter("sort", "Columns in order of precedence, `-` before one that descends", "-t_min,obs_id"),)
PAGING = (
    *SORT,
    Parameter("columns", "Columns of the answer; the shown ones by default", "obs_id,target_name,s_ra,s_dec"),
    Parameter("limit", "Most rows of the answer", "100"),
    Parameter("after", "The `next` of the page before"),
)
EXPORT = (*SORT, Parameter("columns", "Columns of the file, `*` for all; the shown ones by default", "*"))
FACETS = (Parameter("facets", "Columns to count by; the portal's own set by default", "instrument_name,filters"),)
AXES = (
    Parameter("x", "Column along x: a number, a time or a category", "t_min"),
    Parameter("y", "Column along y", "t_exptime"),
    Parameter("points", "Most points of the answer, at most 20000; more are counted on a grid", "20000"),
)
LIMIT = (Parameter("limit", "Most footprints of the answer, at most 20000", "20000"),)

GRAMMAR = (
    "`a,b` any of; `!a` not; `lo..hi`, `lo..`, `..hi` range; `*` any characters, whatever their case; "
    "`null`, `!null`; a backslash takes the meaning from a character"
)


@cache
def column_parameters() -> tuple[Parameter, ...]:
    """Return one parameter for each searchable column of the observations."""
    columns = (*PSEUDO_COLUMNS.values(), *load_tables()["observation"].columns)
    return tuple(
        Parameter(c.name, f"{c.description}{f' [{c.unit}]' if c.unit else ''}") for c in columns if c.searchable
    )


def described(*groups: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """Return all parameters that a search endpoint with these groups takes."""
    return (*(parameter for group in (GENERAL, *groups) for parameter in group), *column_parameters())


def in_query(*groups: tuple[Parameter, ...]) -> dict[str, Any]:
    """Describe the parameters of a GET for OpenAPI."""
    return {
        "parameters": [
            {"name": p.name, "in": "query", "required": False, "description": p.description, "schema": p.schema}
            for p in described(*groups)
        ]
    }


def in_body(*groups: tuple[Parameter, ...]) -> dict[str, Any]:
    """Describe the same parameters for the body of a POST."""
    schema = {
        "type": "object",
        "properties": {p.name: p.schema | {"description": p.description} for p in described(*groups)},
        "additionalProperties": False,
    }
    kinds = ("application/json", "application/x-www-form-urlencoded")
    return {"requestBody": {"required": False, "content": {kind: {"schema": schema} for kind in kinds}}}


class SearchParameters:
    """Reads the search parameters of a request, refusing what the endpoint does not know.

    Raises:
        UnknownParameterError: for a parameter that is neither one of the endpoint nor a searchable column.
        InvalidQueryError: for a parameter given twice, or a body that cannot be read.
    """

    def __init__(self, *groups: tuple[Parameter, ...]) -> None:
        self.groups = groups

    async def __call__(self, request: Request) -> dict[str, str]:
        pairs = list(request.query_params.multi_items())
        if request.method == "POST":
            pairs += await _body_pairs(request)
        return _checked(pairs, [parameter.name for parameter in described(*self.groups)])


async def _body_pairs(request: Request) -> list[tuple[str, str]]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise InvalidQueryError("body", f"more than {MAX_BODY} bytes", f"at most {MAX_BODY} bytes of parameters")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not body:
        return []
    if kind == "application/json":
        return _json_pairs(bytes(body))
    if kind == "application/x-www-form-urlencoded":
        try:
            return parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
        except (UnicodeDecodeError, ValueError):
            raise InvalidQueryError("body", "text that is not UTF-8", "parameters as a URL-encoded form") from None
    raise InvalidQueryError("Content-Type", kind, "application/json or application/x-www-form-urlencoded")


def _json_pairs(body: bytes) -> list[tuple[str, str]]:
    expected = "a JSON object of strings, one per parameter"
    try:
        document = json.loads(body, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        raise InvalidQueryError("body", body[:60].decode(errors="replace"), expected) from None
    if not isinstance(document, tuple):
        raise InvalidQueryError("body", body[:60].decode(errors="replace"), expected)
    for name, value in document:
        if not isinstance(value, str):
            raise InvalidQueryError(name, value, "a string, written as in the address of a search")
    return list(document)


def refuse_unknown(request: Request) -> None:
    """Refuse parameters of a GET that its route does not describe.

    Raises:
        UnknownParameterError: with the closest name that the route takes.
    """
    operations = request.app.openapi()["paths"][PREFIX + request.scope["route"].path_format]
    operation = operations.get(request.method.lower(), {})
    known = [parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]
    for name in request.query_params if request.method == "GET" else ():
        _check_known(name, known)


def _check_known(name: str, known: list[str]) -> None:
    if name not in known:
        closest = get_close_matches(name, known, n=1, cutoff=0.5)
        raise UnknownParameterError(name, closest=closest[0] if closest else None)


def _checked(pairs: Iterable[tuple[str, str]], known: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        _check_known(name, known)
        if name in found:
            raise InvalidQueryError(name, value, "each parameter once; join alternatives by commas")
        found[name] = value
    return found


def take(parameters: Mapping[str, str], *names: str) -> tuple[dict[str, str], dict[str, str]]:
    """Split the named parameters off, for those that are not part of the search itself."""
    taken = {name: parameters[name] for name in names if name in parameters}
    return taken, {name: value for name, value in parameters.items() if name not in names}


PageParameters = Annotated[dict[str, str], Depends(SearchParameters(PAGING))]
FacetParameters = Annotated[dict[str, str], Depends(SearchParameters(FACETS))]
ScatterParameters = Annotated[dict[str, str], Depends(SearchParameters(AXES))]
FootprintParameters = Annotated[dict[str, str], Depends(SearchParameters(LIMIT))]
ExportParameters = Annotated[dict[str, str], Depends(SearchParameters(EXPORT))]
TranslationParameters = Annotated[dict[str, str], Depends(SearchParameters(SORT))]
