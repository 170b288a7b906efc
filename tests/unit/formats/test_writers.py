"""Every other format, read back by the library that people read it with."""

import csv
import io
import json
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from deepfield.formats import FORMATS, Document, Provenance, find_format
from deepfield.formats.arrow import VOPARQUET_CONTENT
from deepfield.model.errors import InvalidValueError, TimeLimitError
from deepfield.model.rows import RowStream
from deepfield.model.tables import Column
from support.exotic import COLUMNS, TIMES, VALUES, broken_stream, exotic_batch, exotic_stream

DOCUMENT = Document(Provenance(query="SELECT 'é'\nFROM t"), name="result", description="rows")
SCALARS = tuple(c for c in COLUMNS if c.arraysize is None and c.type not in {"bytes", "complex64", "complex128"})


def written(name: str, stream: RowStream, document: Document = DOCUMENT) -> bytes:
    return b"".join(find_format(name).write(stream, document))


def empty(columns=COLUMNS) -> RowStream:
    return RowStream(columns, [])


@pytest.mark.parametrize("each", FORMATS, ids=lambda each: each.name)
def test_every_format_writes_a_table_without_rows(each):
    assert b"".join(each.write(empty(), DOCUMENT)) or each.name == "ndjson"


@pytest.mark.parametrize(
    "each", [each for each in FORMATS if each.at_once and each.name != "ndjson"], ids=lambda e: e.name
)
def test_the_first_bytes_leave_before_the_engine_gives_a_row(each):
    def engine():
        raise AssertionError("asked too early")
        yield

    assert next(each.write(RowStream(COLUMNS, engine()), DOCUMENT))


@pytest.mark.parametrize("name", ["csv", "tsv", "ecsv", "ndjson", "parquet", "arrow", "fits"])
def test_formats_that_cannot_tell_of_an_error_break_off(name):
    with pytest.raises(TimeLimitError):
        written(name, broken_stream())


def test_csv_holds_every_text_and_number_exactly():
    rows = list(csv.reader(io.StringIO(written("csv", exotic_stream()).decode(), newline="")))
    assert rows[0] == [column.name for column in COLUMNS]
    first, second, third = (dict(zip(rows[0], row, strict=True)) for row in rows[1:])
    assert (first["name"], third["name"], first["person"]) == (VALUES["name"][0], VALUES["name"][2], "ü😀")
    assert float(first["double"]) == VALUES["double"][0]
    assert np.float32(first["single"]) == np.float32(0.1)
    assert int(first["long"]) == 2**62 + 1
    assert (first["truth"], first["moment"]) == ("true", "2022-07-12T01:02:03")
    assert json.loads(first["matrix"]) == list(range(6))
    assert {value for name, value in second.items() if name != "bits"} == {""}


def test_csv_tells_an_empty_text_from_a_missing_one():
    batch = pa.record_batch({"s": ["", None, " x"]})
    stream = RowStream(
        [
            Column("s", "string", ""),
        ],
        [batch],
    )
    assert written("csv", stream) == b's\r\n""\r\n\r\n" x"\r\n'


def test_tsv_has_one_line_a_row_whatever_the_texts_hold():
    lines = written("tsv", exotic_stream()).decode().splitlines()
    assert len(lines) == 4
    assert {len(line.split("\t")) for line in lines} == {len(COLUMNS)}


@pytest.mark.parametrize(("how", "status"), [({}, "OK"), ({"limit": 1}, "OVERFLOW")])
def test_json_holds_columns_and_rows_and_tells_whether_they_were_cut(how, status):
    read = json.loads(written("json", exotic_stream(snapshot=9, **how)))
    assert [each["name"] for each in read["columns"]] == [column.name for column in COLUMNS]
    assert (read["status"], read["rows"], read["info"]["snapshot"]) == (status, 1 if how else 3, "9")
    first = dict(zip(VALUES, read["data"][0], strict=True))
    for name in ("name", "person", "truth", "long", "double", "z64", "matrix", "bytes", "bits"):
        assert first[name] == VALUES[name][0], name
    assert read["data"][1:2] in ([], [[None] * (len(COLUMNS) - 1) + [VALUES["bits"][1]]])


