"""The tables of a query: where their rows come from in the engine, and which of their columns it asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

from deepfield.query.adql.meaning import ENGINE_TYPES, Meaning, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from deepfield.access.policy import Readable
    from deepfield.catalogue.published import PublishedTable
    from deepfield.model.tables import Column, TableSchema

_ALIAS: Final = re.compile(r"\b([a-z])\.\w")
_PARAMETER: Final = re.compile(r"\$(now|base_url|authority)\b")
CELL, OUTLINE, FIELD, RA, DEC = "$cell", "$outline", "$field", "$ra", "$dec"
"""Columns of a source that no query can name: place on the sky of the row, and its footprint as numbers."""
AROUND: Final = "$around"
"""Column of a source whose rows are repeated for each cell that they reach."""
TAP_UPLOAD: Final = "TAP_UPLOAD"


@dataclass(frozen=True, slots=True)
class LakeFiles:
    """A table of the lake: its description and the files that hold it now."""

    table: TableSchema
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a translation depends on beside the text."""

    tables: Mapping[str, PublishedTable]
    rule: Readable
    past: int | None = None
    """The snapshot to read, where that is not the newest."""
    largest_field: float = 360.0
    """The largest field of view (degrees) of any row."""
    lake: Callable[[str], LakeFiles] | None = None
    """What gives a table of the lake as it is now, by its name; asked only for those that a query reads."""
    uploads: Mapping[str, Sequence[Column]] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Field:
    """A column of a source under one of its names."""

    name: str
    """As the result calls it; delimited names without their quotes."""
    meaning: Meaning
    sql: str
    source: Source | None = None
    hidden: str = ""
    """For the place of a source's rows: ``ra``, ``dec`` or ``region``."""
    merged: tuple[Field, ...] = ()
    """The columns that NATURAL or USING made one."""

    @property
    def sources(self) -> frozenset[Source]:
        """The tables that the value comes from."""
        if self.source is not None:
            return frozenset((self.source,))
        return frozenset().union(*(each.sources for each in self.merged))


class Source(Protocol):
    """A table in FROM."""

    alias: str
    qualifiers: frozenset[tuple[str, ...]]
    fields: tuple[Field, ...]
    around: str

    @property
    def index(self) -> Mapping[str, Sequence[Field]]:
        """The columns by their names in lower case."""
        ...

    def sql(self) -> str:
        """Return what stands in the engine's FROM."""
        ...


@dataclass(frozen=True, slots=True)
class End:
    """One of two places that a condition asks to be near each other."""

    ra: str
    dec: str
    cell: str | None
    sources: frozenset[Source]


@dataclass(frozen=True, slots=True)
class Cone:
    """Two places within ``radius`` degrees (SQL) of each other, at most ``largest`` where that is known."""

    first: End
    second: End
    radius: str
    largest: float | None
    radius_sources: frozenset[Source] = frozenset()


class Derived:
    """A subquery, a common table or an upload."""

    def __init__(
        self, body: str, alias: str, qualifiers: frozenset[tuple[str, ...]], columns: Sequence[tuple[str, str, Meaning]]
    ) -> None:
        """Take the body in SQL, and of each column its name, its name in the body and its meaning."""
        self._body = body
        self.alias = alias
        self.qualifiers = qualifiers
        self.around = ""
        self.fields: tuple[Field, ...] = tuple(
            Field(name, meaning, f"{quoted(alias)}.{quoted(inner)}", self) for name, inner, meaning in columns
        )
        self.index = _indexed(self.fields)

    def sql(self) -> str:
        return _exploded(self._body, self.alias, self.around)


