"""astroquery as it comes from PyPI, pointed at this archive by configuration alone."""

import json
import math
from pathlib import Path

import pytest

from deepfield.access.principal import STAFF
from deepfield.web.app import create_app
from support.archive import EXCLUSIVE, EXCLUSIVE_FILE, EXPOSURES, PUBLIC, build_archive, write_products
from support.clients import client_python, run_client
from support.serving import served

CONFIGURATION = "[mast]\nserver = {0}\ncatalogs_server = {0}\nenable_cloud_dataset = False\n"
NIRCAM = sorted(set(EXPOSURES) - {EXCLUSIVE})
F444W = "jw01111002001_02101_00001_nrcalong"
IN_F200W = sorted(set(NIRCAM) - {F444W})
FILESETS = ["jw01111001001_02101_00001", "jw01111001001_02101_00002", "jw01111002001_02101_00001"]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the journey got."""
    client_python("astroquery")
    folder = tmp_path_factory.mktemp("astroquery")
    write_products(folder / "products")
    (folder / "config").mkdir()
    with build_archive(folder / "home", folder / "products") as archive:
        archive.accounts.add("pi", display_name="Svein R.")
        archive.accounts.grant("2222", "pi", "pi", by=STAFF)
        _, token = archive.accounts.make_token("pi", "journey")
        with served(create_app(archive)) as client:
            address = str(client.base_url).rstrip("/")
            (folder / "config" / "astroquery.cfg").write_text(CONFIGURATION.format(address))
            script = Path(__file__).with_name("astroquery_journey.py")
            environment = {"ASTROPY_CONFIG_DIR": str(folder / "config"), "RESOLVER": address}
            told = run_client("astroquery", script, "NGC 3324", EXCLUSIVE_FILE, token, folder=folder, **environment)
    return json.loads(told.splitlines()[-1])


def test_what_there_is_to_ask(found):
    assert found["missions"] == ["JWST"]
    assert found["metadata"]["observations"]["obs_collection"] == "Mission"
    assert found["metadata"]["observations"]["obs_id"] == "Observation ID"
    assert "parent_obsid" in found["metadata"]["products"]


def test_every_observation_with_masts_columns_and_types(found):
    assert found["everything"] == sorted(EXPOSURES)
    assert found["columns"][:4] == ["intentType", "obs_collection", "provenance_name", "instrument_name"]
    assert found["columns"][-3:] == ["srcDen", "obsid", "objID"]
    kinds = {name: found["kinds"][name] for name in ("obsid", "calib_level", "t_min", "mtFlag", "s_region")}
    assert kinds == {"obsid": "U", "calib_level": "i", "t_min": "f", "mtFlag": "b", "s_region": "U"}
    assert found["count"] == len(EXPOSURES)


def test_criteria(found):
    assert found["criteria"] == {
        "bare instrument": NIRCAM,
        "mode": NIRCAM,
        "wildcard": NIRCAM,
        "filter": [F444W],
        "range": [PUBLIC],
        "several": IN_F200W,
        "rights": [EXCLUSIVE],
        "nothing": 0,
    }


def test_a_cone_measures_to_the_footprint_in_arcsec_and_pages_fit_together(found):
    cone = found["cone"]
    assert sorted(cone) == NIRCAM
    assert cone[PUBLIC] == 0, "the position lies within"
    beside = cone["jw01111001001_02101_00002_nrcb1"]  # 0.01° further in RA, its edge 16″ nearer
    assert math.isclose(beside, 0.01 * 3600 * math.cos(math.radians(58.62)) - 16, abs_tol=0.5)
    assert found["cone count"] == 3
    assert found["pages"] == NIRCAM
    assert found["second page"] == 1
    assert found["criteria in a cone"] == [F444W]


def test_names_are_resolved_by_this_archive(found):
    assert found["object"] == NIRCAM
    assert found["resolved"] == pytest.approx([159.30, -58.62], abs=0.1)
    assert found["mission object"] == FILESETS


def test_products_are_listed_and_downloaded_whole_and_not_twice(found):
    assert found["products"] == sorted(f"{name}_{suffix}.fits" for name in EXPOSURES for suffix in ("cal", "uncal"))
    assert found["parents"]
    assert found["recommended"] == sorted(f"{name}_cal.fits" for name in EXPOSURES)
    assert found["downloads"] == {f"{name}_cal.fits": "COMPLETE" for name in NIRCAM}
    assert found["on disk"] == found["sizes"]
    assert found["again"]


def test_exclusive_data_open_with_a_token_and_close_without(found):
    assert found["session"] == "Svein R."
    states = [found[when] for when in ("without a token", "with a token", "after logout")]
    assert states == ["ERROR", "COMPLETE", "ERROR"]


def test_keywords_of_files(found):
    assert [row["filename"] for row in found["keywords"]] == sorted(
        f"{name}_{suffix}.fits" for name in IN_F200W for suffix in ("cal", "uncal")
    )
    first = found["keywords"][0]
    assert (first["program"], first["filter"], first["productLevel"]) == ("1111", "F200W", "2b")
    assert len(first["date_obs"]) == len("/Date(1712689643699)/")


def test_mistakes_are_told_with_what_would_be_right(found):
    assert "'targetname'" in found["unknown filter"]
    assert "did you mean target_name" in found["unknown filter"]
    assert "Mast.Caom.Cone" in found["unknown service"]
    assert "invalid input" in found["bad condition"]


def test_the_missions_search_answers_by_fileset(found):
    assert {"search_pos", "search_key", "ang_sep"} <= set(found["mission columns"])
    assert found["filesets"] == FILESETS
    assert found["levels"] == "1b, 2b"
    assert found["around"][FILESETS[0]] == 0
    assert 0 < found["around"][FILESETS[1]] < 0.1
    miri = [EXCLUSIVE.rpartition("_")[0]]
    assert found["conditions"] == {
        "not": miri,
        "pi": miri,
        "program": FILESETS[:2],
        "date": miri,
        "access": miri,
    }
    assert found["mission products"] == sorted(f"{name}_{s}.fits" for name in NIRCAM for s in ("cal", "uncal"))
    assert found["mission filtered"] == sorted(f"{name}_cal.fits" for name in NIRCAM)
    assert found["mission download"] == "COMPLETE"
