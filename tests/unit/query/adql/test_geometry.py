"""Every geometry query finds the rows that astropy, S2 and plain arithmetic find, one by one."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
import spherely
from astropy.coordinates import SkyCoord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepfield.model.coverage import Box, Circle, Point, Polygon, parse_regions
from deepfield.model.errors import AdqlTypeError
from deepfield.model.tables import Column
from deepfield.query.engines.adql import Upload
from deepfield.query.outlines import Outlines
from support.synthetic import offset

PLACES = st.sampled_from([(0.001, 0.0), (53.1, -27.8), (10.0, 89.999), (200.0, -89.99), (359.99, 45.0), (0.0, 90.0)])
RADII = st.sampled_from([0.001, 0.02, 0.1, 0.5, 3.0, 40.0, 95.0])
NEAR = 1e-9
"""Degrees within which a row may be on either side."""
SHORT = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def centres(draw):
    place = draw(PLACES)
    return offset(*place, draw(st.floats(0, 0.3)), draw(st.floats(0, 360)))


def both(property_):
    """Run a property briefly here, and long under ``make prove``."""
    return pytest.mark.parametrize(
        "examples", [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=pytest.mark.prove)]
    )(property_)


def placed(archive):
    return [row for row in archive.observations if row["s_ra"] is not None]


def apart(rows, ra, dec):
    """Degrees between rows and a position, by astropy."""
    there = SkyCoord([row["s_ra"] for row in rows], [row["s_dec"] for row in rows], unit="deg")
    return there.separation(SkyCoord(ra, dec, unit="deg")).deg


def agrees(found, rows, distances, limit):
    """Check the rows found against distances, but for those on the very edge."""
    ids = np.array([row["obs_id"] for row in rows])
    inside, edge = set(ids[distances < limit - NEAR]), set(ids[np.abs(distances - limit) <= NEAR])
    assert inside <= found <= inside | edge


CONES = [
    "1 = CONTAINS(POINT('ICRS', s_ra, s_dec), CIRCLE('ICRS', {ra}, {dec}, {r}))",
    "CONTAINS(POINT(s_ra, s_dec), CIRCLE(POINT({ra}, {dec}), {r})) = 1",
    "NOT CONTAINS(POINT(s_ra, s_dec), CIRCLE({ra}, {dec}, {r})) = 0",
    "1 = INTERSECTS(CIRCLE('', {ra}, {dec}, {r}), POINT('', s_ra, s_dec))",
    "DISTANCE(POINT('ICRS', s_ra, s_dec), POINT('ICRS', {ra}, {dec})) <= {r}",
    "DISTANCE({ra}, {dec}, s_ra, s_dec) < {r}",
    "{r} > DISTANCE(s_ra, s_dec, {ra}, {dec})",
    "DISTANCE(s_ra, s_dec, {ra}, {dec}) - {r} < 0",
]


@both
@pytest.mark.parametrize("cone", CONES)
def test_a_cone_finds_what_astropy_finds(archive, cone, examples):
    @examples
    @given(centres(), RADII)
    def check(centre, radius):
        where = cone.format(ra=repr(centre[0]), dec=repr(centre[1]), r=repr(radius))
        found = archive.ask(f"SELECT obs_id FROM ivoa.ObsCore WHERE {where}").first
        rows = placed(archive)
        agrees(found, rows, apart(rows, *centre), radius)

    check()


@both
def test_what_no_cone_holds_is_the_rest_with_a_place(archive, examples):
    @examples
    @given(centres(), RADII)
    def check(centre, radius):
        cone = f"CONTAINS(POINT(s_ra, s_dec), CIRCLE({centre[0]!r}, {centre[1]!r}, {radius!r}))"
        inside = archive.ask(f"SELECT obs_id FROM ivoa.ObsCore WHERE {cone} = 1").first
        for rest in (f"{cone} = 0", f"0 = {cone}", f"{cone} <> 1", f"NOT ({cone} = 1)", f"{cone} < 1"):
            outside = archive.ask(f"SELECT obs_id FROM ivoa.ObsCore WHERE {rest}").first
            assert inside | outside == {row["obs_id"] for row in placed(archive)}
            assert not inside & outside

    check()


@st.composite
def shapes(draw):
    """A region, and how ADQL writes it."""
    ra, dec = draw(centres())
    size = draw(st.sampled_from([0.01, 0.1, 1.0, 10.0]))
    match draw(st.sampled_from(["circle", "polygon", "box", "region"])):
        case "circle":
            return Circle(ra, dec, size), f"CIRCLE('ICRS', {ra!r}, {dec!r}, {size!r})"
        case "box":
            return Box(ra, dec, size, size / 2), f"BOX('ICRS', {ra!r}, {dec!r}, {size!r}, {size / 2!r})"
        case kind:
            angles = [draw(st.floats(0, 80)) + 90 * corner for corner in range(4)]
            polygon = Polygon(tuple(offset(ra, dec, size, angle) for angle in angles))
            degrees = [repr(number) for vertex in polygon.vertices for number in vertex]
            if kind == "region":
                return polygon, f"REGION('POLYGON ICRS {' '.join(degrees)}')"
            return polygon, f"POLYGON('ICRS', {', '.join(degrees)})"


def outlined(archive):
    return [row for row in archive.observations if row["s_region"] is not None]


def meeting(rows, region):
    """The rows whose footprint meets a region, each tested by itself, without any index."""
    return {row["obs_id"] for row in rows if Outlines.read([row["s_region"]], np.zeros(1), np.zeros(1)).meet(region)[0]}


@both
def test_footprints_meet_a_region_as_each_does_by_itself(archive, examples):
    @examples
    @given(shapes())
    def check(shape):
        region, adql = shape
        found = archive.ask(f"SELECT obs_id FROM ivoa.ObsCore WHERE 1 = INTERSECTS(s_region, {adql})").first
        rows = outlined(archive)
        assert found == meeting(rows, region)
        others = archive.ask(
            f"SELECT obs_id FROM caom2.Plane p JOIN ivoa.ObsCore o ON p.publisherID = "
            f"o.obs_publisher_did WHERE 0 = INTERSECTS({adql}, position_bounds)"
        ).first
        assert others == {row["obs_id"] for row in rows} - found

    check()


@both
def test_points_lie_in_a_polygon_where_s2_says_so(archive, examples):
    @examples
    @given(shapes())
    def check(shape):
        region, adql = shape
        found = archive.ask(
            f"SELECT obs_id FROM ivoa.ObsCore WHERE CONTAINS(POINT('ICRS', s_ra, s_dec), {adql}) = 1"
        ).first
        rows = placed(archive)
        if isinstance(region, Circle):
            agrees(found, rows, apart(rows, region.ra, region.dec), region.radius)
            return
        s2 = polygon_of(region)
        expected = {
            row["obs_id"]
            for row in rows
            if spherely.contains(s2, spherely.create_point(west(row["s_ra"]), row["s_dec"]))
        }
        assert found == expected

    check()


@both
def test_a_region_lies_in_another_where_no_point_of_it_lies_outside(archive, examples):
    @examples
    @given(shapes())
    def check(shape):
        region, adql = shape
        found = archive.ask(f"SELECT obs_id FROM ivoa.ObsCore WHERE 1 = CONTAINS(s_region, {adql})").first
        for row in outlined(archive):
            (footprint,) = parse_regions(row["s_region"])
            if isinstance(region, Circle):
                inside = farthest(footprint, region) <= region.radius
            elif isinstance(footprint, Polygon):
                inside = spherely.covers(polygon_of(region), polygon_of(footprint))
            else:
                continue
            assert (row["obs_id"] in found) == bool(inside), row["s_region"]

    check()


def farthest(footprint, circle):
    """Degrees from a centre to the farthest point of a footprint: a corner, as long as it is less than 90."""
    if isinstance(footprint, Circle):
        return apart([{"s_ra": footprint.ra, "s_dec": footprint.dec}], circle.ra, circle.dec)[0] + footprint.radius
    corners = [{"s_ra": ra, "s_dec": dec} for ra, dec in footprint.vertices]
    return float(np.max(apart(corners, circle.ra, circle.dec)))


def west(ra):
    return ra if ra <= 180 else ra - 360


def polygon_of(region):
    polygon = region.polygon() if isinstance(region, Box) else region
    return spherely.create_polygon([(west(ra), dec) for ra, dec in polygon.vertices])


JOINS = [
    "TAP_UPLOAD.t AS u JOIN ivoa.ObsCore AS o ON {near}",
    "TAP_UPLOAD.t AS u, ivoa.ObsCore AS o WHERE {near}",
    "ivoa.ObsCore AS o JOIN TAP_UPLOAD.t AS u ON {near} AND o.calib_level > 0",
    "(SELECT obs_id, s_ra, s_dec FROM ivoa.ObsCore WHERE s_ra IS NOT NULL) AS o JOIN TAP_UPLOAD.t AS u ON {near}",
]
NEARNESS = [
    "1 = CONTAINS(POINT('', o.s_ra, o.s_dec), CIRCLE('', u.ra, u.dec, {r}))",
    "CONTAINS(POINT('', u.ra, u.dec), CIRCLE('', o.s_ra, o.s_dec, {r})) = 1",
    "DISTANCE(POINT('', u.ra, u.dec), POINT('', o.s_ra, o.s_dec)) <= {r}",
    "1 = CONTAINS(POINT('', o.s_ra, o.s_dec), CIRCLE('', u.ra, u.dec, u.reach))",
]


def targets(places, size):
    columns = (
        Column("id", "int32", ""), Column("ra", "float64", "", unit="deg"), Column("dec", "float64", "", unit="deg"),
        Column("reach", "float64", "", unit="deg"),
    )  # fmt: skip
    rows = pa.table(
        {
            "id": pa.array(range(len(places)), pa.int32()),
            "ra": [ra for ra, _ in places],
            "dec": [dec for _, dec in places],
            "reach": pa.array([size] * len(places), pa.float64()),
        }
    )
    return {"t": Upload(columns, rows)}


@both
@pytest.mark.parametrize("nearness", NEARNESS)
@pytest.mark.parametrize("join", JOINS)
def test_a_crossmatch_finds_each_pair_once(archive, join, nearness, examples):
    @settings(examples, max_examples=max(4, examples.max_examples // 5))
    @given(st.lists(centres(), min_size=1, max_size=6), st.sampled_from([1 / 3600, 0.01, 0.3, 2.0, 20.0]))
    def check(places, radius):
        source = join.format(near=nearness.format(r=repr(radius)))
        told = archive.ask(f"SELECT u.id, o.obs_id FROM {source}", uploads=targets(places, radius))
        found = [tuple(row) for row in told.rows]
        assert len(found) == len(set(found))
        rows = placed(archive)
        for number, (ra, dec) in enumerate(places):
            agrees({obs_id for target, obs_id in found if target == number}, rows, apart(rows, ra, dec), radius)

    check()


@both
@pytest.mark.parametrize("side", ["LEFT", "RIGHT", "FULL"])
def test_an_outer_crossmatch_keeps_what_finds_nothing(archive, side, examples):
    @settings(examples, max_examples=max(4, examples.max_examples // 5))
    @given(st.lists(centres(), min_size=1, max_size=4), st.sampled_from([0.01, 0.3]))
    def check(places, radius):
        near = f"1 = CONTAINS(POINT('', o.s_ra, o.s_dec), CIRCLE('', u.ra, u.dec, {radius!r}))"
        query = f"SELECT u.id, o.obs_id FROM TAP_UPLOAD.t AS u {side} JOIN ivoa.ObsCore AS o ON {near}"
        found = archive.ask(query, uploads=targets(places, radius)).rows
        pairs = archive.ask(query.replace(side, "INNER"), uploads=targets(places, radius)).rows
        lone_targets = {(number, None) for number in range(len(places))} - {(number, None) for number, _ in pairs}
        lone_rows = {(None, row["obs_id"]) for row in archive.observations} - {(None, obs_id) for _, obs_id in pairs}
        kept = {"LEFT": lone_targets, "RIGHT": lone_rows, "FULL": lone_targets | lone_rows}[side]
        assert sorted(found, key=str) == sorted([*pairs, *kept], key=str)

    check()


@both
def test_positions_are_matched_with_the_footprints_that_hold_them(archive, examples):
    @settings(examples, max_examples=max(4, examples.max_examples // 5))
    @given(st.lists(centres(), min_size=1, max_size=4))
    def check(places):
        query = "SELECT u.id, o.obs_id FROM TAP_UPLOAD.t AS u JOIN ivoa.ObsCore AS o ON 1 = CONTAINS(POINT(u.ra, u.dec), o.s_region)"
        found = archive.ask(query, uploads=targets(places, 0.0)).rows
        assert len(found) == len(set(found))
        for number, place in enumerate(places):
            expected = meeting(outlined(archive), Point(*place))
            assert {obs_id for target, obs_id in found if target == number} == expected

    check()


def test_areas_centres_and_coordinates_are_those_of_the_sphere(archive):
    told = archive.ask(
        "SELECT AREA(CIRCLE(10, 20, 90)), AREA(POLYGON(0, 0, 90, 0, 0, 90)), COORD1(CENTROID(BOX(10, -20, 2, 3))), "
        "COORD2(POINT(1, 2)), COORDSYS(POINT(1, 2)), DISTANCE(0, 90, 123, 0), BOX(0, 0, 90, 90) FROM TAP_SCHEMA.schemas",
        maxrec=0,
    )
    (row,) = told.rows
    whole = 4 * math.pi * math.degrees(1) ** 2
    assert row[0] == pytest.approx(whole / 2)
    assert row[1] == pytest.approx(whole / 8)
    assert row[2:6] == (pytest.approx(10.0), 2.0, "ICRS", pytest.approx(90.0))
    corner = math.degrees(math.atan(math.sqrt(0.5)))
    assert sorted(abs(number) for number in row[6][1::2]) == pytest.approx([corner] * 4)
    assert [(column.unit, column.xtype) for column in told.columns][5:] == [("deg", None), ("deg", "polygon")]


def test_a_row_without_a_place_has_no_geometry(archive):
    told = archive.ask(
        "SELECT POINT(s_ra, s_dec), CIRCLE(s_ra, s_dec, 1), DISTANCE(s_ra, s_dec, 0, 0), AREA(s_region), "
        "CENTROID(s_region) FROM ivoa.ObsCore WHERE s_ra IS NULL"
    )
    assert told.rows
    assert set(told.rows) == {(None,) * 5}


def test_geometry_is_counted_and_grouped_like_any_value(archive):
    (row,) = archive.ask(
        "SELECT COUNT(s_region), COUNT(DISTINCT s_region), COUNT(POINT(s_ra, s_dec)) FROM ivoa.ObsCore"
    ).rows
    regions = [each["s_region"] for each in archive.observations if each["s_region"] is not None]
    assert row == (len(regions), len(set(regions)), len(placed(archive)))
    assert archive.ask("SELECT s_region, COUNT(*) FROM ivoa.ObsCore GROUP BY s_region").rows
    with pytest.raises(AdqlTypeError, match="a geometry"):
        archive.ask("SELECT MAX(s_region) FROM ivoa.ObsCore")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("POINT(10, 91)", "declination"),
        ("CIRCLE(10, 20, -1)", "radius"),
        ("CIRCLE(10, 20, 181)", "radius"),
        ("BOX(10, 20, 200, 1)", "width"),
        ("POLYGON(1, 1, 1, 1, 2, 2)", "three"),
        ("REGION('CIRCLE FK5 1 2 3')", "ICRS"),
        ("REGION('nonsense')", "CIRCLE, POLYGON"),
        ("POINT('GALACTIC', 1, 2)", "ICRS"),
        ("CIRCLE('FK5', 1, 2, 3)", "ICRS"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_where_it_stands(archive, shape, expected):
    with pytest.raises(AdqlTypeError, match=expected) as caught:
        archive.ask(f"SELECT obs_id FROM ivoa.ObsCore\nWHERE 1 = INTERSECTS(s_region,\n  {shape})")
    assert caught.value.line == 3
