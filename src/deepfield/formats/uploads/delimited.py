"""CSV and ECSV to rows. The types of a CSV's columns are what all of its cells agree on."""

from __future__ import annotations

import io
import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pyarrow as pa
import yaml
from pyarrow import csv
from typing_extensions import override

from deepfield.formats.uploads.parsing import Cells
from deepfield.formats.wire import arrow_type
from deepfield.model.errors import InvalidUploadError
from deepfield.model.rows import RowStream
from deepfield.model.tables import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deepfield.formats.uploads.source import Source
    from deepfield.model.tables import ColumnType

_HEADER_BYTES: Final = 256 << 10
_SUBTYPE: Final = re.compile(r"(\w+)\[(null|\d+(?:,\d+)*)\]")
_OF_ARROW: Final[Mapping[pa.DataType, ColumnType]] = MappingProxyType(
    {pa.bool_(): "bool", pa.int64(): "int64", pa.float64(): "float64", pa.string(): "unicode", pa.null(): "unicode"}
)
_OF_ECSV: Final[Mapping[str, ColumnType]] = MappingProxyType(
    {
        "bool": "bool",
        "uint8": "uint8",
        "int8": "int16",
        "int16": "int16",
        "uint16": "int32",
        "int32": "int32",
        "uint32": "int64",
        "int64": "int64",
        "float16": "float32",
        "float32": "float32",
        "float64": "float64",
        "string": "unicode",
    }
)


def read_csv(source: Source) -> RowStream:
    """Read comma-separated values with a line of names (RFC 4180). ``""`` is an empty text, nothing a missing one.

    Raises:
        InvalidUploadError: rows of different length, no UTF-8, or no names.
        UploadTooLargeError: it is larger than its limits.
    """
    table = _parsed(source, source.read_all(), ",", None)
    columns = [Column(name, _type_of(table[at].type), "") for at, name in enumerate(table.column_names)]
    return RowStream(columns, _cast(table, columns))


def _type_of(kind: pa.DataType) -> ColumnType:
    return _OF_ARROW.get(kind, "unicode")


