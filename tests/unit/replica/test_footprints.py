from __future__ import annotations

import pyarrow as pa
import pytest

from deepfield.replica.footprints import vertices_of


def test_single_polygons_become_numbers_and_everything_else_stays_text():
    regions = [
        "POLYGON ICRS 1.5 -2 3 4e-3 5 6",
        None,
        "CIRCLE ICRS 1 2 3",
        "POLYGON ICRS 1 2 3 4 5 6 POLYGON ICRS 1 2 3 4 5 6",
        "POLYGON ICRS  1 2 3 4 5 6",
        "POLYGON ICRS 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8",
    ]
    read = vertices_of(pa.chunked_array([regions[:2], regions[2:]])).to_pylist()
    assert read == [[1.5, -2.0, 3.0, 0.004, 5.0, 6.0], None, None, None, None, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]]


@pytest.mark.parametrize("text", ["POLYGON ICRS 1-2 3 4 5 6 7", "POLYGON ICRS 1 2 3 4 5", "POLYGON ICRS 1 2 3 4"])
def test_a_text_that_is_no_polygon_is_left_to_the_reader_of_regions(text):
    assert vertices_of(pa.chunked_array([[text]])).to_pylist() == [None]


def test_no_rows_give_no_rows():
    assert len(vertices_of(pa.chunked_array([[]], pa.string()))) == 0
