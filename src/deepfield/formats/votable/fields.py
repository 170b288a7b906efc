"""FIELD elements to columns."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from deepfield.formats.uploads.parsing import Cells
from deepfield.formats.wire import WIRES, shape_of
from deepfield.model.errors import InvalidUploadError, InvalidValueError
from deepfield.model.tables import Column

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepfield.model.tables import ColumnType, System

_TYPES: Final[Mapping[str, ColumnType]] = MappingProxyType(
    {
        WIRES[kind].votable: kind
        for kind in (
            "string", "unicode", "bool", "bit", "uint8", "int16", "int32", "int64",
            "float32", "float64", "complex64", "complex128",
        )
    }
)  # fmt: skip


def field_of(table: str, attributes: Mapping[str, str], systems: Mapping[str, System], *, number: int) -> Cells:
    """Return the reader of a column that a FIELD describes.

    Texts keep their xtype and stay as they are: a time comes back just as it was written.

    Raises:
        InvalidUploadError: the FIELD has no datatype of VOTable, or no arraysize of it.
    """
    name = attributes.get("name") or attributes.get("ID") or f"column_{number}"
    datatype = attributes.get("datatype", "")
    if datatype not in _TYPES:
        raise InvalidUploadError(table, f"datatype {datatype!r}", f"one of {', '.join(_TYPES)}", column=name)
    kind = _TYPES[datatype]
    arraysize = (attributes.get("arraysize") or "").strip() or None
    if arraysize is None and kind in {"string", "unicode"}:
        arraysize = "1"
    elif arraysize == "1" and kind not in {"string", "unicode"}:
        arraysize = None
    column = Column(
        name=name,
        type=kind,
        description="",
        unit=attributes.get("unit") or None,
        ucd=attributes.get("ucd") or None,
        utype=attributes.get("utype") or None,
        xtype=attributes.get("xtype") or None,
        arraysize=arraysize,
        system=systems.get(attributes.get("ref", "")),
    )
    try:
        shape_of(column)
    except InvalidValueError as error:
        raise InvalidUploadError(table, f"arraysize {arraysize!r}", error.expected, column=name) from None
    return Cells(table, column)


def system_of(element: str, attributes: Mapping[str, str]) -> System | None:
    """Return which of our frames a COOSYS or TIMESYS is; None for every other."""
    if element == "COOSYS":
        return "icrs" if attributes.get("system", "").upper() == "ICRS" else None
    scale, origin = attributes.get("timescale"), attributes.get("timeorigin")
    if origin == "2400000.5":
        origin = "MJD-origin"
    known: dict[tuple[str | None, str | None, str | None], System] = {
        ("UTC", "TOPOCENTER", None): "utc",
        ("UTC", "TOPOCENTER", "MJD-origin"): "utc_mjd",
        ("TDB", "BARYCENTER", "MJD-origin"): "tdb_mjd",
    }
    return known.get((scale, attributes.get("refposition"), origin))
