from __future__ import annotations

import threading

import pytest

from deepfield.replica.ahead import read_ahead


def test_items_come_in_order_and_all_of_them():
    assert list(read_ahead(range(100))) == list(range(100))


def test_what_the_reader_raises_is_raised_after_what_it_read():
    def items():
        yield 1
        raise OSError("disk")

    seen = []
    with pytest.raises(OSError, match="disk"):
        seen.extend(read_ahead(items()))
    assert seen == [1]


def test_a_consumer_that_stops_stops_the_reader():
    before = threading.active_count()
    ahead = read_ahead(iter(range(10**9)))
    assert next(ahead) == 0
    ahead.close()
    assert threading.active_count() == before
