"""The exact test against brute force: points strewn over a footprint, seen by astropy and by spherely."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
import spherely
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfield.model.coverage import Box, Circle, Point, Polygon
from deepfield.query.outlines import Outlines
from support.synthetic import offset

PLACES = st.sampled_from(
    [(0.0, 0.0), (359.9999, 30.0), (123.0, 90.0), (45.0, 89.995), (10.0, -89.9999), (0.0001, -60.0), (180.0, 10.0)]
)
SIZES = st.sampled_from([1e-4, 0.01, 0.05, 1.0, 20.0])


@st.composite
def polygons(draw, near=None, size=None):
    ra, dec = near or draw(PLACES)
    size = size or draw(SIZES)
    turn = draw(st.floats(0, 360))
    number = draw(st.integers(3, 7))
    angles = [turn + 360 / number * (i + draw(st.floats(0.05, 0.95))) for i in range(number)]
    radii = [size * draw(st.floats(0.3, 1.0)) for _ in range(number)]
    return Polygon(tuple(offset(ra, dec, r, a) for r, a in zip(radii, angles, strict=True)))


def meets(footprint, region):
    return bool(Outlines.read([footprint.to_stcs()], [0.0], [0.0]).meet(region)[0])


def s2(polygon):
    vertices = [(ra if ra <= 180 else ra - 360, dec) for ra, dec in polygon.vertices]
    return spherely.create_polygon(vertices)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_circle_meets_a_polygon_where_its_nearest_point_is_within_the_radius(data):
    place, size = data.draw(PLACES), data.draw(SIZES)
    footprint = data.draw(polygons(near=place, size=size))
    centre = offset(*place, data.draw(st.floats(0, 3)) * size, data.draw(st.floats(0, 360)))
    nearest = nearest_by_astropy(footprint, centre)
    if 0 < nearest < 1e-6:  # nearer than the ten digits of s_region can tell
        return
    for factor in (0.5, 0.999, 1.001, 2.0):
        expected = nearest == 0.0 or factor > 1
        assert meets(footprint, Circle(*centre, nearest * factor)) == expected


def nearest_by_astropy(polygon, centre):
    """Degrees from a position to a polygon: none inside (by S2), else the least separation of points along its sides."""
    ra, dec = centre
    if spherely.contains(s2(polygon), spherely.create_point(ra if ra <= 180 else ra - 360, dec)):
        return 0.0
    target = SkyCoord(ra, dec, unit="deg")
    corners = SkyCoord(*np.array(polygon.vertices).T, unit="deg").cartesian.xyz.value.T
    least = math.inf
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        low, high = 0.0, 1.0
        for _ in range(5):  # refine around the closest of the sampled points
            steps = np.linspace(low, high, 41)
            x, y, z = (start + steps[:, None] * (end - start)).T
            along = SkyCoord(x, y, z, representation_type="cartesian")
            along.representation_type = "unitspherical"
            apart = along.separation(target).deg
            at, step = steps[int(np.argmin(apart))], (high - low) / 40
            low, high = max(0.0, at - step), min(1.0, at + step)
        least = min(least, float(np.min(apart)))
    return least


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_polygons_meet_where_s2_says_so(data):
    place, size = data.draw(PLACES), data.draw(SIZES)
    first = data.draw(polygons(near=place, size=size))
    elsewhere = offset(*place, data.draw(st.floats(0, 3)) * size, data.draw(st.floats(0, 360)))
    second = data.draw(polygons(near=elsewhere, size=size * data.draw(st.sampled_from([0.1, 1.0]))))
    assert meets(first, second) == bool(spherely.intersects(s2(first), s2(second)))
    assert meets(second, first) == meets(first, second)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_point_lies_in_a_footprint_where_s2_says_so(data):
    place, size = data.draw(PLACES), data.draw(SIZES)
    footprint = data.draw(polygons(near=place, size=size))
    ra, dec = offset(*place, data.draw(st.floats(0, 1.2)) * size, data.draw(st.floats(0, 360)))
    expected = bool(spherely.contains(s2(footprint), spherely.create_point(ra if ra <= 180 else ra - 360, dec)))
    assert meets(footprint, Point(ra, dec)) == expected


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_circles_meet_where_astropy_finds_their_centres_close_enough(data):
    place, size = data.draw(PLACES), data.draw(SIZES)
    other = offset(*place, data.draw(st.floats(0.01, 3)) * size, data.draw(st.floats(0, 360)))
    apart = SkyCoord(*place, unit="deg").separation(SkyCoord(*other, unit="deg")).to_value(u.deg)
    assert meets(Circle(*place, apart / 3), Circle(*other, apart * 0.67))
    assert not meets(Circle(*place, apart / 3), Circle(*other, apart * 0.66))


@pytest.mark.parametrize("place", [(0.0, 90.0), (0.0, 0.0), (359.9999, -45.0), (77.0, -90.0)])
def test_what_touches_or_is_the_same_overlaps(place):
    corners = [tuple(round(part, 10) for part in offset(*place, 0.02, angle)) for angle in (10, 100, 190, 280)]
    footprint = Polygon(tuple(corners))
    beside = Polygon((corners[0], corners[1], offset(*place, 0.1, 55)))
    assert meets(footprint, footprint)
    assert meets(footprint, beside)
    assert meets(footprint, Point(*corners[2]))
    assert meets(footprint, Polygon(tuple(reversed(corners))))


def test_a_region_within_a_footprint_and_a_footprint_within_a_region_overlap():
    small, large = Box(0.0, 89.9, 0.01, 0.01), Box(0.0, 89.9, 1.0, 1.0)
    assert meets(small.polygon(), large)
    assert meets(large.polygon(), small)
    assert meets(Circle(0.0, 89.9, 0.001), large)
    assert meets(Circle(0.0, 89.9, 20.0), small)


def test_the_antipode_of_a_footprint_is_outside():
    footprint = Polygon(tuple(offset(30.0, 40.0, 0.5, angle) for angle in (0, 90, 180, 270)))
    assert not meets(footprint, Point(210.0, -40.0))
    assert not meets(footprint, Circle(210.0, -40.0, 5.0))


def test_a_union_is_met_where_one_of_its_polygons_is():
    random = Random(5)
    first = Polygon(tuple(offset(10.0, 10.0, 0.02, 90 * i) for i in range(4)))
    second = Polygon(tuple(offset(11.0, 10.0, 0.02, 90 * i + random.random()) for i in range(4)))
    union = Outlines.read([f"{first.to_stcs()} {second.to_stcs()}", None], [10.5, 11.0], [10.0, 10.0])
    assert union.meet(Point(11.0, 10.0)).tolist() == [True, True]
    assert union.meet(Point(10.5, 10.0)).tolist() == [False, False]
