"""Any table of any types and values comes back as it was, in every format that can hold it; memory stays flat."""

import io
import resource
import struct
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepfield.formats import Document, find_format
from deepfield.formats.uploads import UploadLimits, read_upload
from deepfield.formats.wire import schema_of
from deepfield.model.rows import RowStream
from deepfield.model.tables import Column

XML_TEXT = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.text(st.one_of(XML_TEXT, st.sampled_from("\n\t<>&'\"\\,;|]")), min_size=1, max_size=12)
SINGLE = st.floats(width=32, allow_nan=False)
SCALARS = {
    "string": st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12),
    "unicode": TEXT,
    "bool": st.booleans(),
    "uint8": st.integers(0, 254),
    "int16": st.integers(-(2**15) + 1, 2**15 - 1),
    "int32": st.integers(-(2**31) + 1, 2**31 - 1),
    "int64": st.integers(-(2**63) + 1, 2**63 - 1),
    "float32": SINGLE,
    "float64": st.floats(allow_nan=False),
    "timestamp": st.datetimes(datetime(1, 1, 1), datetime(9999, 1, 1)),
}
NUMBERS = ["uint8", "int16", "int32", "int64", "float32", "float64"]


@st.composite
def tables(draw):
    """Columns with their values: scalars with missing ones, and arrays of fixed and varying length."""
    columns, values = [], []
    rows = draw(st.integers(0, 5))
    for at in range(draw(st.integers(1, 10))):
        kind = draw(st.sampled_from(sorted(SCALARS)))
        arraysize = draw(st.sampled_from([None, None, "*", "3"])) if kind in NUMBERS else None
        cell = SCALARS[kind]
        if arraysize == "*":
            cell = st.lists(cell, min_size=1, max_size=4)
        elif arraysize:
            cell = st.lists(cell, min_size=3, max_size=3)
        else:
            cell = st.none() | cell
        columns.append(Column(f"c{at}", kind, "", arraysize=arraysize))
        values.append(draw(st.lists(cell, min_size=rows, max_size=rows)))
    return columns, values


def check(name, columns, values):
    schema = schema_of(columns)
    batch = pa.record_batch([pa.array(v, t) for v, t in zip(values, schema.types, strict=True)], schema=schema)
    half = batch.num_rows // 2
    stream = RowStream(columns, [batch.slice(0, half), batch.slice(half)])
    document = b"".join(find_format(name).write(stream, Document()))
    read = read_upload(io.BytesIO(document), "t", UploadLimits()).rows
    for column, wanted, got in zip(columns, batch.columns, read.columns, strict=True):
        assert [same(cell) for cell in got.to_pylist()] == [same(cell) for cell in wanted.to_pylist()], column


def same(cell):
    """A cell in a form in which equal means equal to the last bit."""
    if isinstance(cell, list):
        return [same(each) for each in cell]
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, float):
        return None if cell != cell else struct.pack("d", cell)
    if isinstance(cell, str) and cell[4:5] == "-" and cell[10:11] == "T":
        return datetime.fromisoformat(cell).isoformat()
    return cell


FORMATS = ["votable", "votable-binary", "votable-binary2", "parquet", "ecsv"]


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_any_table_comes_back_to_the_last_bit(name, table):
    check(name, *table)


@pytest.mark.prove
@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_any_table_comes_back_to_the_last_bit_at_length(name, table):
    check(name, *table)


def million_rows(millions: int) -> RowStream:
    columns = [Column("n", "int64", ""), Column("x", "float64", ""), Column("s", "string", "")]
    batch = pa.record_batch(
        {
            "n": pa.array(range(100_000), pa.int64()),
            "x": pa.array([n / 7 for n in range(100_000)]),
            "s": pa.array([f"jw{n:011d}" for n in range(100_000)]),
        }
    )
    return RowStream(columns, (batch for _ in range(10 * millions)))


def peak_growth(stream: RowStream, name: str) -> float:
    """Write a stream to nowhere; return by how many megabytes the peak memory of this process grew."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in find_format(name).write(stream, Document()):
        pass
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


STREAMED = [
    "votable",
    "votable-binary2",
    "votable-binary",
    "csv",
    "tsv",
    "json",
    "ndjson",
    "ecsv",
    "html",
    "arrow",
    "parquet",
    "fits",
]


@pytest.mark.prove
@pytest.mark.parametrize("name", STREAMED)
def test_memory_stays_flat_while_five_million_rows_are_written(name):
    peak_growth(million_rows(1), name)
    assert peak_growth(million_rows(5), name) < 48


@pytest.mark.parametrize("name", STREAMED)
def test_pieces_stay_small_however_large_the_batches_of_the_engine_are(name):
    largest = max(len(piece) for piece in find_format(name).write(million_rows(1), Document()))
    assert largest < 24 << 20
