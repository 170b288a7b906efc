"""Lists of targets: what is read, what each line becomes, and that a search of them finds what one by one finds."""

import gzip
import io
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfield.access.principal import ANONYMOUS
from deepfield.catalogue.targets import TargetListStore
from deepfield.model.errors import (
    InvalidQueryError,
    InvalidUploadError,
    UnknownTargetListError,
    UploadTooLargeError,
)
from deepfield.services.targetlines import MOST_LINES, read_lines
from deepfield.services.targets import TargetLists
from support.searching import make_archive
from support.synthetic import NOW, commit, observation

PLACES = [(0.001, 0.0), (53.1, -27.8), (10.0, 89.999), (200.0, -89.99), (359.99, 45.0)]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    made = make_archive(tmp_path_factory.mktemp("archive"), 1200)
    rows = [
        observation(
            2000 + at, Random(at), target_name="EINSTEIN-1", target_standard_name=None, moving_target=False,
            s_ra=30.0, s_dec=20.0, s_fov=0.04, s_region="CIRCLE ICRS 30.0 20.0 0.02",
        )
        for at in range(3)
    ]  # fmt: skip
    commit(made.database, rows)
    made.replica.catch_up()
    yield made
    made.close()


def lines_of(content):
    return [(line.number, line.text, line.label) for line in read_lines(content, "mine")]


def test_a_text_has_a_name_or_a_position_a_line_and_remarks_and_labels():
    text = "# my stars\nNGC 3324\n\n10:37:18.8 -58:37:42\nthe cliff, 159.3 -58.6\n  M 16  # an old one\nA\t10h 37m 18s -58d 37m"
    assert lines_of(text.encode()) == [
        (2, "NGC 3324", None),
        (4, "10:37:18.8 -58:37:42", None),
        (5, "159.3 -58.6", "the cliff"),
        (6, "M 16", None),
        (7, "10h 37m 18s -58d 37m", "A"),
    ]


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_a_csv_has_columns_of_positions_and_names_in_any_order_and_missing_places_fall_back_on_names(mark):
    text = "mag,DEC,name,RA\n1,2.5,a,10\n2,-1e-5,b,1.5e2\n3,,NGC 3324,\n".replace(",", mark)
    assert lines_of(text.encode("utf-8-sig")) == [
        (2, "10 2.5", "a"),
        (3, "150 -0.00001", "b"),
        (4, "NGC 3324", None),
    ]


def test_a_csv_of_names_alone_and_one_of_galactic_positions():
    assert lines_of(b"target\nM 16\nM 17") == [(2, "M 16", None), (3, "M 17", None)]
    assert lines_of(b"l,b\n285.1,-0.2") == [(2, "285.1 -0.2 galactic", None)]


@pytest.mark.parametrize("form", ["votable", "ascii.ecsv", "fits", "parquet"])
def test_tables_of_astronomers_are_read_with_their_units_and_ucds(form):
    table = Table({"object": ["a", "b"], "ra": [1.25, 2.5], "dec": [-0.5, 0.5]})
    table["ra"].unit = "hourangle" if form == "ascii.ecsv" else "deg"
    sink = io.BytesIO()
    if form == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({name: list(table[name]) for name in table.colnames}), sink)
    else:
        text = io.StringIO() if form == "ascii.ecsv" else sink
        table.write(text, format=form)
        if form == "ascii.ecsv":
            sink.write(text.getvalue().encode())
    expected = 18.75 if form == "ascii.ecsv" else 1.25
    first, second = read_lines(sink.getvalue(), "mine")
    assert (first.label, second.label) == ("a", "b")
    assert [float(word) for word in first.text.split()] == [expected, -0.5]
    assert read_lines(gzip.compress(sink.getvalue(), mtime=0), "mine") == [first, second]


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "no target"),
        (b"# nothing\n\n", "no target"),
        (b"\x80abc", "UTF-8"),
        (b"a\0b", "NUL"),
        (b"<VOTABLE", "mine"),
        (b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: mag, datatype: float64}\nmag\n1.0\n", "columns of positions"),
        (b"M 1\n" * (MOST_LINES + 1), "at most 10000"),
    ],
    ids=["empty", "remarks", "latin", "nul", "broken", "no-columns", "many"],
)
def test_what_is_no_list_is_refused_with_what_would_be_right(content, wrong):
    with pytest.raises(InvalidUploadError, match=wrong):
        read_lines(content, "mine")


def test_a_list_that_is_too_large_is_refused():
    with pytest.raises(UploadTooLargeError):
        read_lines(b"x" * 8_000_001, "mine")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_list_or_refused(content):
    with suppress(InvalidUploadError, UploadTooLargeError):
        assert read_lines(content, "mine")


