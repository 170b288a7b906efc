"""CSV, TSV and ECSV: lines of cells between separators (RFC 4180; APE 6 of astropy for ECSV)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from deepfield.formats.pieces import pieces
from deepfield.formats.texts import LISTED, Escapes, Spelling, cells, lines, table_cells
from deepfield.formats.wire import TEXTS, WIRES, conform, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from deepfield.formats.document import Document
    from deepfield.model.rows import RowStream
    from deepfield.model.tables import Column

_QUOTES: Final = Escapes({'"': '""'})
_TABLESAFE: Final = Escapes({"\t": " ", "\r\n": " ", "\r": " ", "\n": " "})
_CSV: Final = replace(LISTED, infinity="Inf")
_TSV: Final = replace(_CSV, escapes=_TABLESAFE)
_ECSV: Final = Spelling("True", "False", "nan", "inf", "-inf")
_ECSV_ARRAYS: Final = replace(LISTED, infinity="Infinity", minus_infinity="-Infinity")


def write_csv(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write names and rows (DALI 1.1 §3.4.2). A missing cell is empty, an empty text is ``""``."""
    del document
    yield from write_lines(stream)


def write_lines(stream: RowStream, guard: Callable[[pa.Array], pa.Array] | None = None) -> Iterator[bytes]:
    """Write names and rows as CSV, the cells of texts after ``guard`` has seen them."""
    yield _line([column.name for column in stream.columns], "\r\n")
    quotable = [not _plain(column) for column in stream.columns]

    def chunk(batch: pa.RecordBatch) -> bytes:
        texts = table_cells(batch, stream.columns, _CSV)
        if guard is not None:
            texts = [guard(text) if may else text for text, may in zip(texts, quotable, strict=True)]
        texts = [quoted(text) if may else text for text, may in zip(texts, quotable, strict=True)]
        return bytes(lines(texts, opening="", separator=",", closing="\r\n"))

    yield from pieces(stream, chunk)


def _plain(column: Column) -> bool:
    """Whether no cell of a column can need quotes."""
    return column.type == "timestamp" or (column.type not in TEXTS and shape_of(column).scalar)


def quoted(array: pa.Array) -> pa.Array:
    """Put quotes around the texts that need them: with separators, quotes, line ends or blanks at an end, or empty."""
    needed = pc.match_substring_regex(array, r'^$|[",\r\n]|^\s|\s$')
    if not pc.any(needed).as_py():
        return array
    return pc.if_else(needed, pc.binary_join_element_wise('"', _QUOTES.column(array), '"', ""), array)


def _line(names: Sequence[str], end: str) -> bytes:
    return bytes(lines([quoted(pa.array([name])) for name in names], opening="", separator=",", closing=end))


def write_tsv(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write names and rows between tabs. The format knows no escape: tabs and line ends inside texts become blanks."""
    del document
    names = [_TABLESAFE.text(column.name) for column in stream.columns]
    yield ("\t".join(names) + "\n").encode()

    def chunk(batch: pa.RecordBatch) -> bytes:
        texts = table_cells(batch, stream.columns, _TSV)
        return bytes(lines(texts, opening="", separator="\t", closing="\n"))

    yield from pieces(stream, chunk)


def write_ecsv(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write ECSV 1.0: CSV below a YAML header with types, units, descriptions and provenance."""
    facts = {name: value for name, value, _ in document.provenance.facts(stream.snapshot)}
    header = {
        "delimiter": ",",
        "datatype": [_described(column) for column in stream.columns],
        "meta": {"description": document.description, **facts} if document.description else facts,
        "schema": "astropy-2.0",
    }
    # JSON is YAML, needs no library to write, and holds any text in ASCII
    head = ["%ECSV 1.0", "---", *(f"{key}: {json.dumps(value)}" for key, value in header.items() if key != "datatype")]
    head += ["datatype:", *(f"- {json.dumps(each)}" for each in header["datatype"])]
    yield "".join(f"# {line}\n" for line in head).encode() + _line([column.name for column in stream.columns], "\n")

    def chunk(batch: pa.RecordBatch) -> bytes:
        arrays = zip(conform(batch, stream.columns), stream.columns, strict=True)
        texts = [_ecsv_cells(array, column) for array, column in arrays]
        return bytes(lines(texts, opening="", separator=",", closing="\n"))

    yield from pieces(stream, chunk)


def _ecsv_cells(array: pa.Array, column: Column) -> pa.Array:
    if column.type in TEXTS or not shape_of(column).scalar:
        return quoted(cells(array, column, _ECSV_ARRAYS))
    return cells(array, column, _ECSV)


def _described(column: Column) -> dict[str, Any]:
    wire, shape = WIRES[column.type], shape_of(column)
    described: dict[str, Any] = {"name": column.name, "datatype": wire.ecsv}
    if not (column.type in TEXTS or shape.scalar):
        described |= {
            "datatype": "string",
            "subtype": f"{wire.ecsv}[{'null' if shape.length is None else shape.length}]",
        }
    facts = {"unit": column.unit, "description": column.description}
    meta = {"ucd": column.ucd, "utype": column.utype, "xtype": column.xtype or wire.xtype}
    described |= {key: value for key, value in facts.items() if value}
    if known := {key: value for key, value in meta.items() if value}:
        described["meta"] = known
    return described
