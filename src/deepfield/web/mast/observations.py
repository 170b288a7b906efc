"""``Mast.Caom.*``: observations and their products, CAOM as MAST shows it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from deepfield.model.coverage import Circle
from deepfield.model.errors import InvalidQueryError
from deepfield.model.identifiers import artifact_uri
from deepfield.query.filters import SearchQuery
from deepfield.query.moments import mjd
from deepfield.web.mast.answers import Answer, count_answer
from deepfield.web.mast.columns import SELECTED, MastColumn, choose, columns_of, find_column
from deepfield.web.mast.filters import filters_of, read_filters, truth, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from deepfield.bootstrap import Archive
    from deepfield.query.filters import Filter
    from deepfield.services.search import Listing
    from deepfield.web.mast.requests import MastRequest

COUNT: Final = "COUNT_BIG(*)"
MOST_PRODUCTS_ASKED: Final = 50_000
MOST_POSITIONS: Final = 1000
NO_FILES: Final = "none of these observations has a file in this archive; planned ones have none yet"
COUNTED: Final = (
    "obs_collection", "intent", "instrument_mode", "filters", "dataproduct_type", "calib_level", "moving_target",
    "t_min", "t_max", "t_exptime",
)  # fmt: skip
"""Columns of which ``Mast.Caom.All`` tells how often they have which value."""
LARGEST_RADIUS: Final = 180.0
"""Degrees: the whole sky."""
DISTANCE: Final = MastColumn(
    "distance",
    "float",
    label="Distance",
    unit="arcsec",
    meaning="From the position asked for to the footprint; 0 within it",
    how="distance",
)
OBJID1: Final = MastColumn("objID1", "string", label="Object ID", source="obs_number", how="number")
MATCH: Final = (
    MastColumn("MatchID", "int", label="Match", how="match", meaning="Which of the positions sent, from 1"),
    MastColumn("MatchRA", "float", label="Match RA", unit="deg", how="match", meaning="Its right ascension"),
    MastColumn("MatchDEC", "float", label="Match Dec", unit="deg", how="match", meaning="Its declination"),
)


def caom() -> tuple[MastColumn, ...]:
    """Return every column of an observation."""
    return columns_of("caom.tsv")


def cone_columns() -> tuple[MastColumn, ...]:
    """Return the columns of a cone search, which has no ``objID``."""
    return (*(column for column in caom() if column.name != "objID"), DISTANCE, SELECTED)


def product_columns() -> tuple[MastColumn, ...]:
    """Return the columns of a list of products."""
    return columns_of("products.tsv")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request with what it takes to answer it."""

    request: MastRequest
    archive: Archive
    public: str
    """Address of the archive."""
    snapshot: int | None
    limit: int

    @property
    def offset(self) -> int:
        return (self.request.page - 1) * self.limit

    @property
    def params(self) -> Mapping[str, Any]:
        return self.request.params


def cone(ask: Ask) -> Answer:
    """``Mast.Caom.Cone``: observations whose footprint meets a circle, with the distance."""
    return _listed(ask, cone_columns(), (), _circle(*(_degrees(ask, name) for name in ("ra", "dec", "radius"))))


def filtered(ask: Ask) -> Answer:
    """``Mast.Caom.Filtered``: observations that meet filters.

    Raises:
        InvalidQueryError: there are no filters, as MAST too would have to answer with everything.
    """
    wanted = filters_of(read_filters(ask.params.get("filters"), caom()))
    if not ask.params.get("filters"):
        raise InvalidQueryError("filters", [], "at least one filter, or a position")
    return _chosen(ask, caom(), wanted, None)


def filtered_by_position(ask: Ask) -> Answer:
    """``Mast.Caom.Filtered.Position``: filters and a circle, ``position`` being ``"ra, dec, radius"`` in degrees."""
    wanted = filters_of(read_filters(ask.params.get("filters", []), (*caom(), DISTANCE)))
    text = ask.params.get("position")
    numbers = [part for part in text.replace(",", " ").split() if part] if isinstance(text, str) else []
    if len(numbers) != 3:
        raise InvalidQueryError("position", text, 'text such as "83.633, 22.014, 0.2": ra, dec, radius in degrees')
    circle = _circle(*(_number("position", number) for number in numbers))
    return _chosen(ask, (*caom(), OBJID1, DISTANCE), wanted, circle)


