"""Names beyond the archive's own targets: OpenNGC, bodies that move, Sesame."""

from datetime import UTC, datetime
from random import Random

import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, get_body
from astropy.time import Time

from deepfield.model.errors import InvalidQueryError, UnresolvedNameError
from deepfield.query.moving import body_key
from deepfield.services.resolve import Resolve
from deepfield.services.resolvers.ephemeris import find_body_at
from deepfield.services.resolvers.openngc import OpenNgc
from deepfield.services.search import Search
from support.searching import make_archive
from support.synthetic import commit, observation

MOMENT = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def objects():
    return OpenNgc()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    made = make_archive(tmp_path_factory.mktemp("archive"), 100)
    names = [
        ("JUPITER", None, True), ("Jupiter (center)", None, True), ("JUPITER-BACKGROUND", None, False),
        ("134340 PLUTO", "Pluto", True), ("(1) Ceres", None, True), ("IC 434", None, False),
        ("NGC-104", None, False), ("NGC-104", None, False),
    ]  # fmt: skip
    rows = [
        observation(
            1000 + at, Random(at), obs_id=f"jw09999001001_02101_{at:05d}_nrca1", target_name=name,
            target_standard_name=standard, moving_target=moving, proposal_id="9999", proposal_title="Bodies",
            proposal_pi="Doe, J", s_ra=10.0 + 40 * at, s_dec=5.0,
        )
        for at, (name, standard, moving) in enumerate(names)
    ]  # fmt: skip
    commit(made.database, rows)
    made.replica.catch_up()
    yield made
    made.close()


@pytest.fixture(scope="module")
def resolve(archive):
    return Resolve(archive.engine, now=lambda: MOMENT)


# positions as the literature gives them, not as OpenNGC does
PLACES = {
    "M 1": (83.633, 22.014),
    "M 13": (250.423, 36.461),
    "M 16": (274.700, -13.807),
    "M 31": (10.6847, 41.2687),
    "M 42": (83.8221, -5.3911),
    "M 51": (202.4696, 47.1952),
    "M 57": (283.3962, 33.0292),
    "M 74": (24.1739, 15.7837),
    "M 82": (148.9685, 69.6797),
    "M 87": (187.7059, 12.3911),
    "M 104": (189.9976, -11.6231),
    "NGC 3132": (151.7573, -40.4365),
    "NGC 3324": (159.31, -58.64),
    "NGC 5128": (201.3651, -43.0191),
    "NGC 7293": (337.4107, -20.8372),
    "IC 434": (85.25, -2.46),
}


@pytest.mark.parametrize("name", PLACES)
def test_objects_stand_where_the_literature_has_them(objects, name):
    found = objects.find(name)
    assert found.name == name
    there = SkyCoord(*PLACES[name], unit="deg")
    assert there.separation(SkyCoord(found.ra, found.dec, unit="deg")).deg < 0.05


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("m51", "M 51"), ("M-51", "M 51"), ("Messier 051", "M 51"), ("NGC5194", "M 51"), ("Whirlpool", "M 51"),
        ("whirlpool galaxy", "M 51"), ("ngc 0224", "M 31"), ("NGC_224", "M 31"), ("Andromeda", "M 31"),
        ("IC-434", "IC 434"), ("ic0434", "IC 434"), ("NGC3324", "NGC 3324"), ("Cosmic cliffs", "NGC 3324"),
        ("carina nebula", "NGC 3372"), ("Pillars of Creation", "M 16"), ("eagle", "M 16"), ("NGC 6611", "M 16"),
        ("Stephan's Quintet", "HCG 92"), ("stephans quintet", "HCG 92"), ("Horsehead Nebula", "B 33"),
        ("Flame Nebula", "NGC 2024"), ("47 Tuc", "NGC 104"), ("Southern Ring", "NGC 3132"), ("IC 11", "NGC 281"),
        ("The Running Man Nebula", "NGC 1977"), ("Caldwell 77", "NGC 5128"), ("UGC 454", "M 31"),
    ],
)  # fmt: skip
def test_an_object_has_many_names_and_spellings(objects, text, name):
    assert objects.find(text).name == name


@pytest.mark.parametrize("text", ["NGC 99999", "M 111", "Saturn", "Jupiter", "NGC", "", "butterfly", "MCG -02-01-031"])
def test_what_is_no_object_or_more_than_one_is_not_found(objects, text):
    assert objects.find(text) is None


def test_every_nickname_means_an_object_and_no_other_bears_it(objects):
    assert "Flame Nebula" not in objects.find("IC 434").common_names
    assert len(objects._objects) > 30_000


def test_the_exact_and_the_well_known_are_offered_first(objects):
    assert [each.name for each in objects.beginning("ngc 337", 2)] == ["NGC 337", "NGC 3372"]
    assert [each.name for each in objects.beginning("m 5", 3)] == ["M 5", "M 50", "M 51"]
    assert objects.beginning("n", 5) == ()


