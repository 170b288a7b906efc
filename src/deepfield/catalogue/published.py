"""The tables that queries name: what their columns mean, and what of the replica feeds them.

One description serves queries, ``TAP_SCHEMA``, ``/tables`` and the reference page. Expressions are SQL over the tables
of the replica, in which ``$now`` (moment of the query, UTC), ``$base_url`` and ``$authority`` stand for values.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import yaml

from deepfield.catalogue.schema import load_tables
from deepfield.model.tables import Column, ForeignKey, TableSchema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCHEMAS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ivoa": "Tables that IVOA standards define, the same at every archive",
        "jwst": "Products, associations, reference files and sources of this archive",
        "caom2": "Observations, planes, artifacts, parts, chunks after the Common Archive Observation Model 2.4",
        "dbo": "The same observations under the column names of MAST, for scripts written for that archive",
        "TAP_SCHEMA": "What this service offers: its schemas, tables, columns and the keys between them",
    }
)
"""The schemas in the order in which they are listed, each with its description."""


@dataclass(frozen=True, slots=True)
class Sky:
    """Which columns of a published table place its rows on the sky, and the replica's row that indexes them."""

    ra: str
    dec: str
    region: str | None
    alias: str
    """Alias of the replica's table that carries ``healpix`` (and ``outline``, ``s_fov``) for these columns."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Where the rows of a published table come from; without ``base`` it has none."""

    expressions: Mapping[str, str]
    """By column: an expression over the aliases below."""
    alias: str = ""
    base: str = ""
    """The table of the replica under ``alias``."""
    joins: Mapping[str, str] = field(default_factory=dict)
    """By alias: a join to one row, wanted only where a column looks there; ``{name}`` is a table of the replica."""
    then: str = ""
    """What follows the joins and multiplies the rows."""
    where: str = ""
    described: str = ""
    """Name of the table in the description of the service itself, for TAP_SCHEMA."""
    lake: str = ""
    """Name of the table of the lake under alias ``s``."""
    protected: str = ""
    """Alias of the row whose release and programme decide who may read: rows under exclusive access are left out."""
    sky: Sky | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PublishedTable:
    """A table that queries name."""

    table: TableSchema
    feed: Feed


@cache
def load_published() -> Mapping[str, PublishedTable]:
    """Read every published table of the package, by its qualified name, schema by schema."""
    folder = resources.files("deepfield.catalogue") / "tables" / "published"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    tables = [_published(document) for file in files for document in _documents(file.read_text(encoding="utf-8"))]
    order = list(SCHEMAS)
    tables.sort(key=lambda each: order.index(each.table.schema))
    return MappingProxyType({each.table.qualified: each for each in tables})


def _documents(text: str) -> Iterator[Mapping[str, Any]]:
    loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  a safe one, either way
    yield from loaded if isinstance(loaded, list) else [loaded]


def _published(document: Mapping[str, Any]) -> PublishedTable:
    columns = [dict(column) for column in document.get("columns", ())]
    expressions = {column["name"]: str(column.pop("from")) for column in columns if "from" in column}
    described = [Column(**column) for column in columns]
    if (lent := document.get("columns_of")) is not None:
        indexed = set(document.get("indexed", ()))
        described = [replace(column, indexed=column.name in indexed) for column in load_tables()[lent].columns]
        expressions = {column.name: f's."{column.name}"' for column in described}
    feed = dict(document["feed"])
    ((alias, base),) = feed.pop("from", {"": ""}).items()
    sky = feed.pop("sky", None)
    table = TableSchema(
        name=document["name"],
        description=document["description"],
        key=tuple(document["key"]),
        columns=tuple(described),
        schema=document["schema"],
        kind=document.get("kind", "table"),
        utype=document.get("utype"),
        foreign_keys=tuple(
            ForeignKey(tuple(key["from"]), key["table"], tuple(key["to"]), key["description"])
            for key in document.get("foreign_keys", ())
        ),
    )
    return PublishedTable(table, Feed(expressions, alias, base, sky=None if sky is None else Sky(**sky), **feed))
