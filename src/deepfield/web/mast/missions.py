"""The missions search, ``/search/jwst/api/v0.1``: one row for each fileset, with a grammar of conditions of its own."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from deepfield.missions.jwst.tables import tables_of
from deepfield.model.coverage import Circle
from deepfield.model.errors import InvalidQueryError, UnresolvedNameError
from deepfield.query.filters import SearchQuery
from deepfield.query.listings import Grouping, separation_arcsec
from deepfield.query.moments import moment_of
from deepfield.web.context import TheArchive
from deepfield.web.mast.conditions import (
    Conditions,
    FilesetColumn,
    columns,
    find_fileset_column,
    read_conditions,
    read_float,
)
from deepfield.web.mast.observations import rights
from deepfield.web.mast.requests import parse_json, read_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from deepfield.bootstrap import Archive

BASE: Final = "/search/jwst/api/v0.1"
FILESET: Final = (r"^(jw[0-9]{11}_[0-9a-z]{5}_[0-9]{5})(-seg[0-9]+)?_.*$", r"\1")
"""The exposure of which an observation is one detector or segment; other observations are filesets themselves."""
DEFAULT_LIMIT: Final = 5000
MOST: Final = 50_000
MOST_TARGETS: Final = 1000
MOST_DATASETS: Final = 5000
UNITS: Final = {"arcseconds": 1 / 3600, "arcminutes": 1 / 60, "degrees": 1.0}
DEFAULT_RADIUS: Final = 3.0
_STAGES: Final = ("1b", "2a", "2b", "2c", "3")

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class FilesetQuery:
    """A search, read."""

    conditions: Conditions
    targets: tuple[tuple[float, float], ...]
    radius: float
    """Degrees."""
    columns: tuple[FilesetColumn, ...]
    sort: tuple[tuple[FilesetColumn, bool], ...]
    limit: int
    offset: int
    skip_count: bool


_DATATYPES: Final = {
    "VARCHAR": "char",
    "INTEGER": "int",
    "FLOAT": "float",
    "DATETIME": "datetime",
    "BOOLEAN": "boolean",
}


@router.get("/search/util/api/v0.1/column_list")
def column_list(mission: str = "jwst") -> Response:
    """Describe the columns of the search."""
    if mission.lower() != "jwst":
        raise InvalidQueryError("mission", mission, "jwst, the one mission of this archive")
    return JSONResponse(
        [
            {
                "field_name": column.label,
                "description": column.meaning,
                "column_name": column.name,
                "queryable": "yes" if column.is_searchable else "no",
                "qual_type": column.qual,
                "default_output": column.default,
                "indexed": "no",
                "datatype": {"VARCHAR": "char", "INTEGER": "int", "FLOAT": "float"}.get(
                    column.type, column.type.lower()
                ),
            }
            for column in columns().values()
        ]
    )


@router.post(f"{BASE}/search")
async def search(request: Request, archive: TheArchive) -> Response:
    """Find filesets."""
    body = await read_body(request)
    return await run_in_threadpool(_search, archive, parse_json(body) if body else {})


@router.get(f"{BASE}/list_products")
def list_products(archive: TheArchive, dataset_ids: Annotated[str, Query()] = "") -> Response:
    """List the files of filesets that are named with commas between them."""
    return _products(archive, [name.strip() for name in dataset_ids.split(",") if name.strip()])


@router.post(f"{BASE}/post_list_products")
async def post_list_products(request: Request, archive: TheArchive) -> Response:
    """List the files of filesets."""
    document = parse_json(await read_body(request))
    names = document.get("dataset_ids") if isinstance(document, dict) else None
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidQueryError("dataset_ids", names, "a list of dataset names")
    return await run_in_threadpool(_products, archive, names)


# Searching -----------------------------------------------------------------------------------------------------------


def _search(archive: Archive, document: object) -> Response:
    if not isinstance(document, dict):
        raise InvalidQueryError("body", str(document)[:100], "a JSON object")
    query = read_query(document, archive)
    now = datetime.now(UTC)
    found, total, snapshot = _rows(archive, query)
    levels = _levels(archive, found) if any(column.how == "levels" for column in query.columns) else {}
    keywords = _keywords(archive, found, query, snapshot)
    hidden = [columns()[name] for name in ("search_key", "search_pos", "ang_sep")]
    shown = [*query.columns, *(column for column in hidden if column not in query.columns)]
    if not query.targets:
        shown = [column for column in shown if column.how not in {"position", "separation"} or column in query.columns]
    results = [
        {column.name: _value(column, row | keywords.get(row["name"], {}), levels, now) for column in shown}
        for row in found
    ]
    return JSONResponse(
        {
            "messages": [],
            "info": [{"name": column.name, "type": column.type} for column in shown],
            "search_params": _echo(document, query),
            **({} if query.skip_count else {"totalResults": total}),
            "results": results,
        }
    )


def read_query(document: Mapping[str, Any], archive: Archive) -> FilesetQuery:
    """Read the body of a search.

    Raises:
        InvalidQueryError: naming the member, or the column of a condition, that is wrong.
    """
    unit = document.get("radius_units") or "arcminutes"
    if not isinstance(unit, str) or unit not in UNITS:
        raise InvalidQueryError("radius_units", str(unit)[:60], " or ".join(UNITS))
    radius = document.get("radius")
    radius = DEFAULT_RADIUS if radius is None else read_float("radius", radius)
    if not 0 <= radius * UNITS[unit] <= 180:
        raise InvalidQueryError("radius", radius, "0 to 180 degrees")
    targets = document.get("target") or []
    targets = [targets] if isinstance(targets, str) else targets
    if not isinstance(targets, list) or len(targets) > MOST_TARGETS:
        raise InvalidQueryError(
            "target", str(targets)[:100], f'a list of at most {MOST_TARGETS} texts such as "40.67 -0.01"'
        )
    return FilesetQuery(
        conditions=read_conditions(document.get("conditions") or []),
        targets=tuple(_target(text, archive) for text in targets),
        radius=radius * UNITS[unit],
        columns=_chosen(document.get("select_cols")),
        sort=tuple(_sort(document.get("sort_by") or [], document.get("sort_desc") or [])),
        limit=_whole("limit", document.get("limit"), DEFAULT_LIMIT, most=MOST),
        offset=_whole("offset", document.get("offset"), 0, most=10**9),
        skip_count=str(document.get("skip_count")).lower() == "true",
    )


_NOT_AGGREGATED: Final = frozenset({"", "name", "keyword"})


def _rows(archive: Archive, query: FilesetQuery) -> tuple[list[dict[str, Any]], int, int]:
    """Return a page of filesets, how many there are, and of which snapshot; around positions, with separations."""
    circles = tuple(Circle(ra % 360.0, dec, query.radius) for ra, dec in query.targets)
    asked = SearchQuery(filters=query.conditions.observations, region=circles or None, limit=query.limit)
    shown: list[Any] = [
        (c.name, c.aggregate, c.source)
        for c in columns().values()
        if c.aggregate not in _NOT_AGGREGATED and c.how != "levels"
    ]
    grouping = Grouping(
        (*shown, ("numbers", "list", "obs_number"), ("kind", "first", "algorithm")),
        key=FILESET,
        keyword_filters=query.conditions.keywords,
        keyword_order=tuple(column.keyword for column, _ in query.sort if column.keyword is not None),
    )
    by_separation = any(column.how == "separation" for column, _ in query.sort)
    order = [(_alias(column), down) for column, down in query.sort]
    if not by_separation:
        found = archive.search.groups(asked, grouping, order=order, offset=query.offset, limit=query.limit)
        return [_placed(row, query.targets) for row in found.table.to_pylist()], found.total, found.snapshot
    found = archive.search.groups(asked, grouping, order=[], offset=0, limit=MOST + 1)
    if found.total > MOST:
        raise InvalidQueryError("sort_by", "ang_sep", "fewer filesets to sort by separation")
    rows = [_placed(row, query.targets) for row in found.table.to_pylist()]
    for name, down in reversed(order):
        there = [row for row in rows if row[name] is not None]
        missing = [row for row in rows if row[name] is None]
        rows = [*sorted(there, key=itemgetter(name), reverse=down), *missing]
    return rows[query.offset : query.offset + query.limit], found.total, found.snapshot


def _alias(column: FilesetColumn) -> str:
    """Return what a column that is sorted by is called in groups."""
    if column.how == "separation":
        return "separation"
    return "name" if column.aggregate == "name" else column.keyword or column.name


def _keywords(
    archive: Archive, rows: Sequence[Mapping[str, Any]], query: FilesetQuery, snapshot: int
) -> dict[str, dict[str, Any]]:
    """Return the keywords that are shown, by fileset and then by the name of the column."""
    wanted = {column.name: column for column in query.columns if column.keyword is not None}
    if not wanted or not rows:
        return {}
    names = list(dict.fromkeys(column.keyword for column in wanted.values() if column.keyword is not None))
    found = archive.search.group_keywords({row["name"]: row["numbers"] for row in rows}, names, snapshot=snapshot)
    instruments = {row["name"]: row["instrume"] for row in rows}
    return {
        fileset: {
            name: values[column.keyword or ""]
            for name, column in wanted.items()
            if column.instrument in {None, instruments[fileset]}
        }
        for fileset, values in found.items()
    }


def _placed(row: dict[str, Any], targets: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Add the nearest of the positions asked for, and how far it is."""
    nearest: tuple[float, tuple[float, float]] | None = None
    regions = " ".join(text for text in row["s_region"] if text)
    for target in targets if regions else ():
        away = separation_arcsec(regions, *target)
        if nearest is None or away < nearest[0]:
            nearest = (away, target)
    return row | {
        "separation": None if nearest is None else nearest[0],
        "position": None if nearest is None else f"{nearest[1][0]:g} {nearest[1][1]:g}",
    }


