"""What a value of a query is: its type, and what else a column of a result is to say of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from deepfield.model.tables import Column
from deepfield.query.lower import double_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepfield.model.tables import ColumnType, System
    from deepfield.query.adql.geometry import Shape
    from deepfield.query.adql.sources import Cone, Field, Source

Kind = Literal["number", "text", "moment", "flag", "shape", "array", "bytes", "null"]

NUMBERS: Final[tuple[ColumnType, ...]] = ("uint8", "int16", "int32", "int64", "float32", "float64")
"""From the narrowest to the widest."""
INTEGERS: Final = frozenset(NUMBERS[:4])
SHAPES: Final = frozenset({"point", "circle", "polygon", "region"})
ENGINE_TYPES: Final[Mapping[ColumnType, str]] = MappingProxyType(
    {
        "string": "VARCHAR",
        "unicode": "VARCHAR",
        "json": "VARCHAR",
        "bool": "BOOLEAN",
        "uint8": "UTINYINT",
        "int16": "SMALLINT",
        "int32": "INTEGER",
        "int64": "BIGINT",
        "float32": "FLOAT",
        "float64": "DOUBLE",
        "timestamp": "TIMESTAMP",
    }
)
_KINDS: Final[Mapping[ColumnType, Kind]] = MappingProxyType(
    {
        **dict.fromkeys(NUMBERS, "number"),
        "string": "text",
        "unicode": "text",
        "json": "text",
        "timestamp": "moment",
        "bool": "flag",
        "bit": "flag",
        "bytes": "bytes",
        "complex64": "array",
        "complex128": "array",
    }
)
KIND_WORDS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "number": "a number",
        "text": "a text",
        "moment": "a time",
        "flag": "a truth value",
        "shape": "a geometry",
        "array": "an array",
        "bytes": "bytes",
        "null": "NULL",
    }
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """Type, unit and meaning of a value."""

    type: ColumnType
    unit: str | None = None
    ucd: str | None = None
    utype: str | None = None
    description: str = ""
    xtype: str | None = None
    arraysize: str | None = None
    kind: Kind = "number"
    system: System | None = None
    """The frame of a position or time; lost when something is computed of it."""

    @classmethod
    def of(cls, column: Column) -> Meaning:
        """Return what a column means."""
        return cls(
            column.type,
            column.unit,
            column.ucd,
            column.utype,
            column.description,
            column.xtype,
            column.arraysize,
            _kind(column),
            column.system,
        )

    @classmethod
    def plain(
        cls, kind: ColumnType, *, unit: str | None = None, ucd: str | None = None, description: str = ""
    ) -> Meaning:
        """Return the meaning of a value that was computed."""
        return cls(kind, unit, ucd, description=description, kind=_KINDS[kind])

    def column(self, name: str) -> Column:
        """Return the column of a result that has this meaning."""
        return Column(
            name,
            self.type,
            self.description,
            unit=self.unit,
            ucd=self.ucd,
            utype=self.utype,
            xtype=self.xtype,
            arraysize=self.arraysize,
            system=self.system,
        )

    def typed(self, kind: ColumnType) -> Meaning:
        """Return the same meaning for a number of another type."""
        return replace(self, type=kind)

    @property
    def shape(self) -> str:
        """Which geometry a column holds."""
        word = (self.xtype or "").lower().removeprefix("adql:")
        return word if word in SHAPES and self.type not in {"string", "unicode"} else "region"


NULL: Final = Meaning("string", kind="null")
FLAG: Final = Meaning("bool", kind="flag")


@dataclass(slots=True)
class Value:
    """A value expression or condition in the engine's SQL, and what is known of it."""

    sql: str
    meaning: Meaning
    free: frozenset[Field] = frozenset()
    """Columns of this query that stand outside of any aggregate and any grouped expression."""
    sources: frozenset[Source] = frozenset()
    """The tables of this query that the value depends on."""
    aggregate: bool = False
    constant: float | int | str | None = None
    """The value where the query says it."""
    shape: Shape | None = None
    name: str | None = None
    """What a column of a result is called that holds this value and has no alias."""
    cone: Cone | None = None
    """For a condition: that it asks two places of different tables to be near each other."""
    exact: str | None = None
    """For a condition with ranges that skip rows: the same without them. Rows without a geometry are outside of the
    ranges, where the exact condition is null; that differs below NOT."""
    small: bool = False
    """For a condition: that it holds rows to a small piece of the sky, where few can be expected."""
    conjuncts: tuple[Value, ...] = field(default=())
    """For a condition: what it joins by AND."""

    @property
    def kind(self) -> Kind:
        return self.meaning.kind


def combined(
    sql: str, meaning: Meaning, parts: Sequence[Value], *, constant: float | str | None = None, name: str | None = None
) -> Value:
    """Return a value made of others."""
    if len(parts) == 1:
        (part,) = parts
        return Value(sql, meaning, part.free, part.sources, part.aggregate, constant, None, name)
    free: frozenset[Field] = frozenset()
    sources: frozenset[Source] = frozenset()
    return Value(
        sql,
        meaning,
        free.union(*(part.free for part in parts)),
        sources.union(*(part.sources for part in parts)),
        any(part.aggregate for part in parts),
        constant,
        None,
        name,
    )


def widest(types: Sequence[ColumnType]) -> ColumnType:
    """Return the number type that holds all of these."""
    return NUMBERS[max(NUMBERS.index(each) for each in types)]


def as_type(value: Value, kind: ColumnType) -> str:
    """Return a number's SQL as one of another type, as plainly as can be."""
    if value.meaning.type == kind or value.kind == "null":
        return value.sql if value.kind != "null" else f"CAST(NULL AS {ENGINE_TYPES[kind]})"
    if kind == "float64" and isinstance(value.constant, int | float):
        return double_text(value.constant) if value.constant >= 0 else f"({double_text(value.constant)})"
    return f"CAST({value.sql} AS {ENGINE_TYPES[kind]})"


def quoted(name: str) -> str:
    """Write a name for the engine."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Write a string for the engine."""
    return "'" + value.replace("'", "''") + "'"


def _kind(column: Column) -> Kind:
    word = (column.xtype or "").lower().removeprefix("adql:")
    if word in SHAPES:
        return "shape"
    kind = _KINDS[column.type]
    return "array" if column.arraysize is not None and kind in {"number", "flag", "moment"} else kind
