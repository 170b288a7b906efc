"""How values are written in JSON: 64-bit integers as strings, times as ISO 8601 UTC, nothing that is not a number."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, overload

import orjson
import pyarrow as pa
from starlette.responses import Response

from deepfield.model.tables import TableSchema


@overload
def iso(moment: datetime) -> str: ...
@overload
def iso(moment: None) -> None: ...
@overload
def iso(moment: datetime | None) -> str | None: ...
def iso(moment: datetime | None) -> str | None:
    """Write a moment as ISO 8601 UTC with ``Z``; milliseconds only where there are some."""
    if moment is None:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    text = aware.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def column_values(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """Return the values of a column as JSON has them."""
    values: list[Any] = column.to_pylist()
    kind = column.type
    if pa.types.is_int64(kind) or pa.types.is_uint64(kind):
        return [None if value is None else str(value) for value in values]
    if pa.types.is_floating(kind):
        return [value if value is not None and math.isfinite(value) else None for value in values]
    if pa.types.is_timestamp(kind):
        return [iso(value) for value in values]
    return values


def table_columns(table: pa.Table) -> dict[str, list[Any]]:
    """Return a table as a JSON object of columns."""
    return {name: column_values(table.column(name)) for name in table.column_names}


def plain(value: Any) -> Any:
    """Return any value of a record as JSON has it."""
    match value:
        case datetime():
            written: Any = iso(value)
        case float():
            written = value if math.isfinite(value) else None
        case dict():
            written = {str(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            written = [plain(item) for item in value]
        case _:
            written = value
    return written


def as_json(row: Mapping[str, Any], table: TableSchema) -> dict[str, Any]:
    """Return a row of a described table as JSON has it, in the order of its columns."""
    wide = {column.name for column in table.columns if column.type == "int64"}
    return {
        name: str(row[name]) if name in wide and row[name] is not None else plain(row[name]) for name in table.names
    }


def json_response(document: Any) -> Response:
    """Write a document that is JSON already."""
    return Response(orjson.dumps(document), media_type="application/json")
