"""Answers of the portal as files in the formats of tables, and arrays of numbers as JSON carries them."""

import base64
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

import numpy as np
import pyarrow as pa
from fastapi import Query
from starlette.responses import Response, StreamingResponse

from deepfield import __version__
from deepfield.formats import FORMATS, Document, Provenance, find_format
from deepfield.formats.wire import schema_of
from deepfield.model.errors import InvalidValueError
from deepfield.model.rows import RowStream
from deepfield.model.tables import Column
from deepfield.web.delivery import disposition

JSON: Final = "json"
SHORT_NAMES: Final = (JSON, *(each.name for each in FORMATS if each.name not in {JSON, "text"}))
TableFormat = Annotated[
    str, Query(alias="format", description=f"`json` for pages, else a table as a file: {', '.join(SHORT_NAMES[1:])}")
]


def is_page(wanted: str) -> bool:
    """Tell whether JSON for a page is asked for, and not a file.

    Raises:
        InvalidValueError: there is no such format.
    """
    if wanted not in SHORT_NAMES:
        raise InvalidValueError("format", wanted, f"one of {', '.join(SHORT_NAMES)}")
    return wanted == JSON


def column_of(name: str, values: np.ndarray[Any, Any], *, unit: str | None = None, description: str = "") -> Column:
    """Return the description of a column of numbers, flags or texts, a row a value."""
    kinds: dict[str, Any] = {
        "f8": "float64",
        "f4": "float32",
        "i8": "int64",
        "i4": "int32",
        "i2": "int16",
        "u1": "uint8",
    }
    kind = kinds.get(values.dtype.str[1:], "bool" if values.dtype.kind == "b" else "string")
    return Column(name, kind, description, unit=unit or None)


def file_response(
    columns: Sequence[Column], batches: Iterator[Sequence[Any]], *, stem: str, wanted: str, about: str, request: str
) -> Response:
    """Answer with a table as a file; ``batches`` hold a sequence of cells for each column."""
    form = find_format(wanted)
    schema = schema_of(columns)

    def records() -> Iterator[pa.RecordBatch]:
        for cells in batches:
            arrays = [_array(each, field.type) for each, field in zip(cells, schema, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    provenance = Provenance(request=request, server_software=f"Deepfield/{__version__}")
    document = Document(name=stem, description=about, provenance=provenance)
    headers = {"Content-Disposition": disposition(f"{stem}.{form.extension}"), "Cache-Control": "private, no-cache"}
    pieces = form.write(RowStream(columns, records()), document)
    return StreamingResponse(pieces, headers=headers, media_type=form.media_type)


def _array(cells: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(cells, np.ma.MaskedArray):
        return pa.array(np.ma.getdata(cells), kind, mask=np.ma.getmaskarray(cells))
    return pa.array(cells, kind)


def numbers(values: np.ndarray[Any, Any] | None) -> list[Any] | None:
    """Return an array as JSON has it: every digit, null for what is missing or not finite."""
    if values is None:
        return None
    plain, missing = np.ma.getdata(values), np.ma.getmaskarray(values)
    if plain.dtype.kind == "f":
        missing = missing | ~np.isfinite(plain)
    listed: list[Any] = plain.tolist()
    return _without(listed, missing.tolist()) if missing.any() else listed


def _without(listed: list[Any], missing: list[Any]) -> list[Any]:
    return [
        _without(value, gone) if isinstance(value, list) else None if gone else value
        for value, gone in zip(listed, missing, strict=True)
    ]


def float32(values: np.ndarray[Any, Any]) -> str:
    """Return an array as Base64 of little-endian 32-bit floats, row after row."""
    with np.errstate(over="ignore"):
        return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()