class Published:
    """A published table; only the columns that are used are read."""

    def __init__(
        self, published: PublishedTable, alias: str, qualifiers: frozenset[tuple[str, ...]], given: Circumstances
    ) -> None:
        self._published, self._given = published, given
        self.alias = alias
        self.qualifiers = qualifiers
        self.around = ""
        self.parameters: set[str] = set()
        sky = published.feed.sky
        places = {} if sky is None else {sky.ra: "ra", sky.dec: "dec", sky.region or "": "region"}
        self.fields: tuple[Field, ...] = tuple(
            Field(name, meaning, f"{quoted(alias)}.{quoted(name)}", self, places.get(name, ""))
            for name, meaning in _meanings(published)
        )
        self.index = _indexed(self.fields)
        self._used: dict[str, str] = {}

    @property
    def table(self) -> TableSchema:
        """The description of the table."""
        return self._published.table

    def use(self, field_: Field) -> None:
        """Have a column read."""
        self._used.setdefault(field_.name, self._published.feed.expressions.get(field_.name, ""))

    def place(self, what: str) -> str:
        """Have a hidden column read, and return it."""
        sky = self._published.feed.sky
        assert sky is not None
        self._used.setdefault(what, _PLACES[what].format(a=sky.alias))
        return f"{quoted(self.alias)}.{quoted(what)}"

    def has_footprint(self) -> bool:
        """Tell whether a row has an outline and a field of view beside its place."""
        sky = self._published.feed.sky
        return sky is not None and sky.region is not None

    def sql(self) -> str:
        return _exploded(f"({self._select()})", self.alias, self.around)

    def _select(self) -> str:
        feed, past = self._published.feed, self._given.past
        if feed.described:
            columns = ", ".join(f"d.{quoted(name)}" for name in self._used) or "1 AS one"
            return f"SELECT {columns} FROM described.{quoted(feed.described)} AS d"
        columns = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in self._used.items()) or "1 AS one"
        self.parameters.update(_PARAMETER.findall(columns))
        if feed.lake:
            return f"SELECT {columns} FROM ({lake_sql(self._given, feed.lake)}) AS s"
        if not feed.base:
            nothing = ", ".join(
                f"CAST(NULL AS {_engine_type(self._published, name)}) AS {quoted(name)}" for name in self._used
            )
            return f"SELECT {nothing or '1 AS one'} WHERE false"
        wanted = {alias for sql in self._used.values() for alias in _aliases(sql)}
        joins = "".join(
            f" {join.format_map(_ALL)} AND {alive(alias, past)}"
            for alias, join in feed.joins.items()
            if alias in wanted
        )
        where = " AND ".join(part for part in (alive(feed.alias, past), feed.where) if part)
        then = f" {feed.then}" if feed.then else ""
        return f"SELECT {columns} FROM {feed.base}_all AS {feed.alias}{joins}{then} WHERE {where}"


_PLACES: Final = {
    CELL: "{a}.healpix",
    OUTLINE: "{a}.outline",
    FIELD: "CASE WHEN {a}.s_region IS NOT NULL THEN coalesce({a}.s_fov, 36e1) END",
    RA: "{a}.s_ra",
    DEC: "{a}.s_dec",
}


class _AllVersions(dict[str, str]):
    def __missing__(self, table: str) -> str:
        return f"{table}_all"


_ALL: Final = _AllVersions()


def alive(alias: str, past: int | None) -> str:
    """Return the condition that a row version is current, or was at a snapshot."""
    if past is None:
        return f"{alias}.seq_to IS NULL"
    return f"{alias}.seq_from <= {past} AND ({alias}.seq_to IS NULL OR {alias}.seq_to > {past})"


def lake_sql(given: Circumstances, name: str) -> str:
    """Return the rows of a lake table that the rule allows, as they were at the snapshot."""
    from deepfield.query.guard import guard
    from deepfield.query.sources import lake_rows

    assert given.lake is not None
    lake = given.lake(name)
    tree = lake_rows(lake.table, lake.files, given.rule, past=given.past is not None)
    guarded = guard(tree, versioned=("artifact", "observation"), snapshot=given.past)
    return str(guarded.sql("duckdb"))


def _exploded(body: str, alias: str, around: str) -> str:
    name = quoted(alias)
    if not around:
        return f"{body} AS {name}"
    return f"(SELECT *, unnest({around}) AS {quoted(AROUND)} FROM {body} AS {name}) AS {name}"


def _indexed(fields: Sequence[Field]) -> dict[str, list[Field]]:
    index: dict[str, list[Field]] = {}
    for each in fields:
        index.setdefault(each.name.lower(), []).append(each)
    return index


@lru_cache(maxsize=1024)
def _aliases(sql: str) -> frozenset[str]:
    return frozenset(_ALIAS.findall(sql))


@lru_cache(maxsize=256)
def _meanings(published: PublishedTable) -> tuple[tuple[str, Meaning], ...]:
    return tuple((column.name.strip('"'), Meaning.of(column)) for column in published.table.columns)


def _engine_type(published: PublishedTable, name: str) -> str:
    return ENGINE_TYPES[published.table.column(name).type]
