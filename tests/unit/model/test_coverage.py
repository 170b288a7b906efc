from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfield.model.coverage import (
    Box,
    Circle,
    Point,
    Polygon,
    from_vector,
    parse_region,
    parse_regions,
    separation,
    to_stcs,
)
from deepfield.model.errors import InvalidValueError

SQUARE = Polygon(((1, 1), (359, 1), (359, -1), (1, -1)))
"""Two degrees on a side, across RA 0: north-east, north-west, south-west, south-east."""


def test_stcs_text_is_read_in_any_case_with_and_without_the_frame() -> None:
    assert parse_region("Polygon ICRS  10 1 11 1 11 2") == Polygon(((10, 1), (11, 1), (11, 2)))
    assert parse_region("CIRCLE 10 -1 0.5") == parse_region("circle icrs 10 -1 0.5") == Circle(10, -1, 0.5)
    assert parse_region("box ICRS 10, 20, 1, 2") == Box(10, 20, 1, 2)
    assert parse_region("POSITION ICRS 10 20") == Point(10, 20)


def test_a_union_of_polygons_gives_a_tuple() -> None:
    text = "POLYGON ICRS 0 0 1 0 1 1 POLYGON ICRS 5 5 6 5 6 6"

    regions = parse_region(text)

    assert isinstance(regions, tuple)
    assert len(regions) == 2
    assert parse_region(to_stcs(regions)) == regions
    assert parse_regions("UNION ICRS (POLYGON 0 0 1 0 1 1 CIRCLE 5 5 1)")[1] == Circle(5, 5, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "POLYGON ICRS 1 2 3 4",
        "POLYGON ICRS 1 2 3 4 5",
        "POLYGON ICRS nan nan nan nan nan nan",
        "CIRCLE ICRS 1 2",
        "CIRCLE ICRS 1 2 -1",
        "CIRCLE ICRS 1 91 1",
        "POLYGON FK5 1 2 3 4 5 6",
        "GALAXY 1 2",
    ],
)
def test_what_is_no_region_is_refused_with_the_text_in_the_error(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_region(text)


def test_normalised_runs_counter_clockwise_seen_from_inside() -> None:
    clockwise = Polygon(((0, 1), (359, 0), (0, -1), (1, 0), (0, 1)))

    normalised = clockwise.normalised()

    assert normalised.vertices == ((0, 1), (1, 0), (0, -1), (359, 0))  # north, east, south, west
    assert normalised.normalised() == normalised


def test_normalised_keeps_a_polygon_around_the_pole() -> None:
    cap = Polygon(((0, 89), (90, 89), (180, 89), (270, 89)))

    assert cap.centroid().dec == pytest.approx(90)
    assert cap.enclosing().radius == pytest.approx(1)
    assert set(cap.normalised().vertices) == set(cap.vertices)


def test_centroid_and_enclosing_circle_across_ra_zero() -> None:
    centre = SQUARE.centroid()
    circle = SQUARE.enclosing()

    assert separation((centre.ra, centre.dec), (0, 0)) < 1e-10
    assert circle.radius == pytest.approx(separation((0, 0), (1, 1)))


def test_centroid_of_an_l_shape_is_weighted_by_area() -> None:
    tiny = 1e-3
    shape = Polygon(tuple((x * tiny, y * tiny) for x, y in ((0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2))))

    centre = shape.centroid()

    assert (centre.ra / tiny, centre.dec / tiny) == pytest.approx((5 / 6, 5 / 6), rel=1e-6)


def test_area_of_an_octant_is_an_eighth_of_the_sky() -> None:
    octant = Polygon(((0, 0), (90, 0), (0, 90)))

    assert octant.area() == pytest.approx(41252.961 / 8, rel=1e-6)


def test_box_sides_meet_the_ends_of_the_cross() -> None:
    box = Box(0, 89.5, 2, 2)

    polygon = box.polygon()

    assert polygon.area() == pytest.approx(4, rel=1e-3)
    assert separation((polygon.centroid().ra, polygon.centroid().dec), (0, 89.5)) < 1e-9


@given(st.floats(0, 359.999), st.floats(-90, 90), st.floats(0.0001, 5), st.integers(3, 12), st.booleans())
def test_regular_polygons_anywhere_keep_centre_and_size(
    ra: float,
    dec: float,
    radius: float,
    corners: int,
    backwards: bool,  # noqa: FBT001
) -> None:
    polygon = _regular(ra, dec, radius, corners, backwards=backwards)

    circle = polygon.normalised().enclosing()

    assert separation((circle.ra, circle.dec), (ra, dec)) < 1e-8
    assert circle.radius == pytest.approx(radius, rel=1e-5, abs=1e-8)
    assert polygon.normalised()._outward_turn() < 0
    assert polygon.area() == pytest.approx(polygon.normalised().area())


def _regular(ra: float, dec: float, radius: float, corners: int, *, backwards: bool) -> Polygon:
    a, d = math.radians(ra), math.radians(dec)
    centre = np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])
    east = np.array([-math.sin(a), math.cos(a), 0])
    north = np.cross(centre, east)
    turns = np.arange(corners) * 2 * np.pi / corners * (-1 if backwards else 1)
    r = math.radians(radius)
    return Polygon(
        tuple(
            from_vector(math.cos(r) * centre + math.sin(r) * (math.cos(t) * east + math.sin(t) * north)) for t in turns
        )
    )