def test_each_line_is_reported_as_resolved_ambiguous_or_unresolved(archive):
    kept = archive.targets.keep(
        b"einstein 1\nHUDF\nEinstien-1\n10 95\nJupiter\nb, galactic 285.1 -0.2\nB1950 10:37:18.8 -58:37:42",
        "mine",
        ANONYMOUS,
    )
    resolved, ambiguous, misspelt, off, moves, galactic, old = kept.targets
    assert (resolved.status, resolved.name, resolved.resolver) == ("resolved", "EINSTEIN-1", "archive")
    assert (resolved.ra, resolved.dec) == pytest.approx((30.0, 20.0))
    assert (ambiguous.status, ambiguous.ra) == ("ambiguous", None)
    assert len(ambiguous.choices) > 1
    assert misspelt.status == "unresolved"
    assert misspelt.closest[0] == "EINSTEIN-1"
    assert "declination" in off.reason
    assert "moves" in moves.reason
    expected = SkyCoord(285.1, -0.2, unit="deg", frame="galactic").icrs
    assert (galactic.label, galactic.ra, galactic.dec) == (
        "b",
        pytest.approx(expected.ra.deg),
        pytest.approx(expected.dec.deg),
    )
    expected = SkyCoord("10h37m18.8s", "-58d37m42s", frame="fk4").icrs
    assert (old.ra, old.dec) == (pytest.approx(expected.ra.deg), pytest.approx(expected.dec.deg))
    assert [kept.count(status) for status in ("resolved", "ambiguous", "unresolved")] == [3, 1, 3]


def test_a_list_resolves_as_its_lines_resolve_alone(archive):
    texts = ["NGC 3324", "ngc3324", "M31", "Jupiter", "10 20", "EINSTEIN 1", "galactic 10 20", "M 42"]
    for text, found in zip(texts, archive.resolve.positions(texts), strict=True):
        expected = archive.resolve.position(text)
        assert replace(found, moment=None, ra=None, dec=None) == replace(expected, moment=None, ra=None, dec=None)


def test_mending_a_line_makes_another_list_and_leaves_the_one_before(archive):
    before = archive.targets.keep(b"EINSTEIN-1\nEinstien\nHUDF\nnobody", "mine", ANONYMOUS)
    choice = before.targets[2].choices[0]
    texts = {2: "EINSTEIN-1", 3: f"{choice.ra} {choice.dec}", 4: ""}
    after = archive.targets.mend(before.list_id, texts, ANONYMOUS)
    assert after.list_id != before.list_id
    assert [(each.line, each.called, each.status) for each in after.targets] == [
        (1, "EINSTEIN-1", "resolved"), (2, "EINSTEIN-1", "resolved"), (3, "HUDF", "resolved"),
    ]  # fmt: skip
    assert archive.targets.find(before.list_id) == before
    for texts in ({9: "M 16"}, {1: "x" * 301}, dict.fromkeys(range(1, 5), "")):
        with pytest.raises(InvalidQueryError, match="lines"):
            archive.targets.mend(before.list_id, texts, ANONYMOUS)


def test_lists_are_read_back_from_the_catalogue_and_forgotten_in_time(archive):
    clock = [NOW]
    lists = TargetLists(archive.database, TargetListStore(), archive.resolve, days=2, now=lambda: clock[0])
    kept = lists.keep(b"HUDF\nEinstien\n10 20", "mine", ANONYMOUS)
    again = TargetLists(archive.database, TargetListStore(), archive.resolve, now=lambda: clock[0])
    assert again.find(kept.list_id) == kept
    clock[0] += timedelta(days=3)
    for each in (lists, again):
        with pytest.raises(UnknownTargetListError):
            each.find(kept.list_id)
    lists.keep(b"M 16", "another", ANONYMOUS)
    with archive.database.read() as connection:
        left = connection.exec_driver_sql("SELECT list_id FROM target_list").scalars().all()
    assert kept.list_id not in left


def found_by(archive, **params):
    columns = "obs_number,matched_target,target_separation,matched_targets"
    page = archive.search.find(
        archive.search.parse({"columns": columns, "limit": "20000", "sort": "obs_number", **params})
    )
    return page.table.to_pylist()


