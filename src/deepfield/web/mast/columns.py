"""The columns of MAST's tables, read from ``tables/*.tsv``: names, types, order, and what of ours they show."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from deepfield.model.errors import InvalidQueryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Type = Literal["string", "int", "float", "boolean", "datetime"]


@dataclass(frozen=True, slots=True)
class MastColumn:
    """One column as MAST has it, and how its values are made of ours."""

    name: str
    type: Type
    label: str = ""
    unit: str = ""
    meaning: str = ""
    source: str = ""
    """Our column, or the value itself where ``how`` is fixed."""
    how: str = "copy"
    separator: str = ""
    """Between the elements of a cell that is a list."""
    ucd: str = ""
    example: str = ""

    @property
    def field(self) -> dict[str, str]:
        """How answers declare the column."""
        return {"name": self.name, "type": self.type}

    def config(self, order: int) -> dict[str, Any]:
        """Return what ``columnsconfig`` tells of the column."""
        told = {
            "text": self.label or self.name,
            "order": order,
            "type": self.type,
            "vot.name": self.name,
            "vot.ID": self.name,
            "vot.datatype": _DATATYPES[self.type] if self.how != "number" else "long",
            "vot.description": self.meaning,
            "vot.unit": self.unit,
            "vot.ucd": self.ucd,
            "example": self.example,
            "separator": self.separator,
        }
        if self.type == "string" and self.how != "number":
            told["vot.arraysize"] = "*"
        if self.name == "_selected_":
            told |= {"add": True, "hidden": True}
        if self.type in {"int", "float"}:
            told["ignoreValue"] = -999
        return {name: value for name, value in told.items() if value != ""}


_DATATYPES = {"string": "char", "int": "int", "float": "double", "boolean": "boolean", "datetime": "char"}
SELECTED = MastColumn("_selected_", "boolean", label="selected", how="absent")


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of a table of this package; lines that begin with # are remarks."""
    text = (resources.files("deepfield.web.mast") / "tables" / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def columns_of(name: str) -> tuple[MastColumn, ...]:
    """Return the columns that a table of this package describes."""
    return tuple(MastColumn(**row) for row in read_table(name))  # type: ignore[arg-type]


def find_column(columns: Iterable[MastColumn], name: str, *, field: str = "paramName") -> MastColumn:
    """Return the column of this name, whatever its case.

    Raises:
        InvalidQueryError: there is none; it names the closest there are, also under the names of other services.
    """
    known = {column.name.lower(): column for column in columns}
    wanted = SYNONYMS.get(name.lower(), name.lower())
    for each in (name.lower(), wanted):
        if each in known:
            return known[each]
    close = get_close_matches(wanted, known, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(known[each].name for each in close)}?" if close else ""
    raise InvalidQueryError(field, name, f"a column of this service{hint}")


SYNONYMS = {
    "program": "proposal_id",
    "proposal": "proposal_id",
    "pi_name": "proposal_pi",
    "instrument": "instrument_name",
    "instrume": "instrument_name",
    "filter": "filters",
    "targname": "target_name",
    "targprop": "target_name",
    "date_obs_mjd": "t_min",
    "obs_number": "obsid",
    "dataset": "obs_id",
    "em": "em_min",
    "data_release": "t_obs_release",
    "access": "datarights",
}
"""Names that other services of MAST, or our own portal, have for the same thing."""


def choose(columns: Sequence[MastColumn], text: object) -> tuple[MastColumn, ...]:
    """Return the columns that ``*`` or a list separated by commas names, each once.

    Raises:
        InvalidQueryError: naming a column that there is not.
    """
    if not isinstance(text, str):
        raise InvalidQueryError("columns", text, "'*' or column names separated by commas")
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names in ([], ["*"]):
        return tuple(columns)
    return tuple(dict.fromkeys(find_column(columns, name, field="columns") for name in names))
