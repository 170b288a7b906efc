"""A small table with every type, shape and kind of missing value, and a stream of it."""

from datetime import datetime

import pyarrow as pa

from deepfield.formats.wire import schema_of
from deepfield.model.errors import TimeLimitError
from deepfield.model.rows import RowStream
from deepfield.model.tables import Column

NAN, INF = float("nan"), float("inf")
TIMES = [datetime(2022, 7, 12, 1, 2, 3), None, datetime(2022, 7, 12, 1, 2, 3, 5)]
_COLUMNS = {
    Column("name", "string", 'an <identifier> & "more"', ucd="meta.id;meta.main", utype="obscore:Curation.Title"): [
        'a&b<c>"d",e\tf',
        None,
        "]]>\r\nx",
    ],
    Column("person", "unicode", "beyond ASCII"): ["ü😀", None, "中文"],
    Column("truth", "bool", ""): [True, None, False],
    Column("small", "uint8", ""): [1, None, 254],
    Column("short", "int16", ""): [-5, None, 32767],
    Column("whole", "int32", ""): [1, None, -2],
    Column("long", "int64", "", unit="s"): [2**62 + 1, None, -1],
    Column("single", "float32", "", unit="deg", system="icrs"): [0.1, None, NAN],
    Column("double", "float64", "", unit="d", system="utc_mjd"): [0.1 + 0.2, None, -INF],
    Column("z64", "complex64", ""): [[1, 2], None, [3, 4.5]],
    Column("z128", "complex128", ""): [[1, 2], None, [3, 1e-300]],
    Column("moment", "timestamp", "", system="utc"): TIMES,
    Column("numbers", "float64", "", arraysize="*"): [[1, 2.5, -INF], None, []],
    Column("spot", "float64", "", arraysize="2", xtype="point", system="icrs"): [[1, 2], None, [3, 4]],
    Column("counts", "int16", "", arraysize="*"): [[1, 2], None, [-3]],
    Column("matrix", "float32", "", arraysize="2x3"): [list(range(6)), None, [0.5] * 6],
    Column("fixed", "string", "", arraysize="5"): ["abcde", None, "x"],
    Column("ufixed", "unicode", "", arraysize="4"): ["äöü", None, "😀"],
    Column("bytes", "bytes", ""): [[1, 255], None, []],
    Column("truths", "bool", "", arraysize="3"): [[True, False, True], None, [False] * 3],
    Column("bits", "bit", "", arraysize="10"): [[True] * 10, [False, True] * 5, [False] * 10],
}
COLUMNS = tuple(_COLUMNS)
VALUES = {column.name: values for column, values in _COLUMNS.items()}


def exotic_batch(columns=COLUMNS):
    schema = schema_of(columns)
    return pa.record_batch(
        [pa.array(VALUES[column.name], schema.field(column.name).type) for column in columns], schema=schema
    )


def exotic_stream(columns=COLUMNS, **how):
    """Three rows in two batches, of which one is a slice, so that offsets do not begin at nothing."""
    batch = exotic_batch(columns)
    return RowStream(columns, [batch.slice(0, 1), batch.slice(1)], **how)


def broken_stream(columns=COLUMNS):
    """One row, and then an engine that gives up."""

    def batches():
        yield exotic_batch(columns).slice(0, 1)
        raise TimeLimitError(3)

    return RowStream(columns, batches())
