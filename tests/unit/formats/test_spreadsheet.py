"""Spreadsheets: read back by a library that people read them with, and nothing in them runs."""

import csv
import io

import openpyxl
import pyarrow as pa
import pytest

from deepfield.formats import Document, Provenance, find_format
from deepfield.formats import spreadsheet as module
from deepfield.model.errors import TimeLimitError
from deepfield.model.rows import RowStream
from deepfield.model.tables import Column
from support.exotic import broken_stream

COLUMNS = (
    Column("name", "unicode", "What it is called"),
    Column("flux", "float64", "How bright", unit="Jy"),
    Column("number", "int64", "Large"),
    Column("public", "bool", "Open"),
)
EVIL = [
    "=1+1",
    "+SUM(A1)",
    "-2+3",
    "@cmd",
    "\t=1",
    "http://example.org/x",
    "NGC 3324",
    "-58.5",
    "+1e5",
    "=" + "x" * 40_000,
]


def stream(names, **options):
    rows = len(names)
    batch = pa.record_batch(
        [
            pa.array(names),
            pa.array([0.1, float("nan"), float("inf")][:rows] + [None] * (rows - 3)),
            pa.array([2**53 + 1, -5, 0][:rows] + [None] * (rows - 3)),
            pa.array([True, False, None][:rows] + [None] * (rows - 3)),
        ],
        [column.name for column in COLUMNS],
    )
    return RowStream(COLUMNS, [batch], **options)


def workbook(rows):
    content = b"".join(find_format("xlsx").write(rows, Document(Provenance(request="https://x.example/?a=1"))))
    return openpyxl.load_workbook(io.BytesIO(content))


def test_a_workbook_holds_texts_as_texts_and_numbers_as_numbers():
    book = workbook(stream(EVIL, snapshot=12))
    sheet = book["Rows"]
    head, *rows = ([cell.value for cell in row] for row in sheet.iter_rows())
    assert head == ["name", "flux", "number", "public"]
    assert [row[0] for row in rows][:-1] == EVIL[:-1]
    assert rows[-1][0].endswith(module.CUT)
    assert {cell.data_type for cell in sheet["A"]} == {"s"}
    assert not sheet._hyperlinks
    assert rows[0][1:] == [0.1, str(2**53 + 1), True]
    assert rows[1][1:] == [None, -5, False]
    assert rows[2][1:] == ["inf", 0, None]


def test_the_second_sheet_says_what_the_columns_are_and_which_state_it_was():
    about = [[cell.value for cell in row] for row in workbook(stream(EVIL[:3], snapshot=12))["About"].iter_rows()]
    assert ["flux", "Jy", "How bright"] in about
    assert ["request", None, "https://x.example/?a=1"] in about
    assert ["snapshot", None, "12"] in about
    assert ["rows", "3", "all there are"] in about


def test_rows_above_what_a_sheet_holds_are_left_out_and_it_says_so(monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 3)
    book = workbook(stream(EVIL))
    assert book["Rows"].max_row == 4
    assert [cell.value for cell in book["About"][1]] == ["rows", "3", "there are more, which are left out here"]


def test_an_error_comes_before_the_first_byte():
    with pytest.raises(TimeLimitError):
        next(find_format("xlsx").write(broken_stream(), Document()))


def test_no_cell_of_csv_for_spreadsheets_is_a_formula():
    written = b"".join(find_format("csv-spreadsheet").write(stream(EVIL[:9]), Document())).decode("utf-8-sig")
    cells = [row[0] for row in csv.reader(io.StringIO(written, newline=""))][1:]
    assert cells == [
        "'=1+1",
        "'+SUM(A1)",
        "'-2+3",
        "'@cmd",
        "'\t=1",
        "http://example.org/x",
        "NGC 3324",
        "-58.5",
        "+1e5",
    ]
