"""Names, types, units: what a query means, and what is said of each column of its result."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest

from deepfield.catalogue.published import load_published
from deepfield.model.errors import AdqlNameError, AdqlTypeError, InvalidQueryError
from deepfield.model.tables import Column
from deepfield.query.engines.adql import Upload
from support.asking import product_of
from support.synthetic import NOW

ONE = "FROM TAP_SCHEMA.schemas WHERE schema_name = 'ivoa'"


def one(archive, *values, version="2.1"):
    """The only row of some values."""
    (row,) = archive.ask(f"SELECT {', '.join(values)} {ONE}", version=version).rows
    return row


@pytest.mark.parametrize("name", list(load_published()))
def test_every_table_gives_its_columns_as_it_describes_them(archive, name):
    if load_published()[name].feed.lake:
        pytest.skip("the lake has its own tests")
    told = archive.ask(f"SELECT * FROM {name}", maxrec=3)
    described = load_published()[name].table.columns
    keys = ("name", "type", "unit", "ucd", "utype", "xtype", "arraysize", "description")
    assert [[getattr(column, key) for key in keys] for column in told.columns] == [
        [column.name.strip('"'), *(getattr(column, key) for key in keys[1:])] for column in described
    ]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT S_RA, s_Dec FROM IVOA.obscore",
        "SELECT obscore.s_ra, ivoa.obscore.s_dec FROM ivoa.ObsCore",
        'SELECT "s_ra", o."s_dec" FROM ivoa."ObsCore" AS o',
        'SELECT "O".s_ra, "O".s_dec FROM ivoa.ObsCore AS "O"',
        "SELECT s_ra, s_dec FROM ObsCore",
        "WITH a AS (SELECT s_ra, s_dec FROM ivoa.ObsCore) SELECT b.s_ra, s_dec FROM a AS b",
        "SELECT t.s_ra, t.s_dec FROM (SELECT s_ra, s_dec FROM ivoa.ObsCore) AS t",
    ],
)
def test_names_are_found_whatever_their_case_and_delimited_ones_exactly(archive, query):
    assert len(archive.ask(query).rows) == len(archive.observations)


@pytest.mark.parametrize(
    ("query", "word", "line", "column", "closest"),
    [
        ("SELECT obs_ID2\nFROM ivoa.ObsCore", "obs_ID2", 1, 8, "obs_id"),
        ("SELECT s_ra\nFROM ivoa.ObsCor", "ivoa.ObsCor", 2, 6, "ivoa.ObsCore"),
        ("SELECT s_ra FROM caom2.ObsCore", "caom2.ObsCore", 1, 18, "ivoa.ObsCore"),
        ("SELECT\n  o.s_raa FROM ivoa.ObsCore AS o", "o.s_raa", 2, 3, "s_ra"),
        ("SELECT x.s_ra FROM ivoa.ObsCore AS o", "x", 1, 8, None),
        ('SELECT "S_RA" FROM ivoa.ObsCore', "S_RA", 1, 8, '"s_ra", since names in double quotes have a case'),
        ("SELECT ivo_hasward(obs_id, 'x') FROM ivoa.ObsCore", "ivo_hasward", 1, 8, "ivo_hasword"),
        ("SELECT s_ra FROM TAP_UPLOAD.mine", "TAP_UPLOAD.mine", 1, 18, None),
        ("SELECT z.* FROM ivoa.ObsCore AS o", "z", 1, 8, None),
        ("SELECT s_ra FROM ivoa.ObsCore ORDER BY s_decc", "s_decc", 1, 40, "s_dec"),
        ("SELECT a.obs_id FROM ivoa.ObsCore a JOIN jwst.products b USING (obs_idd)", "obs_idd", 1, 65, "obs_id"),
    ],
)
def test_an_unknown_name_is_pointed_at_with_the_nearest_right_one(archive, query, word, line, column, closest):
    with pytest.raises(AdqlNameError) as caught:
        archive.ask(query)
    error = caught.value
    assert (error.value, error.line, error.column, error.closest) == (word, line, column, closest)


def test_a_name_of_several_tables_is_refused_and_both_are_offered(archive):
    with pytest.raises(AdqlNameError, match=r"a\.obs_id or b\.obs_id"):
        archive.ask("SELECT obs_id FROM ivoa.ObsCore AS a, jwst.products AS b")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT obs_id FROM ivoa.ObsCore WHERE proposal_id = 1000", "'1000'"),
        ("SELECT obs_id FROM ivoa.ObsCore WHERE t_min > 'yesterday'", "a number"),
        ("SELECT obs_id FROM ivoa.ObsCore WHERE obs_release_date > 'yesterday'", "2026-03-01"),
        ("SELECT obs_id FROM ivoa.ObsCore WHERE s_region = 'POLYGON'", "CONTAINS"),
        ("SELECT obs_id + 1 FROM ivoa.ObsCore", "a number"),
        ("SELECT SUM(obs_id) FROM ivoa.ObsCore", "a number"),
        ("SELECT AVG(AVG(s_ra)) FROM ivoa.ObsCore", "aggregate"),
        ("SELECT obs_id FROM ivoa.ObsCore WHERE COUNT(*) > 1", "HAVING"),
        ("SELECT obs_id, COUNT(*) FROM ivoa.ObsCore", "GROUP BY"),
        ("SELECT obs_id, COUNT(*) FROM ivoa.ObsCore GROUP BY s_ra", "GROUP BY"),
        ("SELECT s_ra FROM ivoa.ObsCore ORDER BY 2", "from 1 to 1"),
        ("SELECT DISTINCT s_ra FROM ivoa.ObsCore ORDER BY s_dec", "DISTINCT"),
        ("SELECT s_ra FROM ivoa.ObsCore UNION SELECT s_ra, s_dec FROM ivoa.ObsCore", "as many columns"),
        ("SELECT s_ra FROM ivoa.ObsCore UNION SELECT obs_id FROM ivoa.ObsCore", "a number in column s_ra"),
        ("SELECT obs_id FROM ivoa.ObsCore WHERE s_ra IN (SELECT s_ra, s_dec FROM ivoa.ObsCore)", "1 column"),
        ("SELECT IN_UNIT(s_ra, 'm') FROM ivoa.ObsCore", "deg can be brought to"),
        ("SELECT IN_UNIT(calib_level, 'm') FROM ivoa.ObsCore", "unit is known"),
        ("SELECT IN_UNIT(s_ra, 'furlong') FROM ivoa.ObsCore", "VOUnits"),
        ("SELECT ivo_hasword(obs_id) FROM ivoa.ObsCore", "ivo_hasword"),
        ("SELECT COALESCE(s_ra, obs_id) FROM ivoa.ObsCore", "one type"),
        ("SELECT AREA(s_ra) FROM ivoa.ObsCore", "a geometry"),
        ("SELECT COORD1(s_region) FROM ivoa.ObsCore", "a point"),
        ("SELECT DISTANCE(s_region, POINT(1, 2)) FROM ivoa.ObsCore", "a point"),
        ("SELECT s_ra FROM ivoa.ObsCore NATURAL JOIN TAP_SCHEMA.keys", "in common"),
    ],
)
def test_what_cannot_stand_where_it_does_is_refused_with_what_could(archive, query, expected):
    with pytest.raises(AdqlTypeError) as caught:
        archive.ask(query)
    assert expected in str(caught.value)


def test_a_number_that_cannot_stand_is_pointed_at_through_what_it_is_compared_with(archive):
    with pytest.raises(AdqlTypeError) as caught:
        archive.ask("SELECT obs_id FROM ivoa.ObsCore\nWHERE proposal_id = 1000")
    assert (caught.value.line, caught.value.column) == (2, 7)


def test_a_star_after_using_and_natural_joins_has_common_columns_once_and_first(archive):
    told = archive.ask("SELECT * FROM jwst.products AS p JOIN caom2.Observation AS o ON p.obsid = o.obsID", maxrec=1)
    assert len(told.columns) == 29 + 29
    using = archive.ask("SELECT * FROM ivoa.ObsCore JOIN jwst.products USING (obs_id, filters)", maxrec=1)
    names = [column.name for column in using.columns]
    assert names[:2] == ["obs_id", "filters"]
    assert names.count("obs_id") == 1
    natural = archive.ask(
        "SELECT table_name, COUNT(*) FROM TAP_SCHEMA.tables NATURAL JOIN TAP_SCHEMA.schemas GROUP BY table_name"
    )
    assert natural.rows == []  # description and utype are common as well, and differ


@pytest.mark.parametrize("side", ["LEFT", "RIGHT", "FULL"])
def test_the_common_column_of_an_outer_join_is_never_missing(archive, side):
    left = "(SELECT obs_id, s_ra FROM ivoa.ObsCore WHERE calib_level = 1) AS a"
    right = "(SELECT obs_id, s_dec FROM ivoa.ObsCore WHERE calib_level > 1) AS b"
    found = archive.ask(f"SELECT obs_id FROM {left} {side} OUTER JOIN {right} USING (obs_id)").first
    levels = {"LEFT": {1}, "RIGHT": {2, 3}, "FULL": {1, 2, 3}}[side]
    assert found == {row["obs_id"] for row in archive.observations if row["calib_level"] in levels}


def test_numbers_keep_their_kind_and_divide_as_the_standard_says(archive):
    row = one(
        archive, "7 / 2", "-7 / 2", "7 / 2.0", "MOD(-7, 3)", "MOD(7.5, 2)", "2000000000 * 3", "1 / 0", "1.0 / 0", "0x1F"
    )
    assert row == (3, -3, 3.5, -1, 1.5, 6_000_000_000, None, None, 31)
    row = one(
        archive,
        "ROUND(2.567, 1)",
        "ROUND(-2.5)",
        "TRUNCATE(-2.567, 2)",
        "TRUNCATE(1567.8, -2)",
        "CEILING(1.2)",
        "FLOOR(-1.2)",
        "POWER(2, 10)",
        "SQRT(2) * SQRT(2)",
        "LOG(EXP(1))",
        "LOG10(1000)",
        "ABS(-3)",
        "DEGREES(PI())",
    )
    assert row == pytest.approx((2.6, -3.0, -2.56, 1500.0, 2.0, -2.0, 1024.0, 2.0, 1.0, 3.0, 3, 180.0))
    assert one(archive, "COS(0)", "ACOS(1)", "ATAN2(1, 1) * 4 - PI()", "COT(PI() / 4)") == pytest.approx((1, 0, 0, 1))
    (number,) = one(archive, "RAND()")
    assert 0 <= number < 1


def test_texts_are_compared_with_their_case(archive):
    assert one(archive, "'a' || 'b' || 'c'", "LOWER('ÄB')", "UPPER('x')") == ("abc", "äb", "X")
    count = "SELECT COUNT(*) FROM TAP_SCHEMA.schemas WHERE {}"
    for condition, expected in {
        "schema_name = 'IVOA'": 0,
        "schema_name LIKE 'iv%'": 1,
        "schema_name LIKE 'IV%'": 0,
        "schema_name ILIKE 'IV__'": 1,
        "schema_name NOT LIKE '%v%'": 4,
        "schema_name LIKE 'TAP_SCHEMA'": 1,
        "schema_name IN ('ivoa', 'dbo', 'none')": 2,
        "schema_name BETWEEN 'a' AND 'e'": 2,
        "LOWER(schema_name) = 'tap_schema'": 1,
        "schema_name = 'it''s'": 0,
        "utype IS NULL": 5,
        "NOT (utype IS NOT NULL)": 5,
    }.items():
        assert archive.ask(count.format(condition)).rows == [(expected,)], condition


def test_times_are_compared_with_iso_8601(archive):
    expected = {row["obs_id"] for row in archive.observations if row["data_release"] and row["data_release"] <= NOW}
    for literal in (
        NOW.strftime("'%Y-%m-%d'"),
        NOW.strftime("'%Y-%m-%dT%H:%M:%SZ'"),
        "CAST('2026-06-01T00:00:00' AS TIMESTAMP)",
    ):
        assert archive.ask(f"SELECT obs_id FROM ivoa.ObsCore WHERE obs_release_date <= {literal}").first == expected
    assert archive.ask("SELECT obs_id FROM ivoa.ObsCore WHERE data_rights = 'public'").first == expected
    told = archive.ask(
        "SELECT MAX(obs_release_date), ivo_to_mjd(MAX(obs_release_date)), CAST(MAX(obs_release_date) AS CHAR(10)) FROM ivoa.ObsCore"
    )
    latest = max(row["data_release"] for row in archive.observations if row["data_release"]).replace(tzinfo=None)
    (row,) = told.rows
    assert row[0] == latest
    assert row[1] == pytest.approx((latest - datetime(1858, 11, 17)).total_seconds() / 86400, abs=1e-9)
    assert row[2] == latest.isoformat()[:10]


def test_casts_change_type_and_say_what_cannot_be_one(archive):
    assert one(
        archive, "CAST('12' AS INTEGER)", "CAST(2.0 AS BIGINT)", "CAST(3 AS VARCHAR)", "CAST('abc' AS CHAR(2))"
    ) == (12, 2, "3", "ab")
    with pytest.raises(InvalidQueryError, match="Could not convert"):
        archive.ask("SELECT CAST(obs_id AS INTEGER) FROM ivoa.ObsCore")


@pytest.mark.parametrize(
    ("value", "kind", "unit", "ucd"),
    [
        ("s_ra", "float64", "deg", "pos.eq.ra"),
        ("(t_exptime)", "float64", "s", "time.duration;obs.exposure"),
        ("MIN(em_min)", "float64", "m", "em.wl;stat.min"),
        ("AVG(t_exptime)", "float64", "s", "time.duration;obs.exposure"),
        ("SUM(access_estsize)", "int64", "kbyte", "phys.size;meta.file"),
        ("COUNT(*)", "int64", None, "meta.number"),
        ("COUNT(DISTINCT obs_id)", "int64", None, "meta.number"),
        ("MAX(obs_id)", "string", None, "meta.id"),
        ("MAX(t_max) - MIN(t_min)", "float64", "d", None),
        ("MAX(em_max) * 1e6", "float64", None, None),
        ("ABS(MIN(s_dec))", "float64", "deg", None),
        ("IN_UNIT(MIN(em_min), 'um')", "float64", "um", "em.wl;stat.min"),
        ("SIN(MIN(s_ra))", "float64", None, None),
        ("RADIANS(MIN(s_ra))", "float64", "rad", None),
        ("COALESCE(MIN(s_ra), 0)", "float64", "deg", "pos.eq.ra"),
        ("DISTANCE(1, 2, 3, 4)", "float64", "deg", "pos.angDistance"),
        ("AREA(CIRCLE(1, 2, 3))", "float64", "deg**2", "phys.angArea"),
        ("1", "int32", None, None),
        ("9999999999", "int64", None, None),
        ("NULL", "string", None, None),
    ],
)
def test_unit_and_ucd_go_with_a_value_as_far_as_they_are_true(archive, value, kind, unit, ucd):
    (column,) = archive.ask(f"SELECT {value} FROM ivoa.ObsCore", maxrec=0).columns
    assert (column.type, column.unit, column.ucd) == (kind, unit, ucd)


@pytest.mark.parametrize(
    ("value", "system"),
    [
        ("s_ra", "icrs"),
        ("s_region", "icrs"),
        ("t_min AS began", "utc_mjd"),
        ("MAX(t_max)", None),
        ("t_max - t_min", None),
        ("SUM(t_min)", None),
        ("COUNT(t_min)", None),
        ("t_exptime", None),
    ],
)
def test_the_frame_goes_with_a_position_or_time_and_not_with_what_is_computed_of_it(archive, value, system):
    (column,) = archive.ask(f"SELECT {value} FROM ivoa.ObsCore", maxrec=0).columns
    assert column.system == system


def test_columns_have_their_alias_name_or_function(archive):
    told = archive.ask(
        'SELECT s_ra AS Alpha, S_DEC, COUNT(*) AS "how many", AVG(t_min), 1 FROM ivoa.ObsCore GROUP BY s_ra, s_dec',
        maxrec=1,
    )
    assert [column.name for column in told.columns] == ["Alpha", "s_dec", "how many", "avg", "column_5"]


def test_groups_orders_limits_and_offsets_follow_the_standard(archive):
    told = archive.ask(
        "SELECT calib_level AS stage, COUNT(*) AS n FROM ivoa.ObsCore GROUP BY calib_level HAVING COUNT(*) > 1 ORDER BY n DESC, stage"
    )
    levels = [row["calib_level"] for row in archive.observations]
    expected = sorted(((level, levels.count(level)) for level in set(levels)), key=lambda pair: (-pair[1], pair[0]))
    assert told.rows == expected
    assert (
        archive.ask(
            "SELECT TOP 2 calib_level AS stage, COUNT(*) AS n FROM ivoa.ObsCore GROUP BY stage ORDER BY 2 DESC OFFSET 1"
        ).rows
        == expected[1:3]
    )
    first = archive.ask("SELECT TOP 5 t_min FROM ivoa.ObsCore ORDER BY t_min DESC").rows
    assert first == [
        (value,) for value in sorted((row["t_min"] for row in archive.observations if row["t_min"]), reverse=True)[:5]
    ]
    assert archive.ask("SELECT t_min FROM ivoa.ObsCore ORDER BY t_min").rows[-1] == (None,)
    assert archive.ask("SELECT TOP 0 * FROM ivoa.ObsCore").rows == []


def test_queries_are_joined_by_sets_and_stand_in_one_another(archive):
    numbers = {row["obs_number"] for row in archive.observations}
    low = {row["obs_number"] for row in archive.observations if row["calib_level"] == 1}
    half = "SELECT obsID FROM caom2.Plane WHERE calibrationLevel = 1"
    rest = "SELECT obsID FROM caom2.Plane WHERE calibrationLevel > 1"
    everything = "SELECT obsID FROM caom2.Observation"
    assert archive.ask(f"{half} UNION {rest}").first == numbers
    assert archive.ask(f"{everything} EXCEPT {rest}").first == low
    assert archive.ask(f"({everything}) INTERSECT ({half}) ORDER BY obsID DESC").rows[0] == (max(low),)
    assert len(archive.ask(f"{half} UNION ALL {half}").rows) == 2 * len(low)
    for condition in (
        f"o.obsID IN ({half})",
        "EXISTS (SELECT 1 FROM caom2.Plane AS p WHERE p.obsID = o.obsID AND p.calibrationLevel = 1)",
        "NOT EXISTS (SELECT 1 FROM caom2.Plane AS o2 WHERE o2.obsID = o.obsID AND calibrationLevel > 1)",
    ):
        assert archive.ask(f"SELECT obsID FROM caom2.Observation AS o WHERE {condition}").first == low


def test_user_functions_do_what_their_registry_says(archive):
    row = one(
        archive,
        "ivo_hasword('The Cosmic cliffs', 'cosmic')",
        "ivo_hasword('cosmical', 'cosmic')",
        "ivo_hasword('a.b', 'a')",
        "ivo_hashlist_has('image#cube', 'Cube')",
        "ivo_nocasematch('NIRCam', 'nir%')",
        "ivo_interval_overlaps(1, 3, 3, 5)",
        "ivo_interval_overlaps(1, 2, 3, 5)",
        "ivo_healpix_index(0, 45, 45)",
        "ivo_to_jd('2000-01-01T12:00:00')",
    )
    assert row == (1, 0, 1, 1, 1, 1, 0, 0, 2451545.0)
    count = "SELECT COUNT(*) FROM ivoa.ObsCore WHERE ivo_healpix_index(8, s_ra, s_dec) <> ivo_healpix_index(8, s_ra + 0.0, s_dec)"
    assert archive.ask(count).rows == [(0,)]
    told = archive.ask("SELECT ivo_string_agg(schema_name, '+') FROM TAP_SCHEMA.schemas WHERE schema_name < 'b'")
    assert told.rows == [("TAP_SCHEMA",)]


def test_uploads_keep_their_names_types_and_gaps(archive):
    columns = (
        Column("My name", "unicode", "what"), Column("my NAME", "int16", ""), Column("date", "timestamp", ""),
        Column("flux", "float32", "", unit="Jy", ucd="phot.flux"), Column("at", "float64", "", xtype="point", arraysize="2"),
        Column("ok", "bool", ""),
    )  # fmt: skip
    rows = pa.table(
        {
            "a": ["Ä", None], "b": pa.array([1, 2], pa.int16()), "c": pa.array([datetime(2026, 1, 1), None], pa.timestamp("us")),
            "d": pa.array([1.5, float("nan")], pa.float32()), "e": pa.array([[10.0, 20.0], None], pa.list_(pa.float64(), 2)),
            "f": [True, None],
        }
    )  # fmt: skip
    told = archive.ask("SELECT * FROM TAP_UPLOAD.t", uploads={"t": Upload(columns, rows)})
    assert told.columns == columns
    assert told.rows == [("Ä", 1, datetime(2026, 1, 1), 1.5, [10.0, 20.0], True), (None, 2, None, None, None, None)]
    query = 'SELECT "my NAME", COORD2("at") FROM TAP_UPLOAD.T WHERE CONTAINS("at", CIRCLE(10, 20, 1)) = 1 AND "date" > \'2025-12-31\' AND ok = 1'
    assert archive.ask(query, uploads={"t": Upload(columns, rows)}).rows == [(1, 20.0)]


def test_links_and_identifiers_name_this_archive(archive):
    row = archive.observations[0]
    told = archive.ask(
        f"SELECT access_url, obs_publisher_did, access_estsize, access_format FROM ivoa.ObsCore WHERE obs_id = '{row['obs_id']}'"
    )
    name = product_of(row)["filename"]
    assert told.rows == [
        (
            f"https://archive.example/products/{name}",
            f"ivo://archive.example/jwst?{row['obs_id']}/cal",
            5,
            "application/fits",
        )
    ]


def test_at_most_one_row_more_than_wanted_leaves_the_engine(archive):
    assert len(archive.ask("SELECT obs_id FROM ivoa.ObsCore", maxrec=7).rows) == 8
    assert len(archive.ask("SELECT TOP 3 obs_id FROM ivoa.ObsCore", maxrec=7).rows) == 3
    assert (
        len(archive.ask("SELECT obs_id FROM ivoa.ObsCore UNION ALL SELECT obs_id FROM ivoa.ObsCore", maxrec=7).rows)
        == 8
    )


def test_a_query_stays_a_query(archive):
    for hostile in ("x'; DROP TABLE dataset_all; --", 'x" FROM dataset_all --', "$now", "{0}", "\\", "%s"):
        word = hostile.replace("'", "''")
        assert archive.ask(f"SELECT obs_id FROM ivoa.ObsCore WHERE obs_id = '{word}'").rows == []
        alias = hostile.replace('"', '""')
        assert (
            archive.ask(f'SELECT TOP 1 s_ra AS "{alias}" FROM ivoa.ObsCore ORDER BY "{alias}"').columns[0].name
            == hostile
        )
    for table in ("dataset_all", "replica_state", "duckdb_tables", "described.columns", "'/etc/passwd'"):
        with pytest.raises(InvalidQueryError):
            archive.ask(f"SELECT * FROM {table}")
