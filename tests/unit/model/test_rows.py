"""Rows on their way: what a reader learns of limits and what an engine learns of readers."""

from collections.abc import Iterator

import pyarrow as pa

from deepfield.model.rows import RowStream
from deepfield.model.tables import Column

NUMBER = Column("n", "int64", "a number")


def batches(*sizes: int) -> Iterator[pa.RecordBatch]:
    start = 0
    for size in sizes:
        yield pa.record_batch({"n": pa.array(range(start, start + size), pa.int64())})
        start += size


def test_a_stream_below_its_limit_does_not_overflow():
    stream = RowStream([NUMBER], batches(3, 2), limit=5)
    assert [batch.num_rows for batch in stream] == [3, 2]
    assert (stream.rows, stream.overflow) == (5, False)


def test_a_stream_above_its_limit_is_cut_at_the_limit_and_says_so():
    stream = RowStream([NUMBER], batches(3, 3, 3), limit=5)
    assert [value for batch in stream for value in batch["n"].to_pylist()] == [0, 1, 2, 3, 4]
    assert (stream.rows, stream.overflow) == (5, True)


def test_a_limit_of_nothing_overflows_as_soon_as_there_is_a_row():
    stream = RowStream([NUMBER], batches(1), limit=0)
    assert list(stream) == []
    assert stream.overflow


def test_the_engine_is_closed_when_the_reader_goes_away():
    closed = []

    def engine() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches(1, 1, 1)
        finally:
            closed.append(True)

    rows = iter(RowStream([NUMBER], engine()))
    next(rows)
    rows.close()
    assert closed == [True]
