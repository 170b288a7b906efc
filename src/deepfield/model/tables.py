"""What a table is: its columns with type, unit, UCD and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from deepfield.model.errors import UnknownColumnError

ColumnType = Literal[
    "string",
    "unicode",
    "bool",
    "bit",
    "uint8",
    "int16",
    "int32",
    "int64",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "timestamp",
    "json",
    "bytes",
]
"""``unicode`` is a text that holds more than ASCII (VOTable's unicodeChar); ``string`` promises ASCII."""
System = Literal["icrs", "utc", "utc_mjd", "tdb_mjd"]
FacetKind = Literal["category", "number", "time"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column, described once for DDL, portal, protocols and reference pages.

    ``unit`` is written as VOUnits, ``ucd`` as UCD1+. Timestamps are UTC.
    """

    name: str
    type: ColumnType
    description: str
    caption: str = ""
    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    xtype: str | None = None
    """How DALI reads the value: ``timestamp``, ``point``, ``circle``, ``polygon``, ``interval``, ``moc`` …"""
    arraysize: str | None = None
    """As VOTable writes it: ``2``, ``*``, ``3x*``; None for a number, and for a text of any length."""
    system: System | None = None
    """The frame of positions or times: ICRS, UTC as ISO text, UTC or barycentric TDB as MJD."""
    nullable: bool = True
    index: bool = False
    facet: FacetKind | None = None
    """How the portal shows the column as a facet, if it offers one at first."""
    scale: Literal["linear", "log"] = "linear"
    shown: bool = False
    """Whether the results table shows the column at first."""
    searchable: bool = True
    """Whether a search may filter, sort or facet on the column."""
    of: str | None = None
    """The table whose row gives the value, for a column of the lake that is not stored there."""
    std: bool = False
    """Whether a standard defines the column."""
    principal: bool = False
    """Whether the column is one to look at first."""
    indexed: bool = False
    """Whether a condition on the column is quick."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that name a row of another table."""

    columns: tuple[str, ...]
    table: str
    """The other table, as queries write it."""
    targets: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A described table. ``key`` names the columns that identify a row among the current ones."""

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    versioned: bool = True
    """Versioned rows carry ``seq_from`` and ``seq_to``: current while ``seq_to`` is null."""
    schema: str = ""
    """The schema that a published table belongs to; empty for the tables behind them."""
    kind: Literal["table", "view"] = "table"
    utype: str | None = None
    foreign_keys: tuple[ForeignKey, ...] = ()
    home: Literal["catalogue", "lake"] = "catalogue"
    """Where the rows are kept. A row of the lake is current while an artifact has its ``sha256``."""

    def column(self, name: str) -> Column:
        """Return the column of this name.

        Raises:
            UnknownColumnError: with the closest name there is.
        """
        for column in self.columns:
            if column.name == name:
                return column
        closest = get_close_matches(name, [column.name for column in self.columns], n=1)
        raise UnknownColumnError(name, closest=closest[0] if closest else None)

    @property
    def qualified(self) -> str:
        """The name as queries write it: ``ivoa.ObsCore``."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns that the table itself keeps."""
        return tuple(column for column in self.columns if column.of is None)