def _value(column: FilesetColumn, row: Mapping[str, Any], levels: Mapping[str, str], now: datetime) -> Any:
    if column.aggregate == "name":
        return row["name"]
    if column.how == "levels":
        return levels.get(row["name"])
    if column.how == "rights":
        release = row[column.name]
        return rights(None if release is None else release.replace(tzinfo=UTC), now)
    return _WRITTEN[column.how](row, row.get(column.name))


def _duration(row: Mapping[str, Any], end: float | None) -> float | None:
    single = row["kind"] == "exposure" and end is not None and row["expstart"] is not None
    return round((end - row["expstart"]) * 86400, 3) if single and end is not None else None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


_WRITTEN: Final[Mapping[str, Callable[[Mapping[str, Any], Any], Any]]] = {
    "copy": lambda _row, value: value if not isinstance(value, float) or math.isfinite(value) else None,
    "joined": lambda _row, values: ", ".join(sorted(text for text in values if text)) or None,
    "regions": lambda _row, values: " ".join(sorted(text for text in values if text)) or None,
    "mjd": lambda _row, value: None if value is None else f"{moment_of(value):%Y-%m-%dT%H:%M:%S.%f}0",
    "moment": lambda _row, value: None if value is None else f"{value:%Y-%m-%dT%H:%M:%S}",
    "duration": _duration,
    "program": lambda _row, text: _number(text),
    "observation": lambda _row, text: _number(text),
    "visit": lambda _row, text: _number((text or "")[8:11]),
    "flag": lambda _row, value: value,
    "number": lambda _row, text: _number(text),
    "absent": lambda _row, _value: None,
    "separation": lambda row, _value: None if row["separation"] is None else row["separation"] / 60,
    "position": lambda row, _value: row["position"],
}
"""How values of a fileset are written, by the ``how`` of the column."""


