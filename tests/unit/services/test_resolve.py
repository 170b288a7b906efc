from __future__ import annotations

from random import Random

import pytest
from astropy.coordinates import SkyCoord

from deepfield.model.coverage import Circle, Polygon
from deepfield.model.errors import InvalidQueryError, UnresolvedNameError
from deepfield.services.coordinates import read_coordinates, read_radius
from deepfield.services.resolve import DEFAULT_RADIUS
from support.searching import make_archive
from support.synthetic import commit, observation


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    made = make_archive(tmp_path_factory.mktemp("archive"), 300)
    rows = [
        observation(
            1000 + at, Random(at), obs_id=f"jw02731001001_02101_{at:05d}_nrca1", target_name="WESTERLUND-1",
            target_standard_name="Cl Westerlund 1", proposal_id="2731", proposal_title="Young stars", proposal_pi="Doe, J",
            s_ra=ra, s_dec=dec, moving_target=False,
        )
        for at, (ra, dec) in enumerate([(359.99, 10.0), (0.01, 10.0), (0.0, 10.02), (0.0, 9.98)])
    ]  # fmt: skip
    commit(made.database, rows)
    made.replica.catch_up()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "as_astropy"),
    [
        ("10:37:18.8 -58:37:42", ("10h37m18.8s -58d37m42s", "icrs")),
        ("10 37 18.8 -58 37 42", ("10h37m18.8s -58d37m42s", "icrs")),
        ("10h37m18.8s -58d37m42s", ("10h37m18.8s -58d37m42s", "icrs")),
        ("10h37m18.8s, -58°37′42″", ("10h37m18.8s -58d37m42s", "icrs")),
        ("10 37 18.8, -58 37 42", ("10h37m18.8s -58d37m42s", "icrs")),
        ("10:37 -58:37", ("10h37m0s -58d37m0s", "icrs")),
        ("J103718.8-583742", ("10h37m18.8s -58d37m42s", "icrs")),
        ("159d19m42s -58d37m42s", ("159d19m42s -58d37m42s", "icrs")),
        ("00:00:01 -00:00:01", ("0h0m1s -0d0m1s", "icrs")),
        ("159.32 -58.62", ("159.32d -58.62d", "icrs")),
        ("159.32,+58.62", ("159.32d 58.62d", "icrs")),
        ("159.32d, -58.62d", ("159.32d -58.62d", "icrs")),
        ("ICRS 159.32 -58.62", ("159.32d -58.62d", "icrs")),
        ("galactic 285.1 -0.2", ("285.1d -0.2d", "galactic")),
        ("285.1 -0.2 gal", ("285.1d -0.2d", "galactic")),
        ("ecliptic 100 5", ("100d 5d", "barycentricmeanecliptic")),
        ("B1950 10:37:18.8 -58:37:42", ("10h37m18.8s -58d37m42s", "fk4")),
        ("10:37:18.8 -58:37:42 J2000", ("10h37m18.8s -58d37m42s", "fk5")),
    ],
)
def test_coordinates_in_any_usual_notation_mean_what_astropy_says(text, as_astropy):
    expected = SkyCoord(as_astropy[0], frame=as_astropy[1]).icrs
    assert read_coordinates(text) == pytest.approx((expected.ra.deg, expected.dec.deg), abs=1e-12)


@pytest.mark.parametrize("text", ["NGC 3324", "M 31", "3C 273", "2MASS J1234", "HD 209458", "47 Tuc", "12", "12 13 14"])
def test_a_name_is_not_taken_for_coordinates(text):
    assert read_coordinates(text) is None


@pytest.mark.parametrize("text", ["10 95", "10:00:00 -95:00:00", "25:00:00 10:00:00"])
def test_coordinates_off_the_sphere_are_refused(text):
    with pytest.raises(InvalidQueryError, match="position"):
        read_coordinates(text)


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("12'", 0.2),
        ('30"', 1 / 120),
        ("0.2d", 0.2),
        ("0.2", 0.2),
        ("5 arcmin", 1 / 12),
        ("1e-3deg", 1e-3),
        (".5°", 0.5),
        ("0", 0.0),
    ],
)
def test_a_radius_carries_its_unit(text, degrees):
    assert read_radius(text) == pytest.approx(degrees)


@pytest.mark.parametrize("text", ["", "wide", "5 parsec", "-1", "181", "1''''", "nan", "inf"])
def test_a_radius_that_is_none_is_refused(text):
    with pytest.raises(InvalidQueryError, match="radius"):
        read_radius(text)


@pytest.mark.parametrize("name", ["WESTERLUND-1", "westerlund 1", "Westerlund1", "Cl Westerlund-1"])
def test_a_target_is_found_whatever_its_case_spaces_and_dashes_even_across_ra_0(archive, name):
    place = archive.resolve.position(name)
    assert (place.name, place.kind) == ("WESTERLUND-1", "target")
    assert abs((place.ra + 180) % 360 - 180) < 1e-3
    assert place.dec == pytest.approx(10.0, abs=1e-3)


def test_an_unknown_name_is_refused_with_the_closest_ones(archive):
    with pytest.raises(UnresolvedNameError) as refused:
        archive.resolve.position("Westerlunt 1")
    assert refused.value.closest[0] == "WESTERLUND-1"


def test_a_target_that_is_no_single_place_is_refused(archive):
    with pytest.raises(InvalidQueryError, match="several"):
        archive.resolve.position("HUDF")


def test_a_place_is_searched_within_a_radius_and_a_region_as_it_is(archive):
    place, regions = archive.resolve.region("10 20")
    assert (place.radius, regions) == (DEFAULT_RADIUS, (Circle(10.0, 20.0, DEFAULT_RADIUS),))
    assert archive.resolve.region("10 20", "1'")[1] == (Circle(10.0, 20.0, 1 / 60),)
    place, regions = archive.resolve.region("Polygon 0 0 1 0 1 1")
    assert place.kind == "region"
    assert regions == (Polygon(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))),)


def test_suggestions_name_targets_programmes_observations_and_files(archive):
    def found(text):
        return [(each.kind, each.value, each.count) for each in archive.resolve.suggestions(text)]

    assert found("westerl") == [("target", "WESTERLUND-1", 4)]
    assert found("westerlund1") == [("target", "WESTERLUND-1", 4)]
    assert found("young st") == [("programme", "2731", 4)]
    assert found("27") == [("programme", "2731", 4)]
    assert found("jw02731001001_02101_00003") == [("observation", "jw02731001001_02101_00003_nrca1", 1)]
    assert found("  ") == []
    assert found("nothing like it") == []
