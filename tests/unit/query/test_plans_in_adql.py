"""``ivoa.ObsPlan``: planned visits after ObsLocTAP, found by place and time."""

from datetime import UTC, datetime

import pytest
from astropy.time import Time as AstropyTime

from deepfield.catalogue.numbers import next_snapshot
from deepfield.catalogue.plans import Plans
from deepfield.model.observation import Energy, Position, Target, Time
from deepfield.model.plan import PlannedExposure, PlanWindow
from support.asking import askable

MADE = datetime(2026, 3, 1, 6, tzinfo=UTC)
OUTLINE = "POLYGON ICRS 159.1 -58.7 159.3 -58.7 159.3 -58.5 159.1 -58.5"


def planned(name, **changed):
    fields = {
        "obs_id": f"jw01234001001_xx102_{name}_nircam",
        "program": "1234",
        "observation_number": "001",
        "visit_id": "01234001001",
        "source": "01234.aptx",
        "planned_at": MADE,
        "status_group": "planned",
        "target": Target("NGC 3324", type="FIXED"),
        "instrument_name": "NIRCAM",
        "position": Position(159.2, -58.6, OUTLINE, 0.3),
        "energy": Energy(1.755e-6, 2.226e-6, "F200W"),
        "time": Time(exposure=1200.0),
    }
    return PlannedExposure(**(fields | changed))


PLANS = (
    planned("00001", window=PlanWindow(MADE, datetime(2026, 4, 26, tzinfo=UTC))),
    planned("00002", time=Time(61100.25, 61100.3, 1200.0)),
    planned("00003", status_group="failed"),
    planned("00004", status_group="archived", target=Target("Ceres", type="MOVING"), position=None),
    planned("00005", status_group="withdrawn", position=Position(10.0, 20.0, "CIRCLE ICRS 10 20 0.05", 0.1)),
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with askable(tmp_path_factory.mktemp("plans"), 3) as made:
        assert made.ask("SELECT COUNT(*) FROM ivoa.ObsPlan").rows == [(0,)]
        with made.database.begin() as connection:
            Plans().save(connection, next_snapshot(connection), "1234", PLANS)
        made.replica.catch_up()
        yield made


def test_a_planned_visit_is_described_as_the_standard_asks(archive):
    told = archive.ask("SELECT * FROM ivoa.ObsPlan WHERE obs_id LIKE '%00001%'")
    row = dict(zip((column.name for column in told.columns), told.rows[0], strict=True))
    assert row["t_planning"] == pytest.approx(AstropyTime(MADE).mjd, abs=1e-9)
    assert (row["target_name"], row["obs_collection"], row["facility_name"]) == ("NGC 3324", "JWST", "JWST")
    assert (row["s_ra"], row["s_dec"], row["s_region"], row["t_plan_exptime"]) == (159.2, -58.6, OUTLINE, 1200.0)
    assert (row["t_min"], row["category"], row["em_min"], row["priority"]) == (None, "Window", 1.755e-6, None)


def test_the_status_and_tracking_are_words_of_the_standard(archive):
    told = archive.ask("SELECT execution_status, tracking_type, category FROM ivoa.ObsPlan ORDER BY obs_id")
    assert told.rows == [
        ("Planned", "Sidereal", "Window"),
        ("Scheduled", "Sidereal", "Other"),
        ("Aborted", "Sidereal", "Other"),
        ("Performed", "Solar-system-object-tracking", "Other"),
        ("Unscheduled", "Sidereal", "Other"),
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("1 = CONTAINS(POINT(159.12, -58.68), s_region)", 3),
        ("1 = CONTAINS(POINT(159.06, -58.6), s_region)", 0),
        ("1 = INTERSECTS(CIRCLE(159.0, -58.6, 0.1), s_region)", 3),
        ("1 = INTERSECTS(CIRCLE(10.0, 20.14, 0.1), s_region)", 1),
        ("DISTANCE(s_ra, s_dec, 10.0, 20.0) < 0.001", 1),
        ("t_min BETWEEN 61100 AND 61101", 1),
    ],
)
def test_planned_visits_are_found_by_place_and_time(archive, condition, expected):
    assert archive.ask(f"SELECT COUNT(*) FROM ivoa.ObsPlan WHERE {condition}").rows == [(expected,)]


def test_a_snapshot_of_before_has_no_plans(archive):
    assert archive.ask("SELECT COUNT(*) FROM ivoa.ObsPlan", snapshot=1).rows == [(0,)]
