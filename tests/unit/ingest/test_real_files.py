"""Every real file against what we expect of it, and real footprints against an independent computation."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from deepfield.ingest.assemble import assemble
from deepfield.ingest.blueprint import FileFacts, identify
from deepfield.ingest.links import links
from deepfield.model.coverage import Polygon, parse_region, separation
from deepfield.model.errors import UnreadableFileError
from deepfield.products.header import Header
from deepfield.products.reader import read_header

if TYPE_CHECKING:
    from deepfield.model.observation import Observation

TABLE = Path(__file__).with_name("real_files.tsv")
EXPECTED = list(csv.DictReader(TABLE.read_text("utf-8").splitlines(), delimiter="\t"))


def facts_of(path: Path) -> FileFacts:
    return identify(read_header(path), size=path.stat().st_size, sha256="0" * 64)


def observation_of(path: Path) -> Observation:
    facts = facts_of(path)
    assert facts.obs_id is not None
    return assemble(facts.obs_id, [facts])


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda row: row["path"])
def test_a_real_file_becomes_what_the_table_expects(expected: dict[str, str], real_data: Path) -> None:
    try:
        facts = facts_of(real_data / expected["path"])
    except UnreadableFileError as error:
        assert expected["verdict"] == "refused"
        assert error.reason.startswith(expected["reason"])  # noqa: PT017
        return

    assert facts.verdict == expected["verdict"]
    if facts.verdict != "product":
        assert facts.reason is not None
        assert facts.reason.startswith(expected["reason"])
        return
    observation = assemble(facts.obs_id or "", [facts])
    found = (
        facts.obs_id,
        facts.product_type,
        facts.suffix or "-",
        observation.instrument_mode,
        str(observation.calib_level or "-"),
        observation.dataproduct_type or "-",
        (observation.energy.bandpass if observation.energy else None) or "-",
    )
    columns = ("obs_id", "product_type", "suffix", "instrument_mode", "calib_level", "dataproduct_type", "filters")
    assert found == tuple(expected[column] for column in columns)
    if expected["ra"] == "-":
        assert observation.position is None
    else:
        assert observation.position is not None
        there = (observation.position.ra, observation.position.dec)
        assert separation(there, (float(expected["ra"]), float(expected["dec"]))) < 0.0003


def test_the_table_names_every_real_fits_asdf_association_and_catalogue_file(real_data: Path) -> None:
    files = {str(path.relative_to(real_data)) for path in real_data.rglob("*") if path.is_file()}
    endings, folders = (".fits", ".fits.gz", ".fits.zip", ".asdf", ".ecsv"), ("associations/", "catalogs/", "fits/")

    wanted = {name for name in files if name.endswith(endings) or name.startswith(folders)}
    assert wanted == {row["path"] for row in EXPECTED}


@pytest.mark.parametrize(
    "name", ["jw01288015001_04101_00001_mirimage_i2d.fits", "jw01288015001_26101_00003_mirimage_i2d.fits"]
)
def test_real_footprints_are_the_outer_corners_of_the_pixels(name: str, real_data: Path) -> None:
    path = real_data / "fits" / "miri" / name
    observation = observation_of(path)

    with fits.open(path) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        world = WCS(opened["SCI"].header)
        height, width = opened["SCI"].shape

    assert observation.position is not None
    region = parse_region(observation.position.region or "")
    assert isinstance(region, Polygon)
    pixels = world.all_world2pix(np.array(region.vertices), 0)
    corners = np.array([[-0.5, -0.5], [-0.5, height - 0.5], [width - 0.5, height - 0.5], [width - 0.5, -0.5]])
    for corner in corners:
        assert np.min(np.hypot(*(pixels - corner).T)) < 0.1
    assert any("pixels off" in note for note in observation.notes)


def test_a_header_without_region_gets_the_corners_of_its_world_coordinates(real_data: Path) -> None:
    observation = observation_of(real_data / "fits" / "misc" / "jw42424001001_01101_00001_nrca1_rate.fits.gz")

    assert observation.position is not None
    assert "corners of the FITS world coordinates" in observation.origin["position"]
    region = parse_region(observation.position.region or "")
    assert isinstance(region, Polygon)
    assert region.area() == pytest.approx((2048 * 0.0311 / 3600) ** 2, rel=0.01)


def test_other_real_files_are_identified_kept_or_refused_with_a_reason(real_data: Path) -> None:
    named = {row["path"] for row in EXPECTED}
    for path in sorted(path for path in real_data.rglob("*") if path.is_file()):
        if str(path.relative_to(real_data)) in named or "listings" in path.parts:
            continue
        try:
            facts = facts_of(path)
        except UnreadableFileError as error:
            assert error.reason  # noqa: PT017 (either answer is right, a crash is not)
            continue
        if facts.verdict == "product":
            assert assemble(facts.obs_id or "", [facts]).obs_id == facts.obs_id
        else:
            assert facts.reason


def test_real_associations_and_pools_are_listed_with_what_they_name(real_data: Path) -> None:
    folder = real_data / "associations"
    names = ("jw01328-c1006_20250607t031018_spec3_00001_asn.json", "jw01328_20250607t031018_pool.csv")

    association, pool = links([facts_of(folder / name) for name in names])

    assert association.names("jw01328-c1006_t014_miri_ch3-long")
    assert association.names("jw01328015001_02101_00001_mirifulong")
    assert not association.names("jw01328-c1006_t015_miri_ch3-long")
    assert pool.names("jw01328015001_02101_00001_mirifulong")
    assert not pool.names("jw01288015001_04101_00001_mirimage")


def test_real_headers_survive_being_stored(real_data: Path) -> None:
    for path in sorted((real_data / "fits" / "nirspec").iterdir()):
        header = read_header(path)
        assert Header.from_json(header.to_json()) == header
