"""The header keywords by which files are searched, each a column of table ``keyword``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from deepfield.model.tables import Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepfield.model.tables import ColumnType

Kind = Literal["string", "int", "float", "flag", "number_text", "visit", "moment"]

_TYPES: Final[Mapping[Kind, ColumnType]] = MappingProxyType(
    {
        "string": "string",
        "int": "int64",
        "float": "float64",
        "flag": "string",
        "number_text": "string",
        "visit": "string",
        "moment": "float64",
    }
)


@dataclass(frozen=True, slots=True)
class Keyword:
    """A column that is a header keyword."""

    name: str
    keyword: str
    """As headers have it; two with a blank between them are a date and a time of day."""
    kind: Kind
    unit: str
    services: str
    """Services of MAST that have the column, ``science`` for those of all instruments."""
    meaning: str

    @property
    def column(self) -> Column:
        """The column of table ``keyword``, in lower case as every column of the catalogue."""
        unit = "d" if self.kind == "moment" else self.unit
        return Column(self.name.lower(), _TYPES[self.kind], self.meaning, caption=self.name, unit=unit or None)


@cache
def header_keywords() -> Mapping[str, Keyword]:
    """Return every keyword by the name of its column, in MAST's order."""
    text = (resources.files(__package__) / "header_columns.tsv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return MappingProxyType({row["name"]: Keyword(**row) for row in rows})  # type: ignore[arg-type]
