"""Planned exposures: kept by programme, ended by what arrives, readable as they were."""

from datetime import UTC, datetime

import pytest

from deepfield.catalogue.numbers import next_snapshot
from deepfield.catalogue.plans import Plans
from deepfield.model.observation import Energy, Position, Target, Time
from deepfield.model.plan import PlannedExposure, PlanWindow, Repeat

MADE = datetime(2026, 3, 1, tzinfo=UTC)
VISIT = "01234001001"


def planned(exposure=1, visit=VISIT, **changed):
    fields = {
        "obs_id": f"jw{visit}_xx102_{exposure:05d}_nircam",
        "program": "1234",
        "observation_number": visit[5:8],
        "visit_id": visit,
        "source": "01234.aptx",
        "planned_at": MADE,
        "status": "Flight Ready",
        "status_group": "planned",
        "target": Target("NGC 3324", type="FIXED"),
        "instrument_name": "NIRCAM",
        "template": "NIRCam Imaging",
        "position": Position(159.2, -58.6, "CIRCLE ICRS 159.2 -58.6 0.05", 0.1),
        "energy": Energy(1.755e-6, 2.226e-6, "F200W"),
        "time": Time(exposure=1200.0),
        "window": PlanWindow(MADE, datetime(2026, 4, 26, tzinfo=UTC)),
        "repeats": Repeat("01234009001", "88123"),
    }
    return PlannedExposure(**(fields | changed))


@pytest.fixture
def saved(database):
    with database.begin() as connection:
        seq = next_snapshot(connection)
        assert Plans().save(connection, seq, "1234", [planned(1), planned(2), planned(1, "01234002001")]) == 3
    return seq


def rows(database, visit=VISIT, snapshot=None):
    with database.read() as connection:
        return Plans().of_visit(connection, visit, snapshot=snapshot)


def test_a_planned_row_has_level_minus_one_a_window_and_no_start(database, saved):
    first, second = rows(database)
    assert (first["obs_id"], second["obs_id"]) == (f"jw{VISIT}_xx102_00001_nircam", f"jw{VISIT}_xx102_00002_nircam")
    assert (first["calib_level"], first["t_min"], first["window_start"]) == (-1, None, MADE)
    assert (first["repeats"], first["problem_id"], first["healpix"] is None) == ("01234009001", "88123", False)


def test_a_new_plan_changes_only_what_differs_and_ends_what_is_gone(database, saved):
    scheduled = planned(1, status="Scheduled", time=Time(61100.25, 61100.3, 1200.0))
    with database.begin() as connection:
        changed = Plans().save(connection, next_snapshot(connection), "1234", [scheduled, planned(1, "01234002001")])
    assert changed == 2
    (row,) = rows(database)
    assert (row["visit_status"], row["t_min"]) == ("Scheduled", 61100.25)
    assert len(rows(database, snapshot=saved)) == 2
    assert len(rows(database, "01234002001")) == 1


def test_plans_of_a_visit_whose_exposures_arrived_end_and_stay_as_history(database, saved):
    with database.begin() as connection:
        assert Plans().replace(connection, next_snapshot(connection), [VISIT]) == 2
    assert rows(database) == []
    assert len(rows(database, snapshot=saved)) == 2
    assert len(rows(database, "01234002001")) == 1