def test_json_tells_of_an_error():
    read = json.loads(written("json", broken_stream()))
    assert (read["status"], len(read["data"])) == ("ERROR", 1)
    assert "3 s" in read["message"]
    assert json.loads(written("json", empty()))["data"] == []


def test_json_lines_are_objects():
    read = [json.loads(line) for line in written("ndjson", exotic_stream()).decode().splitlines()]
    assert [row["person"] for row in read] == VALUES["person"]
    assert read[2]["double"] is None


def test_ecsv_comes_back_through_astropy_with_types_units_and_missing_values():
    read = Table.read(written("ecsv", exotic_stream()).decode(), format="ascii.ecsv")
    assert read.meta["query"] == DOCUMENT.provenance.query
    assert (read["long"].dtype, read["single"].dtype, read["long"].unit) == (np.int64, np.float32, "s")
    assert read["long"][0] == 2**62 + 1
    assert read["double"][0] == VALUES["double"][0]
    assert bool(read["long"].mask[1])
    assert list(read["person"][[0, 2]]) == ["ü😀", "中文"]
    np.testing.assert_array_equal(read["spot"][0], [1, 2])
    np.testing.assert_array_equal(read["numbers"][0], [1, 2.5, -np.inf])
    assert read["name"].info.meta["ucd"] == "meta.id;meta.main"


def test_fits_comes_back_through_astropy():
    document = written("fits", exotic_stream(limit=3))
    assert len(document) % 2880 == 0
    with fits.open(io.BytesIO(document), logical_as_bytes=True) as hdus:
        hdus.verify("exception")
        table, header = hdus[1].data, hdus[1].header
        assert (header["NAXIS2"], header["QSTATUS"], header["EXTNAME"]) == (3, "OK", "result")
        assert "FROM t" in str(header["HISTORY"])
        assert (header["TUNIT7"], header["TUCD1"]) == ("s", "meta.id;meta.main")
        assert list(table["person"]) == ["u?", "", "??"]
        assert list(table["long"]) == [2**62 + 1, -(2**63), -1]
        assert header["TNULL7"] == -(2**63)
        assert table["double"][0] == VALUES["double"][0]
        assert np.isnan(table["double"][1])
        assert list(table["truth"]) == [b"T", b"", b"F"]
        np.testing.assert_array_equal(table["spot"][0], [1, 2])
        np.testing.assert_array_equal(table["matrix"][2].ravel(), [0.5] * 6)
        np.testing.assert_array_equal(table["numbers"][0], [1, 2.5, -np.inf])
        assert len(table["numbers"][1]) == 0
        np.testing.assert_array_equal(table["counts"][2], [-3])
        assert complex(table["z64"][2]) == 3 + 4.5j
        np.testing.assert_array_equal(table["bits"][1], [False, True] * 5)
        np.testing.assert_array_equal(table["truths"][0], [b"T", b"F", b"T"])
        assert [text[:19] for text in table["moment"]] == [f"{t:%Y-%m-%dT%H:%M:%S}" if t else "" for t in TIMES]


def test_fits_puts_long_texts_behind_the_table_and_masks_what_is_missing():
    texts = ["x" * 300, None, "y", "z" * 5000]
    batch = pa.record_batch({"s": texts, "n": pa.array([1, None, -(2**15), 4], pa.int16())})
    columns = [Column("s", "string", ""), Column("n", "int16", "")]
    read = Table.read(io.BytesIO(written("fits", RowStream(columns, [batch, batch]))))
    assert ["".join(each) for each in read["s"]] == [text or "" for text in texts] * 2
    assert list(read["n"].mask) == [False, True, False, False] * 2
    assert read["n"][2] == -(2**15)


