"""Tables for spreadsheets: Excel workbooks, and CSV in which nothing is taken for a formula."""

from __future__ import annotations

import json
import math
import tempfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import xlsxwriter

from deepfield.formats.delimited import write_lines
from deepfield.formats.texts import iso
from deepfield.formats.wire import conform, portions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from deepfield.formats.document import Document
    from deepfield.model.rows import RowStream
    from deepfield.model.tables import Column

    Cell = Callable[[int, int, Any], int]

MOST_ROWS: Final = 1_048_575
"""Rows of a sheet below its head."""
LONGEST_TEXT: Final = 32_767
EXACT: Final = 2**53
"""Whole numbers from here on are written as text: a spreadsheet keeps fifteen digits."""
CUT: Final = " … cut: a cell holds no more"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_CHUNK: Final = 1 << 20
_FORMULA: Final = r"^[=+\-@\t\r\n]"
_SPOOL_BYTES: Final = 1 << 22


def write_csv_for_spreadsheets(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write CSV with a byte order mark, with an apostrophe before texts that a spreadsheet would take for a formula."""
    del document
    yield _BYTE_ORDER_MARK
    yield from write_lines(stream, harmless)


def harmless(array: pa.Array) -> pa.Array:
    """Put an apostrophe before texts that begin as a formula does; those that are plain numbers stay."""
    risky = pc.and_(
        pc.match_substring_regex(array, _FORMULA),
        pc.invert(pc.match_substring_regex(array, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")),
    )
    if not pc.any(risky).as_py():
        return array
    return pc.if_else(risky, pc.binary_join_element_wise("'", array, ""), array)


def write_xlsx(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write an Excel workbook: the rows, then a sheet with the columns' units and meanings and where they come from.

    Texts are written as texts, whatever they begin with, numbers with sixteen digits. Nothing can be sent before the
    last row is known; rows go to the disk meanwhile. What is above ``MOST_ROWS`` is left out, and the second sheet
    says so.
    """
    with tempfile.TemporaryFile() as spool:
        book = xlsxwriter.Workbook(spool, {"constant_memory": True, "strings_to_formulas": False})
        book.set_properties({"title": document.name or "", "comments": document.description or ""})
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet("Rows")
        sheet.freeze_panes(1, 1)
        for at, column in enumerate(stream.columns):
            sheet.write_string(0, at, column.name, bold)
            sheet.set_column(at, at, max(10, min(40, len(column.name) + 2)))
        written, left_out = 0, False
        for batch in stream:
            for portion in portions(batch):
                cells = [
                    _values(array, column)
                    for array, column in zip(conform(portion, stream.columns), stream.columns, strict=True)
                ]
                for row in zip(*cells, strict=True):
                    if written == MOST_ROWS:
                        left_out = True
                        break
                    written += 1
                    for at, value in enumerate(row):
                        _write(sheet, written, at, value)
            if left_out:
                break
        stream.close()
        _about(book, stream, document, written=written, left_out=left_out or stream.overflow)
        book.close()
        spool.seek(0)
        while piece := spool.read(_CHUNK):
            yield piece


def _values(array: pa.Array, column: Column) -> list[Any]:
    values: list[Any] = (iso(array) if column.type == "timestamp" else array).to_pylist()
    return values


def _write(sheet: Any, row: int, at: int, value: Any) -> None:
    match value:
        case None | "":
            return
        case bool():
            sheet.write_boolean(row, at, value)
        case int() if abs(value) < EXACT:
            sheet.write_number(row, at, value)
        case float() if math.isfinite(value):
            sheet.write_number(row, at, value)
        case float():
            if not math.isnan(value):
                sheet.write_string(row, at, str(value))
        case str():
            sheet.write_string(row, at, _fitting(value))
        case bytes():
            sheet.write_string(row, at, _fitting(value.hex()))
        case _:
            sheet.write_string(row, at, _fitting(json.dumps(value, default=str, ensure_ascii=False)))


def _fitting(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - len(CUT)] + CUT


def _about(book: Any, stream: RowStream, document: Document, *, written: int, left_out: bool) -> None:
    sheet = book.add_worksheet("About")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 14)
    sheet.set_column(2, 2, 90)
    bold = book.add_format({"bold": True})
    rows: list[Sequence[str]] = [
        ("rows", str(written), "there are more, which are left out here" if left_out else "all there are"),
        ("written", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", ""),
        *((name, "", value) for name, value, _meaning in document.provenance.facts(stream.snapshot)),
        ("", "", ""),
        ("column", "unit", "meaning"),
        *((column.name, column.unit or "", column.description) for column in stream.columns),
    ]
    for at, row in enumerate(rows):
        for place, text in enumerate(row):
            if text:
                sheet.write_string(at, place, _fitting(text), bold if row[0] == "column" else None)
