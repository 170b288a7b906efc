"""MAST's patterns mean the same in SQL's words and in ours, in bounded time."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfield.model.coverage import Polygon, separation
from deepfield.query.listings import distances, separation_arcsec
from deepfield.replica.footprints import vertices_of
from deepfield.web.mast.filters import like_parts, matches, sql_like


@pytest.mark.parametrize(
    ("pattern", "text", "meets"),
    [
        ("%", "", True), ("", "", True), ("", "a", False), ("a%", "A", True), ("%a", "ba", True), ("%a", "ab", False), ("_", "a", True),
        ("_", "", False), ("%_[cr]a%[le].fits", "x_cal.fits", True), ("%_[cr]a%[le].fits", "x_rate.fits", True),
        ("%_[cr]a%[le].fits", "x_uncal_.fits", False), ("[^a]%", "b", True), ("[^a]%", "a", False), ("[", "[", True), ("[]", "[]", True),
        ("a.c", "abc", False), ("a%b%c", "aXbYc", True), ("a%b%c", "acb", False), ("%%%", "x", True), ("[a-c]", "b", True), ("[z-a]", "[z-a]", True),
    ],
)  # fmt: skip
def test_like(pattern, text, meets):
    assert matches(like_parts(pattern), text) is meets
    assert (re.fullmatch(sql_like(pattern), text, re.IGNORECASE | re.DOTALL) is not None) is meets


@given(st.text("ab%_", max_size=8), st.text("ab", max_size=8))
def test_both_readings_of_a_pattern_agree(pattern, text):
    assert matches(like_parts(pattern), text) == (
        re.fullmatch(sql_like(pattern), text, re.IGNORECASE | re.DOTALL) is not None
    )


def test_a_malicious_pattern_costs_no_more_than_its_length():
    """By powers of its length it would take longer than the universe lasts; the limit of every test says so."""
    assert not matches(like_parts("%a" * 400), "a" * 390 + "b")


@given(st.floats(0, 359.99), st.floats(-85, 85), st.floats(0, 359.99), st.floats(-89, 89))
def test_the_distance_from_a_polygon_is_that_to_its_nearest_edge(ra, dec, at_ra, at_dec):
    half = 0.05
    width = half / np.cos(np.radians(dec))
    corners = [(ra + x * width, dec + y * half) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    polygon = Polygon(tuple((corner % 360, latitude) for corner, latitude in corners)).normalised()
    text = polygon.to_stcs()
    rows = pa.table({"outline": vertices_of(pa.chunked_array([pa.array([text])])), "s_region": [text]})
    away = distances(rows, at_ra, at_dec)[0]
    assert away == pytest.approx(separation_arcsec(text, at_ra, at_dec), abs=1e-3)
    centre = separation((ra, dec), (at_ra, at_dec)) * 3600
    assert max(0, centre - 0.08 * 3600) - 1 <= away <= centre + 1
    assert distances(rows, ra, dec)[0] == 0


def test_a_row_without_a_footprint_has_no_distance_and_circles_have_one():
    rows = pa.table({"outline": pa.nulls(2, pa.list_(pa.float64())), "s_region": [None, "CIRCLE ICRS 10 0 1"]})
    away = distances(rows, 12, 0)
    assert np.isnan(away[0])
    assert away[1] == pytest.approx(3600)