def products(ask: Ask) -> Answer:
    """``Mast.Caom.Products``: every file listed with observations, once for each that lists it.

    ``unique: true`` lists each file once.
    """
    numbers = _obsids(ask.params.get("obsid"))
    now = datetime.now(UTC)
    rows = ask.archive.holdings.listed(numbers)
    if "unique" in ask.params and truth(MastColumn("unique", "boolean"), ask.params["unique"]):
        rows = list({row["filename"]: row for row in rows}.values())
    page = rows[ask.offset : ask.offset + ask.limit]
    found = Answer(product_columns(), len(page), len(rows), lambda a, b: [_product(row, now) for row in page[a:b]])
    return found if rows else replace(found, message=NO_FILES)


def crossmatch(ask: Ask) -> Answer:
    """``Mast.Caom.Crossmatch``: observations around each position of a table that the client sends."""
    radius = _degrees(ask, "radius")
    names = [str(ask.params.get(name, default)) for name, default in (("raColumn", "ra"), ("decColumn", "dec"))]
    rows = ask.request.data.get("data") if isinstance(ask.request.data, dict) else None
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_POSITIONS:
        raise InvalidQueryError("data", None, f'a table {{"fields": […], "data": […]}} of 1 to {MOST_POSITIONS} rows')
    columns = (*MATCH, *cone_columns())
    found: list[dict[str, Any]] = []
    for at, row in enumerate(rows, 1):
        ra, dec = (_number(name, row.get(name) if isinstance(row, dict) else None) for name in names)
        near = _listing(ask, cone_columns(), (), _circle(ra, dec, radius), offset=0, limit=ask.limit)
        made = _maker(ask, cone_columns(), near)(0, near.table.num_rows)
        found += [{"MatchID": at, "MatchRA": ra, "MatchDEC": dec, **each} for each in made]
    return Answer.of(columns, found[ask.offset : ask.offset + ask.limit], total=len(found))


def histograms(ask: Ask) -> tuple[dict[str, Any], int]:
    """Return, for ``Mast.Caom.All``, how many observations have each value of each column, and how many there are."""
    from deepfield.query.facets import CategoryFacet

    sources = {column.source: column.name for column in caom() if column.how in {"copy", "instrument"}}
    answer = ask.archive.search.facets(SearchQuery(snapshot=ask.snapshot), COUNTED)
    found: dict[str, Any] = {}
    for facet in answer.facets:
        if isinstance(facet, CategoryFacet):
            entries = [{"count": each.count, "key": _key(each.value)} for each in facet.values]
            found[sources[facet.column]] = {"hist": entries, **{entry["key"]: entry for entry in entries}}
        else:
            edges = [{"key": edge, "count": n} for edge, n in zip(facet.edges, facet.counts, strict=False)]
            limits = {"min": facet.min, "max": facet.max, "type": "numeric"}
            found[sources[facet.column]] = {"hist": {"hist": edges}, **limits}
    for column in caom():
        if column.how == "fixed":
            entry = {"count": answer.all, "key": column.source}
            found[column.name] = {"hist": [entry], column.source: entry}
    return found, answer.all


def _key(value: object) -> str:
    return "" if value is None else str(value)


def _chosen(ask: Ask, columns: Sequence[MastColumn], wanted: tuple[Filter, ...], circle: Circle | None) -> Answer:
    text = ask.params.get("columns", "*")
    if isinstance(text, str) and text.replace(" ", "").upper() == COUNT:
        query = SearchQuery(filters=wanted, region=None if circle is None else (circle,), snapshot=ask.snapshot)
        return count_answer(ask.archive.search.count(query))
    return _listed(ask, choose(columns, text), wanted, circle)


def _listed(ask: Ask, columns: Sequence[MastColumn], wanted: tuple[Filter, ...], circle: Circle | None) -> Answer:
    listing = _listing(ask, columns, wanted, circle, offset=ask.offset, limit=ask.limit)
    return Answer(tuple(columns), listing.table.num_rows, listing.total, _maker(ask, columns, listing))


def _listing(
    ask: Ask,
    columns: Iterable[MastColumn],
    wanted: tuple[Filter, ...],
    circle: Circle | None,
    *,
    offset: int,
    limit: int,
) -> Listing:
    sources = dict.fromkeys(each for column in columns for each in _sources(column))
    query = SearchQuery(
        filters=wanted,
        region=None if circle is None else (circle,),
        columns=tuple(sources) or ("obs_number",),
        limit=limit,
        snapshot=ask.snapshot,
    )
    near = (circle.ra, circle.dec) if circle is not None and DISTANCE in columns else None
    return ask.archive.search.listing(query, offset=offset, near=near)


