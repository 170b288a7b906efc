"""STILTS, as TOPCAT's engine: queries, uploads, sky matches, and its validator of TAP services."""

import re
import shutil
import subprocess

import pytest
from astropy.table import Table

pytestmark = [
    pytest.mark.skipif(shutil.which("stilts") is None, reason="SKIPPED FOR WANT OF STILTS (Debian package stilts)"),
    pytest.mark.filterwarnings("ignore"),
]
STAGES = ["TMV", "TME", "TMS", "TMC", "CPV", "CAP", "AVV", "QGE", "QPO", "QAS", "UWS", "MDQ", "OBS", "UPL", "EXA"]
"""All but LOC, which is about tables of planned observations, and EPN, which is about planets."""
MOST_WARNINGS = 10


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
