"""astroquery's TapPlus, which scripts for other archives use."""

import pytest
from astropy.table import Table
from astroquery.utils.tap.core import TapPlus

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the client library are its own

QUERY = "SELECT TOP 3 obs_id, s_ra FROM ivoa.ObsCore ORDER BY obs_id"


@pytest.fixture(scope="module")
def tap(service):
    return TapPlus(url=service.tap)


def test_tables_are_loaded(tap):
    names = {table.get_qualified_name() for table in tap.load_tables()}
    assert any(name.endswith("ivoa.ObsCore") for name in names)


@pytest.mark.parametrize("launch", ["launch_job", "launch_job_async"])
@pytest.mark.parametrize("form", ["votable", "csv", "ecsv"])  # its reading of FITS that is not compressed is broken
def test_queries_are_answered_in_each_format(tap, launch, form):
    found = getattr(tap, launch)(QUERY, output_format=form).get_results()
    assert len(found) == 3
    assert set(found.colnames) == {"obs_id", "s_ra"}


@pytest.mark.parametrize("launch", ["launch_job", "launch_job_async"])
def test_tables_are_uploaded(tap, launch, tmp_path):
    mine = tmp_path / "mine.vot"
    Table({"n": [1, 2, 3]}).write(mine, format="votable")
    query = "SELECT n, n * 2 AS twice FROM tap_upload.mine ORDER BY n"
    found = getattr(tap, launch)(query, upload_resource=str(mine), upload_table_name="mine").get_results()
    assert list(found["twice"]) == [2, 4, 6]