@pytest.mark.parametrize("match", ["footprint", "center"])
@pytest.mark.parametrize("radius", ["0", "20'", "2d", "10d"])
def test_a_list_finds_what_its_targets_find_one_by_one_and_says_which(archive, match, radius):
    random = Random(f"{match} {radius}")
    targets = [(ra, max(-90.0, min(90.0, dec + random.uniform(-0.1, 0.1)))) for ra, dec in PLACES * 3]
    targets += [(random.uniform(0, 360), random.uniform(-90, 90)) for _ in range(5)]
    text = "\n".join(f"t{at}, {ra:.9f} {dec:.9f}" for at, (ra, dec) in enumerate(targets))
    kept = archive.targets.keep(text.encode(), "mine", ANONYMOUS)
    meeting = {}
    for at, (ra, dec) in enumerate(targets):
        query = {
            "position": f"{ra:.9f} {dec:.9f}",
            "radius": radius,
            "match": match,
            "columns": "obs_number",
            "limit": "20000",
        }
        for number in archive.search.find(archive.search.parse(query)).table["obs_number"].to_pylist():
            meeting.setdefault(number, []).append(at)
    rows = found_by(archive, targets=kept.list_id, radius=radius, match=match)
    assert [row["obs_number"] for row in rows] == sorted(meeting)
    places = {
        row["obs_number"]: SkyCoord(row["s_ra"], row["s_dec"], unit="deg")
        for row in archive.rows()
        if row["s_ra"] is not None
    }
    for row in rows[:: max(1, len(rows) // 25)]:
        near = meeting[row["obs_number"]]
        away = {at: places[row["obs_number"]].separation(SkyCoord(*targets[at], unit="deg")).arcsec for at in near}
        nearest = min(away, key=away.__getitem__)
        assert row["matched_targets"] == len(near)
        assert row["target_separation"] == pytest.approx(away[nearest], abs=1e-4)
        assert away[int(row["matched_target"][1:])] == pytest.approx(away[nearest], abs=1e-4)
    counts = archive.search.count_by_target(
        archive.search.parse({"targets": kept.list_id, "radius": radius, "match": match})
    )
    assert counts == [sum(at in each for each in meeting.values()) for at in range(len(targets))]


def test_filters_facets_footprints_pages_and_snapshots_hold_for_a_list(archive):
    text = "\n".join(f"{ra} {dec}" for ra, dec in PLACES)
    params = {"targets": archive.targets.keep(text.encode(), "mine", ANONYMOUS).list_id, "radius": "1d"}
    everything = found_by(archive, **params)
    filtered = found_by(archive, **params, instrument_name="MIRI", sort="-target_separation,obs_number")
    numbers = {row["obs_number"] for row in archive.rows() if row["instrument_name"] == "MIRI"}
    assert {row["obs_number"] for row in filtered} == numbers & {row["obs_number"] for row in everything}
    away = [row["target_separation"] for row in filtered]
    assert away == sorted(away, reverse=True)

    query = archive.search.parse({**params, "instrument_name": "MIRI"})
    facets = archive.search.facets(query, ["instrument_name"])
    counted = {value.value: value.count for value in facets.facets[0].values}
    assert (facets.total, counted["MIRI"]) == (len(filtered), len(filtered))
    assert sum(counted.values()) == len(everything)
    assert archive.search.count(query) == archive.search.footprints(query).total == len(filtered)

    paged, after = [], {}
    while after is not None:
        page = archive.search.find(
            archive.search.parse({**params, **after, "columns": "obs_number", "limit": "37", "sort": "matched_target"})
        )
        paged += page.table["obs_number"].to_pylist()
        after = {"after": page.next} if page.next else None
    assert sorted(paged) == [row["obs_number"] for row in everything]

    past = found_by(archive, **params, snapshot="1")
    known = {row["obs_number"] for row in archive.rows(1)}
    assert past
    assert {row["obs_number"] for row in past} <= known


def test_a_list_of_many_is_matched_by_cells(archive):
    random = Random(5)
    text = "\n".join(f"{random.uniform(0, 360):.6f} {random.uniform(-90, 90):.6f}" for _ in range(9_990))
    text += "\n" + "\n".join(f"{ra} {dec}" for ra, dec in PLACES)
    kept = archive.targets.keep(text.encode(), "many", ANONYMOUS)
    alone = archive.targets.keep("\n".join(f"{ra} {dec}" for ra, dec in PLACES).encode(), "few", ANONYMOUS)
    many = {row["obs_number"] for row in found_by(archive, targets=kept.list_id, radius="0.1d")}
    assert {row["obs_number"] for row in found_by(archive, targets=alone.list_id, radius="0.1d")} <= many


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"position": "10 20"}, "position"),
        ({"radius": "11d"}, "radius"),
        ({"radius": "wide"}, "radius"),
        ({"sort": "matched"}, "column"),
    ],
)
def test_what_cannot_stand_beside_a_list_is_refused(archive, params, field):
    list_id = archive.targets.keep(b"M 16", "mine", ANONYMOUS).list_id
    with pytest.raises(InvalidQueryError) as refused:
        archive.search.parse({"targets": list_id, **params})
    assert refused.value.field == field


def test_columns_of_matches_belong_to_searches_for_lists(archive):
    with pytest.raises(InvalidQueryError):
        archive.search.parse({"sort": "matched_target"})
    with pytest.raises(UnknownTargetListError):
        archive.search.parse({"targets": "nothing"})


def test_a_list_without_a_place_finds_nothing(archive):
    list_id = archive.targets.keep(b"nobody knows", "mine", ANONYMOUS).list_id
    assert found_by(archive, targets=list_id) == []