def _sources(column: MastColumn) -> tuple[str, ...]:
    if column.how in {"fixed", "absent", "distance", "match"}:
        return ()
    return (column.source, "instrument_name") if column.how == "instrument" else (column.source,)


def _maker(ask: Ask, columns: Sequence[MastColumn], listing: Listing) -> Callable[[int, int], list[dict[str, Any]]]:
    now = datetime.now(UTC)
    away = None if listing.distances is None else [None if math.isnan(d) else d for d in listing.distances.tolist()]

    def make(first: int, last: int) -> list[dict[str, Any]]:
        rows = listing.table.slice(first, last - first).to_pylist()
        made = [{column.name: _value(column, row, ask.public, now) for column in columns} for row in rows]
        if away is not None:
            for at, row in enumerate(made, first):
                row[DISTANCE.name] = away[at]
        return made

    return make


def _value(column: MastColumn, row: Mapping[str, Any], public: str, now: datetime) -> Any:
    value = row.get(column.source)
    if column.how == "fixed":
        return column.source
    if column.how == "rights":
        return rights(None if value is None else value.replace(tzinfo=UTC), now)
    if column.how == "instrument" and value is None:
        return row.get("instrument_name")
    if column.how == "url":
        return None if value is None else f"{public}/previews/{value}"
    return None if value is None else _WRITTEN[column.how](value)


_WRITTEN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "copy": lambda value: value,
    "number": lambda value: value,
    "program": lambda value: value,
    "instrument": lambda value: value,
    "nm": lambda value: float(f"{value * 1e9:.12g}"),
    "mjd": lambda value: mjd(value.replace(tzinfo=UTC)),
    "uri": artifact_uri,
}
"""How a value of ours is written, by the ``how`` of the column."""


def rights(release: datetime | None, now: datetime) -> str:
    """Say in MAST's words whether data with this release date are public."""
    return "PUBLIC" if release is not None and release <= now else "EXCLUSIVE_ACCESS"


def _product(row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "obsID": row["obs_number"],
        "obs_collection": "JWST",
        "dataproduct_type": row["dataproduct_type"],
        "obs_id": row["obs_id"],
        "description": row["description"],
        "type": "S" if row["algorithm"] == "exposure" else "C",
        "dataURI": artifact_uri(row["filename"]),
        "productType": row["product_type"],
        "productGroupDescription": row["product_group"],
        "productSubGroupDescription": (row["suffix"] or "").upper() or None,
        "productDocumentationURL": None,
        "project": "CALJWST",
        "prvversion": row["cal_ver"],
        "proposal_id": row["proposal_id"],
        "productFilename": row["filename"],
        "size": row["content_length"],
        "parent_obsid": row["parent"],
        "dataRights": rights(row["data_release"], now),
        "calib_level": row["calib_level"],
        "filters": row["filters"],
        "_selected_": None,
    }


def _obsids(given: object) -> list[int]:
    """Read obsids: one, a list, or a text of them with commas.

    Raises:
        InvalidQueryError: one of them is no number, as where somebody sends an obs_id.
    """
    parts = given if isinstance(given, list) else str(given if given is not None else "").split(",")
    texts = [str(part).strip() for part in parts if str(part).strip()]
    if not texts or len(texts) > MOST_PRODUCTS_ASKED:
        raise InvalidQueryError("obsid", given, f"1 to {MOST_PRODUCTS_ASKED} obsids separated by commas")
    column = find_column(caom(), "obsid")
    for text in texts:
        if not text.lstrip("+-").isdecimal():
            raise InvalidQueryError("obsid", text, "the number in column obsid; find it by a filter on obs_id")
    return [whole(column, text) for text in texts]


def _degrees(ask: Ask, name: str) -> float:
    return _number(name, ask.params.get(name))


def _number(name: str, value: object) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidQueryError(name, value, "a number in degrees")
    return number


def _circle(ra: float, dec: float, radius: float) -> Circle:
    if not 0 <= radius <= LARGEST_RADIUS:
        raise InvalidQueryError("radius", radius, f"0 to {LARGEST_RADIUS:g} degrees")
    if not -90 <= dec <= 90:
        raise InvalidQueryError("dec", dec, "-90 to 90 degrees")
    return Circle(ra % 360.0, dec, radius)