def _levels(archive: Archive, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    owner = {number: row["name"] for row in rows for number in row["numbers"]}
    stages: dict[str, set[str]] = {}
    for file in archive.holdings.listed(list(owner)):
        if file["parent"] == file["obs_number"]:
            stages.setdefault(owner[file["parent"]], set()).add(stage_of(archive, file))
    return {name: ", ".join(stage for stage in _STAGES if stage in found) for name, found in stages.items()}


def stage_of(archive: Archive, file: Mapping[str, Any]) -> str:
    """Return the stage of a file in MAST's words, 1b, 2a, 2b, 2c or 3; nothing for files of no stage."""
    known = tables_of(archive.settings.tables_path).suffixes.get(file["suffix"] or "")
    return (known.stage(combined=file["algorithm"] != "exposure") if known is not None else None) or ""


# Products ------------------------------------------------------------------------------------------------------------


def _products(archive: Archive, names: Sequence[str]) -> Response:
    if len(names) > MOST_DATASETS:
        raise InvalidQueryError("dataset_ids", f"{len(names)} datasets", f"at most {MOST_DATASETS} at a time")
    now = datetime.now(UTC)
    wanted = dict.fromkeys(name for name in names if name)
    owner = {}
    for obs_id, number in archive.holdings.beginning(list(wanted)):
        for name in (obs_id, re.sub(FILESET[0], FILESET[1], obs_id)):
            if name in wanted:
                owner[number] = name
    products = []
    for file in archive.holdings.listed(list(owner)):
        if file["parent"] != file["obs_number"]:
            continue
        dataset, filename = owner[file["parent"]], file["filename"]
        products.append(
            {
                "product_key": f"{dataset}_{filename}",
                "access": rights(file["data_release"], now),
                "dataset": dataset,
                "instrument_name": file["instrument_name"],
                "filters": file["filters"],
                "filename": filename,
                "uri": f"{dataset}/{filename}",
                "authz_primary_identifier": dataset,
                "authz_secondary_identifier": file["proposal_id"],
                "file_suffix": f"_{file['suffix']}" if file["suffix"] else "",
                "category": stage_of(archive, file),
                "size": file["content_length"],
                "type": file["product_type"].lower(),
            }
        )
    return JSONResponse({"products": products})


# Reading -------------------------------------------------------------------------------------------------------------


def _chosen(given: object) -> tuple[FilesetColumn, ...]:
    if given is None or given == []:
        return tuple(column for column in columns().values() if column.default == "yes")
    if not isinstance(given, list):
        raise InvalidQueryError("select_cols", str(given)[:100], "a list of column names")
    return tuple(columns()[name] for name in dict.fromkeys(map(str, given)) if name in columns())


def _sort(names: object, down: object) -> Iterable[tuple[FilesetColumn, bool]]:
    names = [names] if isinstance(names, str) else names
    down = down if isinstance(down, list) else [down]
    if not isinstance(names, list):
        raise InvalidQueryError("sort_by", str(names)[:100], "a list of column names")
    for at, name in enumerate(names):
        column = find_fileset_column("sort_by", name)
        if column.how in {"levels", "joined", "regions", "position", "duration", "absent"}:
            raise InvalidQueryError("sort_by", name, "a column that can be sorted by")
        yield column, at < len(down) and str(down[at]).lower() == "true"


def _target(text: object, archive: Archive) -> tuple[float, float]:
    if not isinstance(text, str):
        raise InvalidQueryError("target", str(text)[:100], 'a text such as "40.66963 -0.01328", or a name')
    try:
        place = archive.resolve.position(text)
    except UnresolvedNameError as error:
        raise InvalidQueryError("target", text, f"a position or a known name ({error})") from None
    if place.ra is None or place.dec is None:
        raise InvalidQueryError("target", text, "something that has a position")
    return place.ra, place.dec


def _whole(name: str, value: object, default: int, *, most: int) -> int:
    if value is None:
        return default
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or int(text[:12]) > most:
        raise InvalidQueryError(name, text[:60], f"a whole number from 0 to {most}")
    return int(text)


def _echo(document: Mapping[str, Any], query: FilesetQuery) -> dict[str, Any]:
    return {
        "target": document.get("target") or [],
        "radius": document.get("radius", DEFAULT_RADIUS),
        "radius_units": document.get("radius_units") or "arcminutes",
        "limit": query.limit,
        "offset": query.offset,
        "select_cols": [column.name for column in query.columns],
        "sort_by": [column.name for column, _ in query.sort],
        "sort_desc": [down for _, down in query.sort],
        "conditions": document.get("conditions") or [],
        "skip_count": query.skip_count,
    }
