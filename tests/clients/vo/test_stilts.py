"""STILTS, as TOPCAT's engine: queries, uploads, sky matches, and its validator of TAP services."""

import re
import shutil
import subprocess

import pytest
from astropy.io.votable import parse_single_table
from astropy.table import Table

from support.bringing import compare, everything

pytestmark = [
    pytest.mark.skipif(shutil.which("stilts") is None, reason="SKIPPED FOR WANT OF STILTS (Debian package stilts)"),
    pytest.mark.filterwarnings("ignore"),
]
STAGES = ["TMV", "TME", "TMS", "TMC", "CPV", "CAP", "AVV", "QGE", "QPO", "QAS", "UWS", "MDQ", "OBS", "UPL", "EXA"]
"""All but LOC, which is about tables of planned observations, and EPN, which is about planets."""
MOST_WARNINGS = 10
QUERY = "SELECT TOP 3 obs_id, s_ra, t_min FROM ivoa.ObsCore ORDER BY obs_id, obs_publisher_did"


def stilts(*arguments):
    done = subprocess.run(["stilts", *arguments], check=False, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("sync", ["true", "false"])
def test_a_query_with_an_upload(service, tmp_path, sync):
    Table({"ra": [159.3, 10.0], "dec": [-58.62, 10.0]}).write(tmp_path / "mine.vot", format="votable")
    query = "SELECT o.obs_id, m.ra FROM TAP_UPLOAD.mine AS m JOIN ivoa.ObsCore AS o ON 1=CONTAINS(POINT('ICRS', o.s_ra, o.s_dec), CIRCLE('ICRS', m.ra, m.dec, 0.001))"
    stilts(
        "tapquery", f"tapurl={service.tap}", f"sync={sync}", f"adql={query}", "nupload=1", "upname1=mine",
        f"upload1={tmp_path / 'mine.vot'}", f"out={tmp_path / 'out.csv'}",
        *(["poll=100"] if sync == "false" else []),
    )  # fmt: skip
    assert len(Table.read(tmp_path / "out.csv", format="csv")) == 2


@pytest.mark.parametrize("sync", ["true", "false"])
def test_an_upload_comes_back_as_it_went(service, tmp_path, sync):
    mine = everything()
    mine.write(tmp_path / "mine.vot", format="votable")
    stilts(
        "tapquery", f"tapurl={service.tap}", f"sync={sync}", "adql=SELECT * FROM TAP_UPLOAD.mine ORDER BY id", "nupload=1",
        "upname1=mine", f"upload1={tmp_path / 'mine.vot'}", f"out={tmp_path / 'back.vot'}",
    )  # fmt: skip
    compare(mine, parse_single_table(tmp_path / "back.vot").to_table(use_names_over_ids=True))


def test_a_job_that_was_left_alone_is_taken_up_again(service, tmp_path):
    stilts(
        "tapquery", f"tapurl={service.tap}", "sync=false", "delete=never", f"adql={QUERY}", f"out={tmp_path / 'first.csv'}"
    )  # fmt: skip
    asked = {"LANG": "ADQL", "QUERY": QUERY, "PHASE": "RUN"}
    job = service.client.post(f"{service.tap}/async", data=asked, follow_redirects=False).headers["location"]
    stilts("tapresume", f"joburl={job}", "poll=100", "delete=finished", f"out={tmp_path / 'second.csv'}")
    assert (tmp_path / "first.csv").read_text() == (tmp_path / "second.csv").read_text()
    assert len(Table.read(tmp_path / "second.csv", format="csv")) == 3
    assert service.client.get(job).status_code == 404


def test_a_sky_match_in_blocks(service, tmp_path):
    Table({"RA": [159.30001, 274.7, 10.0], "DEC": [-58.62, -13.84, 10.0]}).write(tmp_path / "in.vot", format="votable")
    stilts(
        "tapskymatch", f"tapurl={service.tap}", "taptable=ivoa.ObsCore", "taplon=s_ra", "taplat=s_dec", "tapcols=obs_id,s_ra",
        f"in={tmp_path / 'in.vot'}", "inlon=RA", "inlat=DEC", "sr=0.005", "blocksize=2", f"out={tmp_path / 'out.csv'}",
    )  # fmt: skip
    matched = Table.read(tmp_path / "out.csv", format="csv")
    assert set(matched["RA"]) == {159.30001, 274.7}


def test_the_validator_finds_no_fault(service, tmp_path):
    report = stilts("taplint", f"tapurl={service.tap}", f"stages={' '.join(STAGES)}", "report=EWF", "maxrepeat=20")
    (tmp_path / "taplint.txt").write_text(report)
    errors, warnings, failures = (
        int(number)
        for number in re.search(
            r"^Totals: Errors: (\d+); Warnings: (\d+); Failures: (\d+)", report, re.MULTILINE
        ).groups()
    )
    assert (errors, failures) == (0, 0), report
    assert warnings <= MOST_WARNINGS, report