def test_fits_refuses_integers_that_leave_nothing_for_missing_ones():
    batch = pa.record_batch({"n": pa.array([None, -(2**15), 2**15 - 1], pa.int16())})
    with pytest.raises(InvalidValueError, match="left over for missing values"):
        written("fits", RowStream([Column("n", "int16", "")], [batch]))


@pytest.mark.parametrize(("how", "status"), [({}, "OK"), ({"limit": 1}, "OVERFLOW")])
def test_parquet_holds_the_rows_and_a_votable_about_them(how, status, valid):
    document = written("parquet", exotic_stream(**how))
    read = pq.read_table(io.BytesIO(document))
    whole = pa.Table.from_batches([exotic_batch()])
    assert read.drop_columns("double").to_pylist()[0] == whole.drop_columns("double").to_pylist()[0]
    assert read["double"].to_pylist()[0] == VALUES["double"][0]
    root = valid(read.schema.metadata[VOPARQUET_CONTENT])
    found = [each.get("value") for each in root.iter("{*}INFO") if each.get("name") == "QUERY_STATUS"]
    assert found[-1] == status
    assert [each.get("name") for each in root.iter("{*}FIELD")] == [column.name for column in COLUMNS]


def test_arrow_holds_the_rows_and_tells_at_the_end_whether_they_were_cut():
    reader = pa.ipc.open_stream(written("arrow", exotic_stream(limit=2)))
    batches = list(reader.iter_batches_with_custom_metadata())
    assert sum(batch.num_rows for batch, _ in batches) == 2
    assert batches[-1].custom_metadata[b"QUERY_STATUS"] == b"OVERFLOW"
    assert reader.schema.field("long").metadata[b"unit"] == b"s"


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.cells, self.tags, self._in = [], set(), False

    def handle_starttag(self, tag, _attributes):
        self.tags.add(tag)
        self._in = tag == "td"
        if self._in:
            self.cells.append("")

    def handle_endtag(self, _tag):
        self._in = False

    def handle_data(self, data):
        if self._in:
            self.cells[-1] += data


def test_a_page_shows_texts_as_they_are_and_runs_none_of_them():
    hostile = "<script>alert(1)</script>&amp;\"'"
    batch = pa.record_batch({"s": [hostile]})
    page = written(
        "html",
        RowStream([Column(hostile, "string", hostile, unit=hostile)], [batch, batch], limit=1),
        Document(Provenance(query=hostile), name=hostile),
    ).decode()
    read = _Page()
    read.feed(page)
    assert read.cells == [hostile]
    assert "script" not in read.tags
    assert "Cut after 1 rows" in page


@pytest.mark.parametrize(
    ("wanted", "name", "media_type"),
    [
        ("votable", "votable", "application/x-votable+xml"),
        ("text/xml", "votable", "text/xml"),
        ("application/x-votable+xml", "votable", "application/x-votable+xml"),
        (
            'application/x-votable+xml; serialization="binary2"',
            "votable-binary2",
            "application/x-votable+xml;serialization=BINARY2",
        ),
        ("text/xml;serialization=BINARY", "votable-binary", "text/xml;serialization=BINARY"),
        ("votable/b2", "votable-binary2", "application/x-votable+xml;serialization=BINARY2"),
        ("CSV", "csv", "text/csv;header=present"),
        ("text/csv", "csv", "text/csv"),
        ("text/plain; charset=utf-8", "text", "text/plain"),
        ("fits", "fits", "application/fits"),
        ("parquet", "parquet", "application/vnd.apache.parquet"),
    ],
)
def test_a_format_is_found_by_short_name_and_by_media_type(wanted, name, media_type):
    found = find_format(wanted)
    assert (found.name, found.media_type) == (name, media_type)


@pytest.mark.parametrize(
    "wanted", ["", "docx", "text/csv;header=absent", "image/png", "a/b/c", "\x00", ";;=", "votable;x=1"]
)
def test_an_unknown_format_is_refused_with_those_there_are(wanted):
    with pytest.raises(InvalidValueError, match="one of votable, "):
        find_format(wanted)
