"""What pyvo's users do: look around, ask, ask later, bring their own tables."""

import pytest
import pyvo
from astropy.table import Table

from support.bringing import compare, everything

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the client libraries are theirs

CONE = "SELECT obs_id, s_ra, s_dec, t_min FROM ivoa.ObsCore WHERE 1=CONTAINS(POINT('ICRS', s_ra, s_dec), CIRCLE('ICRS', 159.3, -58.62, 0.1)) ORDER BY obs_id"


@pytest.fixture(scope="module")
def tap(service):
    return pyvo.dal.TAPService(service.tap)


def test_a_cone_gives_rows_with_units_and_meaning(tap):
    found = tap.search(CONE)
    assert len(found) == 6  # three exposures, uncal and cal planes
    assert found.getdesc("s_ra").unit == "deg"
    assert found.getdesc("s_ra").ucd == "pos.eq.ra"
    assert found.getdesc("t_min").utype == "obscore:Char.TimeAxis.Coverage.Bounds.Limits.StartTime"
    assert 159.29 < found["s_ra"][0] < 159.32


def test_tables_and_capabilities_are_read(tap):
    assert {"ivoa.ObsCore", "jwst.products", "TAP_SCHEMA.columns"} <= set(tap.tables.keys())
    assert tap.tables["ivoa.ObsCore"].columns[0].name
    assert tap.maxrec > 0
    assert tap.hardlimit >= tap.maxrec
    assert {method.ivo_id for method in tap.upload_methods} >= {"ivo://ivoa.net/std/TAPRegExt#upload-inline"}
    assert tap.available


def test_every_example_runs(tap):
    assert len(tap.examples) >= 5
    for example in tap.examples:
        example.execute()


def test_maxrec_cuts_and_says_so(tap):
    found = tap.search("SELECT obs_id FROM ivoa.ObsCore", maxrec=2)
    assert (len(found), found.status[0]) == (2, "OVERFLOW")


def test_a_wrong_query_tells_what_is_wrong_and_where(tap):
    with pytest.raises(pyvo.DALQueryError, match="obs_idd"):
        tap.search("SELECT obs_idd FROM ivoa.ObsCore")


def test_a_job_runs_to_its_end(tap):
    job = tap.submit_job(CONE)
    assert job.phase == "PENDING"
    job.run().wait(phases=["COMPLETED", "ERROR"], timeout=30)
    assert job.phase == "COMPLETED"
    assert len(job.fetch_result()) == 6
    job.delete()
    with pytest.raises(pyvo.DALServiceError):
        _ = pyvo.dal.AsyncTAPJob(job.url).phase


def test_run_async_gives_what_search_gives(tap):
    assert list(tap.run_async(CONE)["obs_id"]) == list(tap.search(CONE)["obs_id"])


def test_a_job_that_fails_says_why(tap):
    job = tap.submit_job("SELECT nothing FROM ivoa.ObsCore")
    job.run().wait(phases=["COMPLETED", "ERROR"], timeout=30)
    with pytest.raises(pyvo.DALQueryError, match="nothing"):
        job.raise_if_error()
    job.delete()


def test_a_job_is_aborted(tap):
    job = tap.submit_job("SELECT COUNT(*) FROM ivoa.ObsCore")
    job.abort()
    assert job.phase == "ABORTED"
    job.delete()


@pytest.mark.parametrize("how", ["search", "run_async"])
def test_an_upload_comes_back_as_it_went(tap, how):
    mine = everything()
    back = getattr(tap, how)("SELECT * FROM TAP_UPLOAD.mine", uploads={"mine": mine}).to_table()
    back.sort("id")
    compare(mine, back)


def test_targets_are_matched_by_position(tap):
    targets = Table({"name": ["cliffs", "nowhere"], "ra": [159.30001, 10.0], "dec": [-58.62001, 10.0]})
    found = tap.search(
        "SELECT t.name, o.obs_id, DISTANCE(POINT(t.ra, t.dec), POINT(o.s_ra, o.s_dec)) AS d FROM TAP_UPLOAD.targets AS t"
        " JOIN ivoa.ObsCore AS o ON 1=CONTAINS(POINT(o.s_ra, o.s_dec), CIRCLE(t.ra, t.dec, 0.001))",
        uploads={"targets": targets},
    )
    assert set(found["name"]) == {"cliffs"}
    assert all(found["d"] < 0.001)