@pytest.mark.parametrize("name", ["Mercury", "Venus", "mars", "JUPITER", "Saturn", "Uranus", "Neptune", "Moon"])
@pytest.mark.parametrize("year", [2022, 2026])
def test_bodies_stand_where_astropy_sees_them(name, year):
    moment = datetime(year, 7, 11, 6, tzinfo=UTC)
    found = find_body_at(name, moment)
    # seen apparent, so that aberration of some 20 arcseconds is the difference
    seen = get_body(name.lower(), Time(moment), ephemeris="builtin")
    here = SkyCoord(found.ra, found.dec, unit="deg")
    assert here.separation(SkyCoord(seen.ra, seen.dec)) < 40 * u.arcsec


def test_names_of_a_body_are_one_without_number_parentheses_and_case():
    assert {body_key(name) for name in ("134340 Pluto", "(134340) PLUTO", "pluto", "Pluto (2)")} == {"pluto"}
    assert body_key("2002 MS4") != body_key("2010 MS4")
    assert body_key("67P/Churyumov-Gerasimenko") == "67pchuryumovgerasimenko"
    assert body_key("(5)") == "5"


def test_who_knew_is_said(resolve):
    def who(text):
        place = resolve.position(text)
        return place.name, place.kind, place.resolver

    assert who("10 20") == ("10 20", "coordinates", "coordinates")
    assert who("ic434") == ("IC 434", "target", "archive")
    assert who("carina nebula") == ("NGC 3372", "object", "OpenNGC")
    assert who("saturn") == ("Saturn", "moving", "ephemeris")
    assert who("Ceres") == ("(1) Ceres", "moving", "archive")


def test_a_target_observed_in_several_places_is_where_the_catalogue_has_it(resolve):
    place = resolve.position("ngc 104")
    assert (place.resolver, round(place.ra, 1)) == ("OpenNGC", 6.0)


def test_a_moving_body_says_where_and_when_or_that_nobody_knows(resolve):
    jupiter, pluto = resolve.position("Jupiter"), resolve.position("pluto")
    seen = get_body("jupiter", Time(MOMENT), ephemeris="builtin")
    assert (jupiter.ra, jupiter.dec, jupiter.moment) == (
        pytest.approx(seen.ra.deg, abs=0.05), pytest.approx(seen.dec.deg, abs=0.05), MOMENT,
    )  # fmt: skip
    assert (pluto.kind, pluto.ra, pluto.moment) == ("moving", None, None)


@pytest.mark.parametrize("text", ["jupiter", "Pluto", "134340 pluto", "1 Ceres", "Saturn"])
def test_a_moving_body_is_searched_by_name_wherever_it_stood(archive, resolve, text):
    search = Search(archive.engine, resolve, archive.targets)
    page = search.find(search.parse({"position": text, "columns": "obs_number", "limit": "1000"}))
    expected = {
        row["obs_number"]
        for row in archive.rows()
        if row["moving_target"]
        and body_key(text) in {body_key(row[name] or "-") for name in ("target_name", "target_standard_name")}
    }
    assert set(page.table["obs_number"].to_pylist()) == expected
    assert bool(expected) is (text != "Saturn")
    assert search.facets(search.parse({"position": text})).total == len(expected)
    outlines = search.footprints(search.parse({"position": text})).table["obs_number"].to_pylist()
    assert set(outlines) == {row["obs_number"] for row in archive.rows() if row["s_ra"] is not None} & expected


def test_pages_of_a_moving_body_go_on_while_it_moves(archive):
    moments = iter([MOMENT, datetime(2026, 11, 23, tzinfo=UTC)])
    search = Search(archive.engine, Resolve(archive.engine, now=lambda: next(moments)), archive.targets)
    first = search.find(search.parse({"position": "Jupiter", "columns": "obs_number", "limit": "2"}))
    again = search.parse({"position": "Jupiter", "columns": "obs_number", "limit": "2", "after": first.next})
    assert not set(search.find(again).table["obs_number"].to_pylist()) & set(first.table["obs_number"].to_pylist())


def test_a_cursor_of_one_body_does_not_page_another(archive, resolve):
    search = Search(archive.engine, resolve, archive.targets)
    first = search.find(search.parse({"position": "Jupiter", "limit": "1"}))
    with pytest.raises(InvalidQueryError, match="after"):
        search.find(search.parse({"position": "Pluto", "limit": "1", "after": first.next}))


def test_a_radius_around_a_moving_body_is_refused(resolve):
    with pytest.raises(InvalidQueryError, match="Jupiter moves"):
        resolve.region("Jupiter", "1'")


def test_an_unknown_name_is_refused_with_the_closest_of_archive_and_catalogue(resolve):
    with pytest.raises(UnresolvedNameError) as refused:
        resolve.position("Whirlpol Galaxi")
    assert "Whirlpool Galaxy" in refused.value.closest
    with pytest.raises(UnresolvedNameError) as refused:
        resolve.position("Jupiter Backgruond")
    assert refused.value.closest[0] == "JUPITER-BACKGROUND"


def test_objects_are_suggested_after_the_archives_own(resolve):
    found = [(each.kind, each.value, each.count, each.label) for each in resolve.suggestions("ic 43")]
    assert found[0][:3] == ("target", "IC 434", 1)
    assert ("object", "IC 43", None, None) in found
    assert [value for _, value, *_ in found].count("IC 434") == 1
    assert ("object", "M 51", None, "NGC 5194, Whirlpool Galaxy") in [
        (each.kind, each.value, each.count, each.label) for each in resolve.suggestions("whirl")
    ]
