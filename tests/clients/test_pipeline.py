"""stpsf and the JWST pipeline as they come from PyPI, pointed at this archive by configuration alone."""

import json
from pathlib import Path

import pytest

from clients.test_astroquery import CONFIGURATION
from deepfield.bootstrap import build
from deepfield.config import Settings
from deepfield.web.app import create_app
from support.clients import client_python, run_client
from support.serving import served

PROGRAM = "90876"
MAPS = ["R2025040901-NRCA1_FP6-1.fits", "R2025040902-NRCA1_FP6-1.fits"]


@pytest.fixture(scope="module")
def sensing(simulated):
    return simulated / f"jw{PROGRAM}"


@pytest.fixture(scope="module")
def journey(sensing, tmp_path_factory):
    """What the clients got, and what the portal answers to the same questions."""
    client_python("pipeline")
    folder = tmp_path_factory.mktemp("pipeline")
    for name in ("config", "stpsf-data"):
        (folder / name).mkdir()
    with build(Settings(home=folder / "home", workers=2)) as archive:
        archive.intake.ingest([sensing])
        archive.replica.catch_up()
        with served(create_app(archive)) as client:
            address = str(client.base_url).rstrip("/")
            (folder / "config" / "astroquery.cfg").write_text(CONFIGURATION.format(address))
            script = Path(__file__).with_name("pipeline_journey.py")
            environment = {
                "ASTROPY_CONFIG_DIR": str(folder / "config"),
                "STPSF_PATH": str(folder / "stpsf-data"),
                "ENG_BASE_URL": address,
                "MPLBACKEND": "agg",
            }
            told = run_client("pipeline", script, PROGRAM, "SA_ZATTEST2", folder=folder, **environment)
            asked = {"proposal_id": PROGRAM, "algorithm": "exposure", "columns": "visit_id,obs_id"}
            portal = client.get("/api/v1/observations", params=asked).json()["data"]
    return json.loads(told.splitlines()[-1]), portal


def test_stpsf_finds_the_wavefront_maps_and_reads_them(journey, sensing):
    found, _ = journey
    assert found["maps"] == MAPS
    assert {"date", "date_obs_mjd", "visitId", "apername", "corr_id", "fileName", "dataURI"} <= set(found["columns"])
    assert found["around"] == MAPS, "the last before and the first after"
    assert Path(found["closest"]).name in MAPS
    assert found["kept"] == (sensing / MAPS[0]).stat().st_size
    assert found["opd"] == [256, 256]


def test_stpsf_tells_what_was_measured_before_a_correction_from_what_was_measured_after(journey):
    found, _ = journey
    assert found["measurements"] == ["pre", "post"]


def test_stpsf_finds_what_the_portal_finds(journey):
    found, portal = journey
    assert found["visits"] == sorted({f"V{visit}" for visit in portal["visit_id"] if visit})
    first = {name for name in portal["obs_id"] if name.startswith(f"jw{PROGRAM}001")}
    assert found["images"] == sorted(f"{name}_cal.fits" for name in first)
    assert len(first) == 2


def test_a_product_is_downloaded_by_its_uri_as_jdaviz_does(journey):
    found, _ = journey
    assert (found["by uri"], found["of uri"]) == ("COMPLETE", found["kept"])


def test_the_engineering_client_finds_the_service_alive_and_is_told_at_once_what_it_lacks(journey):
    found, _ = journey
    assert found["alive"]
    assert "404" in found["no such mnemonic"]
