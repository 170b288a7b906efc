"""Searches against brute force over the rows of the catalogue, for random filters, sorts and places."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepfield.model.coverage import Circle, parse_regions
from deepfield.model.errors import InvalidQueryError, TimeLimitError, UnknownColumnError
from deepfield.query.engines.duckdb import DuckEngine
from deepfield.query.outlines import Outlines
from deepfield.services.search import Search
from support.searching import in_order, make_archive, separation
from support.synthetic import FILTERS, INSTRUMENTS, NOW, commit, commit_to, observation, offset

ROWS = 2500
MJD = datetime(1858, 11, 17, tzinfo=UTC)
RELAXED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    made = make_archive(tmp_path_factory.mktemp("archive"), ROWS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def rows(archive):
    return archive.rows()


def escaped(value):
    return "null" if value is None else "".join("\\" + character for character in value)


@st.composite
def conditions(draw):
    """Draw a column, the text of a filter, and the same filter as a function of a row."""
    kind = draw(st.sampled_from(["category", "level", "number", "time", "release", "access", "em", "flag", "like"]))
    if kind == "category":
        name, pool = draw(st.sampled_from([("filters", FILTERS), ("instrument_name", INSTRUMENTS)]))
        wanted = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=True))
        if draw(st.booleans()):
            return name, ",".join("!" + escaped(each) for each in wanted), lambda row: row[name] not in wanted
        return name, ",".join(escaped(each) for each in wanted), lambda row: row[name] in wanted
    if kind == "level":
        low = draw(st.integers(-1, 3))
        return "calib_level", f"{low}..", lambda row: row["calib_level"] is not None and row["calib_level"] >= low
    if kind == "number":
        low, high = sorted(10 ** draw(st.floats(-1, 5)) for _ in range(2))
        return (
            "t_exptime",
            f"{low!r}..{high!r},null",
            lambda row: row["t_exptime"] is None or low <= row["t_exptime"] <= high,
        )
    if kind == "time":
        day = draw(st.integers(59_700, 61_300))
        date = (MJD + timedelta(days=day)).date().isoformat()
        return "t_min", f"..{date}", lambda row: row["t_min"] is not None and row["t_min"] < day + 1
    if kind == "release":
        day = (NOW + timedelta(days=draw(st.integers(-900, 400)))).replace(hour=0)
        return (
            "data_release",
            f"!{day:%Y-%m}",
            lambda row: row["data_release"] is None or f"{row['data_release']:%Y-%m}" != f"{day:%Y-%m}",
        )
    if kind == "access":
        word = draw(st.sampled_from(["public", "exclusive"]))
        return "access", word, lambda row: row["access"] == word
    if kind == "em":
        low, high = sorted(draw(st.floats(0.5e-6, 15e-6)) for _ in range(2))
        return (
            "em",
            f"{low!r}..{high!r}",
            lambda row: None not in (row["em_min"], row["em_max"]) and row["em_max"] >= low and row["em_min"] <= high,
        )
    if kind == "flag":
        return "is_tso", "!true", lambda row: row["is_tso"] is not True
    return (
        "filters",
        "f*w*",
        lambda row: (row["filters"] or "").lower().startswith("f") and "w" in row["filters"].lower(),
    )


@st.composite
def searches(draw):
    drawn = draw(st.lists(conditions(), max_size=4, unique_by=lambda each: each[0]))
    return {name: text for name, text, _ in drawn}, {name: holds for name, _, holds in drawn}


def matching(rows, holds, *, without=None):
    return [row for row in rows if all(hold(row) for name, hold in holds.items() if name != without)]


@RELAXED
@given(search=searches(), snapshot=st.sampled_from([None, 1, 2]))
def test_a_search_finds_the_rows_that_hold_every_filter_at_every_snapshot(archive, search, snapshot):
    params, holds = search
    query = archive.search.parse({**params, "columns": "obs_number", "limit": "20000"})
    page = archive.search.find(replace(query, snapshot=snapshot))
    expected = [row["obs_number"] for row in matching(archive.rows(snapshot), holds)]
    assert sorted(page.table["obs_number"].to_pylist()) == sorted(expected)
    assert page.total == len(expected)
    assert page.snapshot == (snapshot or 3)


@RELAXED
@given(search=searches())
def test_counts_of_values_are_those_of_the_whole_archive_under_the_other_filters(archive, rows, search):
    params, holds = search
    names = ["instrument_name", "filters", "calib_level", "access", "is_tso", "proposal_id"]
    facets = archive.search.facets(archive.search.parse(params), names)
    assert (facets.total, facets.all) == (len(matching(rows, holds)), ROWS)
    for facet in facets.facets:
        counts = Counter(row[facet.column] for row in matching(rows, holds, without=facet.column))
        ghosts = Counter(row[facet.column] for row in rows)
        assert {each.value: (each.count, each.ghost) for each in facet.values} == {
            value: (counts[value], ghosts[value]) for value in ghosts
        }


@RELAXED
@given(search=searches())
def test_histograms_count_every_row_of_the_archive_in_the_bin_whose_edges_hold_it(archive, rows, search):
    params, holds = search
    names = ["t_min", "t_exptime", "em", "data_release", "access_estsize", "n_products", "s_dec"]
    for facet in archive.search.facets(archive.search.parse(params), names).facets:
        left = matching(rows, holds, without=facet.column)
        assert histogram(left, facet) == (facet.counts, facet.nulls, facet.below)
        assert histogram(rows, facet)[0] == facet.ghost


def histogram(rows, facet):
    counts, nulls, below = [0] * len(facet.counts), 0, 0
    for row in rows:
        low, high = ends(row, facet.column)
        if low is None or high is None:
            nulls += 1
        elif facet.scale == "log" and high <= 0:
            below += 1
        else:
            for at in range(bin_of(low, facet.edges), bin_of(high, facet.edges) + 1):
                counts[at] += 1
    return tuple(counts), nulls, below


def ends(row, column):
    if column == "em":
        return (row["em_min"], row["em_max"]) if None not in (row["em_min"], row["em_max"]) else (None, None)
    value = row[column]
    if isinstance(value, datetime):
        value = (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) / 86_400e6 + 40587.0
    return value, value


def bin_of(value, edges):
    assert edges[0] <= value <= edges[-1]
    return max(at for at in range(len(edges) - 1) if edges[at] <= value)


@RELAXED
@given(
    search=searches(),
    keys=st.lists(
        st.tuples(
            st.sampled_from(["t_min", "t_exptime", "filters", "data_release", "calib_level", "target_name", "is_tso"]),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda key: key[0],
    ),
    limit=st.integers(200, 900),
)
def test_pages_by_cursor_run_through_all_rows_in_order_without_gap_or_repeat(archive, rows, search, keys, limit):
    params, holds = search
    sort = ",".join(("-" if descending else "") + name for name, descending in keys)
    query = archive.search.parse({**params, "sort": sort, "columns": "obs_number", "limit": str(limit)})
    seen = []
    while True:
        page = archive.search.find(query)
        seen += page.table["obs_number"].to_pylist()
        if page.next is None:
            break
        query = replace(query, after=page.next)
    assert seen == in_order(matching(rows, holds), keys)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_cone_on_centres_holds_those_within_its_radius(archive, rows, data):
    ra, dec = data.draw(st.sampled_from([(0.001, 0.0), (0.0, 90.0), (200.0, -89.99), (359.99, 45.0), (53.1, -27.8)]))
    radius = data.draw(st.sampled_from([0.0, 0.001, 0.02, 0.2, 1.5, 3.0, 40.0, 91.0, 180.0]))
    page = cone(archive, ra, dec, radius, "center")
    expected = {row["obs_number"] for row in rows if row["s_ra"] is not None and separation(row, ra, dec) <= radius}
    assert set(page.table["obs_number"].to_pylist()) == expected
    assert page.total == len(expected)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_region_holds_every_footprint_that_it_overlaps(archive, rows, data):
    place = data.draw(st.sampled_from([(0.001, 0.0), (0.0, 90.0), (200.0, -89.99), (359.99, 45.0), (53.1, -27.8)]))
    size = data.draw(st.sampled_from([0.0, 1e-4, 0.02, 0.2, 1.5, 3.0, 40.0]))
    text = f"CIRCLE {place[0]} {place[1]} {size}"
    if data.draw(st.booleans()) and size:
        corners = [offset(*place, size, 90 * at + data.draw(st.floats(0, 80))) for at in range(4)]
        text = "POLYGON " + " ".join(f"{ra!r} {dec!r}" for ra, dec in corners)
    query = archive.search.parse({"position": text, "columns": "obs_number", "limit": "20000"})
    found = archive.search.find(query)
    placed = [row for row in rows if row["s_ra"] is not None]
    outlines = Outlines.read([r["s_region"] for r in placed], [r["s_ra"] for r in placed], [r["s_dec"] for r in placed])
    (region,) = parse_regions(text)
    expected = {row["obs_number"] for row, met in zip(placed, outlines.meet(region), strict=True) if met}
    assert set(found.table["obs_number"].to_pylist()) == expected
    assert found.total == len(expected)
    assert archive.search.facets(query, ["instrument_name"]).total == len(expected)


def cone(archive, ra, dec, radius, match):
    query = archive.search.parse({"position": f"{ra} {dec}", "radius": repr(radius), "match": match, "limit": "20000"})
    return archive.search.find(replace(query, columns=("obs_number",)))


def test_several_regions_hold_what_any_of_them_does(archive):
    one = archive.search.find(archive.search.parse({"position": "circle 0.001 0 0.1", "limit": "20000"}))
    other = archive.search.find(archive.search.parse({"position": "circle 53.1 -27.8 0.1", "limit": "20000"}))
    both = "circle 0.001 0 0.1 circle 53.1 -27.8 0.1"
    assert archive.search.find(archive.search.parse({"position": both})).total == one.total + other.total


def test_a_wide_search_takes_its_far_members_without_looking_at_each(archive, rows):
    ghosts = archive.search.facets(archive.search.parse({"position": "circle 0 0 89"}), ["instrument_name"])
    outlines = [row for row in rows if row["s_ra"] is not None]
    met = Outlines.read(
        [r["s_region"] for r in outlines], [r["s_ra"] for r in outlines], [r["s_dec"] for r in outlines]
    ).meet(Circle(0, 0, 89))
    assert ghosts.total == int(met.sum())


def test_texts_are_found_by_word_beginning_and_misspelling_best_first(archive, rows):
    carina = {row["obs_number"] for row in rows if row["proposal_title"] == "Cosmic cliffs of the Carina nebula"}
    for text in ("carina", "Cosmic CLIFFS", "cari neb", "carinna", "pontoppidan carina", "NGC3324", "ngc 3324"):
        page = archive.search.find(archive.search.parse({"text": text, "columns": "obs_number", "limit": "20000"}))
        assert set(page.table["obs_number"].to_pylist()) == carina, text
    for text in ("opik", "ÖPIK andromeda", "m31"):
        page = archive.search.find(archive.search.parse({"text": text, "columns": "target_name", "limit": "20000"}))
        assert set(page.table["target_name"].to_pylist()) == {"M31"}, text
    assert archive.search.find(archive.search.parse({"text": "carina andromeda"})).total == 0
    assert archive.search.find(archive.search.parse({"text": "zzzzqqq"})).total == 0


def test_what_a_text_names_comes_before_what_mentions_it(archive):
    page = archive.search.find(archive.search.parse({"text": "ngc", "columns": "target_name", "limit": "20000"}))
    assert page.table["target_name"].to_pylist()[0] in {"NGC 3324", "NGC-3324-BKG"}
    first = archive.search.find(archive.search.parse({"text": "ngc 3324", "columns": "obs_number", "limit": "7"}))
    second = archive.search.find(
        replace(archive.search.parse({"text": "ngc 3324", "columns": "obs_number", "limit": "7"}), after=first.next)
    )
    assert not set(first.table["obs_number"].to_pylist()) & set(second.table["obs_number"].to_pylist())


def test_a_name_is_found_by_its_beginning(archive, rows):
    prefix = rows[7]["obs_id"][:12]
    page = archive.search.find(archive.search.parse({"text": prefix, "columns": "obs_id", "limit": "20000"}))
    assert sorted(page.table["obs_id"].to_pylist()) == sorted(
        r["obs_id"] for r in rows if r["obs_id"].startswith(prefix)
    )


def test_a_file_name_leads_to_its_observation(tmp_path):
    archive = make_archive(tmp_path, 60)
    row = {
        "artifact_number": 9000, "obs_number": 17, "product_id": "cal", "filename": "jw04242001001_02101_00001_mirimage_cal.fits",
        "extension": "fits", "product_type": "SCIENCE", "description": "", "content_type": "application/fits",
        "content_length": 5, "sha256": "0", "version": 1, "location": "", "linked": True, "has_preview": False, "archived_at": NOW,
    }  # fmt: skip
    commit_to(archive.database, "artifact", [row])
    archive.replica.catch_up()
    page = archive.search.find(archive.search.parse({"text": "jw04242001001_02101", "columns": "obs_number"}))
    assert page.table["obs_number"].to_pylist() == [17]
    assert archive.search.status().products == 1
    assert archive.resolve.suggestions("jw04242")[0].value == row["filename"]
    archive.close()


def test_footprints_say_when_they_are_not_all(archive, rows):
    query = archive.search.parse({})
    placed = sum(row["s_ra"] is not None for row in rows)
    some, all_of_them = archive.search.footprints(query, limit=10), archive.search.footprints(query)
    assert (some.total, some.truncated, some.table.num_rows) == (placed, True, 10)
    assert (all_of_them.total, all_of_them.truncated, all_of_them.table.num_rows) == (placed, False, placed)


def test_pages_after_a_cursor_read_the_snapshot_of_the_first(tmp_path):
    archive = make_archive(tmp_path, 100)
    query = archive.search.parse({"sort": "obs_id", "limit": "50", "columns": "obs_number"})
    first = archive.search.find(query)
    commit(archive.database, [observation(number, Random(3)) for number in range(101, 150)])
    archive.replica.catch_up()
    second = archive.search.find(replace(query, after=first.next))
    assert (second.snapshot, second.total, second.next) == (first.snapshot, 100, None)
    assert len({*first.table["obs_number"].to_pylist(), *second.table["obs_number"].to_pylist()}) == 100
    assert archive.search.find(query).total == 149
    archive.close()


def test_a_release_moves_rows_from_exclusive_to_public_without_a_commit(archive, rows):
    later = NOW + timedelta(days=200)
    clock = [NOW]
    search = Search(archive.engine, archive.resolve, archive.targets, now=lambda: clock[0])
    before = search.facets(search.parse({}), ["access"]).facets[0]
    clock[0] = later
    after = search.facets(search.parse({}), ["access"]).facets[0]
    released = sum(row["data_release"] is not None and NOW < row["data_release"] <= later for row in rows)
    assert released > 0
    assert public(after) == public(before) + released


def public(facet):
    return next(each.ghost for each in facet.values if each.value == "public")


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": "20001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"snapshot": "99"}, "snapshot"),
        ({"radius": "1"}, "radius"),
        ({"position": "circle 1 2 3", "radius": "1"}, "radius"),
        ({"position": "circle 1 2"}, "position"),
        ({"position": "polygon 0 0 120 0 240 0"}, "position"),
        ({"match": "edge"}, "match"),
        ({"sort": "access"}, "sort"),
        ({"sort": "t_min,-t_min"}, "sort"),
        ({"after": "rubbish"}, "after"),
        ({"text": "  "}, "text"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_by_name(archive, params, field):
    with pytest.raises(InvalidQueryError) as refused:
        archive.search.find(archive.search.parse(params))
    assert refused.value.field == field


def test_a_cursor_of_another_search_is_refused(archive):
    page = archive.search.find(archive.search.parse({"sort": "t_min", "limit": "5"}))
    with pytest.raises(InvalidQueryError, match="same search"):
        archive.search.find(archive.search.parse({"sort": "-t_min", "limit": "5", "after": page.next}))


def test_a_search_that_takes_too_long_is_stopped(archive):
    hasty = Search(DuckEngine(archive.replica, seconds=0.0), archive.resolve, archive.targets, now=lambda: NOW)
    with pytest.raises(TimeLimitError):
        for _ in range(50):
            hasty.facets(hasty.parse({"t_exptime": "1.."}))


@RELAXED
@given(
    search=searches(),
    x=st.sampled_from(["t_min", "t_exptime", "data_release", "n_products", "filters"]),
    y=st.sampled_from(["em_min", "t_exptime", "instrument_name", "is_tso", "s_fov"]),
    most=st.sampled_from([0, 20_000]),
)
def test_a_plot_has_every_row_with_a_value_on_both_axes(archive, rows, search, x, y, most):
    params, holds = search
    plot = archive.search.scatter(archive.search.parse(params), x, y, most)
    placed = [row for row in matching(rows, holds) if on_axis(row, plot.x) and on_axis(row, plot.y)]
    assert plot.total == len(placed)
    if plot.points is not None:
        assert sorted(plot.points["obs_number"].to_pylist()) == sorted(row["obs_number"] for row in placed)
        for found in plot.points.to_pylist():
            row = rows[[each["obs_number"] for each in rows].index(found["obs_number"])]
            assert (found["x"], found["y"]) == (ends(row, x)[0], ends(row, y)[0])
    else:
        counted = Counter((cell_of(row, plot.x), cell_of(row, plot.y)) for row in placed)
        assert {(i, j): n for i, line in enumerate(plot.density) for j, n in enumerate(line) if n} == counted


def on_axis(row, axis):
    value = ends(row, axis.column.name)[0]
    if axis.kind == "category":
        return value in axis.lanes
    return value is not None and (axis.bins is None or axis.bins.scale == "linear" or value > 0)


def cell_of(row, axis):
    value = ends(row, axis.column.name)[0]
    return axis.lanes.index(value) if axis.kind == "category" else bin_of(value, axis.bins.edges)


@pytest.mark.parametrize(("x", "y"), [("em", "t_min"), ("t_min", "access"), ("t_mim", "t_min"), ("t_min", "origin")])
def test_an_axis_that_cannot_be_drawn_is_refused_by_name(archive, x, y):
    with pytest.raises((InvalidQueryError, UnknownColumnError), match=r"em|access|t_mim|origin"):
        archive.search.scatter(archive.search.parse({}), x, y)