def _cast(table: pa.Table, columns: list[Column]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([(column.name, arrow_type(column)) for column in columns])
    yield from table.cast(schema).to_batches()


def _parsed(source: Source, data: bytes, delimiter: str, types: Mapping[str, pa.DataType] | None) -> pa.Table:
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        pa.array([data], pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        _refuse(source, "bytes that are no text", "text in UTF-8")
    line = data[: data.find(b"\n") + 1 or len(data)]
    source.check_columns(line.count(delimiter.encode()) + 1)
    source.check_rows(data.count(b"\n") - 1)
    faults: list[str] = []

    def fault(row: csv.InvalidRow) -> str:
        faults.append(f"row {row.number - 1}: {row.actual_columns} cells instead of {row.expected_columns}")
        return "error"

    # times stay as they are written, as in VOTable
    options = csv.ConvertOptions(
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["true", "True", "TRUE"],
        false_values=["false", "False", "FALSE"],
        timestamp_parsers=[],
        column_types=types,
    )
    try:
        table = csv.read_csv(
            io.BytesIO(data),
            # one thread knows the numbers of rows
            read_options=csv.ReadOptions(use_threads=False, block_size=8 << 20),
            parse_options=csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                invalid_row_handler=fault,
                ignore_empty_lines=types is None,
            ),
            convert_options=options,
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeError) as error:
        _refuse(source, faults[0] if faults else str(error).splitlines()[0], "lines of cells below a line of names")
    if not all(name.strip() for name in table.column_names):
        _refuse(source, "a column without a name", "a name for each column in the first line")
    for at, column in enumerate(table.columns):
        kind = column.type
        if pa.types.is_date(kind) or pa.types.is_time(kind) or pa.types.is_timestamp(kind):
            return _parsed(source, data, delimiter, _as_texts(table, types, at))
    return table


def _as_texts(table: pa.Table, types: Mapping[str, pa.DataType] | None, at: int) -> dict[str, pa.DataType]:
    known = dict(types or {})
    for name, column in zip(table.column_names[at:], table.columns[at:], strict=True):
        if pa.types.is_date(column.type) or pa.types.is_time(column.type) or pa.types.is_timestamp(column.type):
            known[name] = pa.string()
    return known


def _refuse(source: Source, value: object, expected: str) -> NoReturn:
    raise InvalidUploadError(source.table, value, expected)


def read_ecsv(source: Source) -> RowStream:
    """Read ECSV 0.9 or 1.0, with arrays; not with mixin columns, which have no type of their own.

    Raises:
        InvalidUploadError: the header or a cell is wrong.
        UploadTooLargeError: it is larger than its limits.
    """
    data = source.read_all()
    header, start = _header(source, data)
    described = header.get("datatype")
    if not isinstance(described, list) or not all(isinstance(each, dict) for each in described):
        _refuse(source, "a header without datatype", "a list of columns as ECSV has it")
    source.check_columns(len(described))
    columns = [_column(source, each) for each in described]
    delimiter = header.get("delimiter", " ")
    if delimiter not in {" ", ","}:
        _refuse(source, f"delimiter {delimiter!r}", "a blank or a comma")
    texts = _parsed(source, data[start:], delimiter, {column.name: pa.string() for column in columns})
    if texts.column_names != [column.name for column in columns]:
        _refuse(source, f"names {', '.join(texts.column_names)[:80]}", "the names of the header in its order")
    return RowStream(columns, _typed(source, texts, columns))


def _header(source: Source, data: bytes) -> tuple[dict[str, Any], int]:
    start = 0
    lines = []
    while data.startswith(b"#", start):
        end = data.find(b"\n", start) + 1 or len(data)
        lines.append(data[start:end].removeprefix(b"#").removeprefix(b" "))
        start = end
        if start > _HEADER_BYTES:
            _refuse(source, "a header of more than 256 KB", "a shorter one")
    try:
        header = yaml.load(b"".join(lines[1:]), Loader=_Header)  # noqa: S506  a safe loader without aliases
    except (yaml.YAMLError, UnicodeError, RecursionError, ValueError) as error:
        _refuse(source, f"header: {' '.join(str(error).split())[:200]}", "YAML as ECSV has it")
    if not isinstance(header, dict):
        _refuse(source, "a header that is no mapping", "YAML as ECSV has it")
    return header, start


class _Header(yaml.SafeLoader):
    """YAML without aliases, which can make a small text a huge value, and with ECSV's mappings in their order."""

    @override
    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


_Header.add_multi_constructor("!", lambda *_: None)


def _column(source: Source, described: dict[str, Any]) -> Column:
    name, datatype = str(described.get("name", "")), str(described.get("datatype", ""))
    subtype = _SUBTYPE.fullmatch(str(described.get("subtype", "")))
    kind = _OF_ECSV.get(subtype[1] if subtype else datatype)
    if not name or kind is None or (described.get("subtype") and not subtype):
        wrong = described.get("subtype") or datatype
        raise InvalidUploadError(source.table, f"datatype {wrong!r}", f"one of {', '.join(_OF_ECSV)}", column=name)
    arraysize = None
    if subtype:
        sizes = subtype[2].split(",")
        arraysize = "*" if "null" in sizes else "x".join(reversed(sizes))
    meta = _mapping(described.get("meta"))
    return Column(
        name,
        kind,
        _text(described, "description") or "",
        unit=_text(described, "unit"),
        ucd=_text(meta, "ucd"),
        utype=_text(meta, "utype"),
        xtype=_text(meta, "xtype"),
        arraysize=arraysize,
    )


def _mapping(meta: object) -> dict[str, Any]:
    """Return a mapping, which YAML may give as pairs in their order."""
    if isinstance(meta, list) and all(isinstance(each, tuple) and len(each) == 2 for each in meta):
        return {str(key): value for key, value in meta}
    return meta if isinstance(meta, dict) else {}


def _text(described: dict[str, Any], key: str) -> str | None:
    value = described.get(key)
    return None if value is None or value == "" else str(value)


def _typed(source: Source, texts: pa.Table, columns: list[Column]) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([(column.name, arrow_type(column)) for column in columns])
    row = 0
    for batch in texts.to_batches(max_chunksize=65_536):
        arrays = [
            _cells(Cells(source.table, column), array, row)
            for column, array in zip(columns, batch.columns, strict=True)
        ]
        yield pa.record_batch(arrays, schema=schema)
        row += batch.num_rows


def _cells(cells: Cells, texts: pa.Array, row: int) -> pa.Array:
    column = cells.column
    if column.type == "unicode" and column.arraysize is None:
        return texts
    if column.arraysize is not None:
        return _arrays(cells, texts, row)
    return cells.parse(texts, row)


def _arrays(cells: Cells, texts: pa.Array, row: int) -> pa.Array:
    """Read arrays in JSON, nested or not."""
    read = []
    # an integer has no negative zero
    whole = float if cells.column.type.startswith("float") else int
    for at, text in enumerate(texts.to_pylist()):
        try:
            value = None if text is None else json.loads(text, parse_int=whole)
            read.append(None if value is None else list(_flat(value)))
        except (ValueError, TypeError, RecursionError):
            expected = f"a JSON list of {cells.column.type}"
            raise InvalidUploadError(
                cells.table, text[:80], expected, column=cells.column.name, row=row + at + 1
            ) from None
    try:
        return pa.array(read, arrow_type(cells.column))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise InvalidUploadError(
            cells.table, str(error).splitlines()[0], f"arrays of {cells.column.type}", column=cells.column.name
        ) from None


def _flat(value: object) -> Iterator[object]:
    if not isinstance(value, list):
        raise TypeError
    for each in value:
        if isinstance(each, list):
            yield from _flat(each)
        else:
            yield each
