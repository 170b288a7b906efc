"""Astronomy of the archive against independent computation: astropy, spherely and the reference's own numbers."""

from __future__ import annotations

import csv
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import spherely
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.time import Time
from astropy.wcs import WCS

from deepfield.ingest.assemble import assemble
from deepfield.ingest.blueprint import identify
from deepfield.model.coverage import Polygon, parse_regions
from deepfield.products.reader import read_header

if TYPE_CHECKING:
    from deepfield.model.observation import Observation

DOMAIN = Path(os.environ.get("DEEPFIELD_SHARED_DOMAIN", "../shared/domain"))
PICTURES = ("cal", "i2d", "rate", "calints", "s3d")
ACROSS = 0.1
"""Pixels."""


def observation_of(path: Path) -> Observation | None:
    facts = identify(read_header(path), size=1, sha256="0" * 64)
    return assemble(facts.obs_id or "", [facts]) if facts.verdict == "product" else None


@pytest.fixture(scope="module")
def simulated_files(simulated: Path) -> list[Path]:
    """One product of each suffix and mode, which is as different as they are."""
    chosen: dict[tuple[str, ...], Path] = {}
    for path in sorted(simulated.rglob("*.fits")):
        suffix = path.stem.rpartition("_")[2]
        with fits.open(path) as opened:
            kind = (
                suffix,
                *(str(opened[0].header.get(name)) for name in ("EXP_TYPE", "DETECTOR", "FILTER", "GRATING", "BAND")),
            )
        chosen.setdefault(kind, path)
    return list(chosen.values())


def pictures(files: list[Path]) -> list[Path]:
    return [path for path in files if path.name.split(".")[0].rpartition("_")[2] in PICTURES]


def real_files(real_data: Path) -> list[Path]:
    return sorted((real_data / "fits").rglob("*.fits*"))


def check_corners(path: Path) -> bool:
    """Compare the footprint with the outer corners of the pixels by astropy; tell whether there was something to compare."""
    found = observation_of(path)
    if found is None or found.position is None or found.position.region is None:
        return False
    regions = parse_regions(found.position.region)
    with fits.open(path) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        science = next((hdu for hdu in opened if hdu.name == "SCI" and hdu.is_image and hdu.data is not None), None)
        if science is None or len(regions) != 1 or not isinstance(regions[0], Polygon) or len(regions[0].vertices) != 4:
            return False
        kinds = [str(science.header.get(f"CTYPE{axis}", ""))[:2] for axis in (1, 2)]
        if kinds != ["RA", "DE"] or (
            "SIP" not in str(science.header.get("CTYPE1")) and not path.stem.endswith(("i2d", "s3d"))
        ):
            return False
        world = WCS(science.header, naxis=2)
        height, width = science.shape[-2:]
        if min(height, width) < 2:
            return False
        pixels = np.array(world.all_world2pix(np.array(regions[0].vertices), 0))
    corners = np.array([[-0.5, -0.5], [-0.5, height - 0.5], [width - 0.5, height - 0.5], [width - 0.5, -0.5]])
    for corner in corners:
        assert np.min(np.hypot(*(pixels - corner).T)) < ACROSS, (path.name, pixels, corners)
    return True


def test_simulated_footprints_are_the_corners_of_their_pixels(simulated_files: list[Path]) -> None:
    assert sum(check_corners(path) for path in pictures(simulated_files)) >= 4


def test_real_footprints_are_the_corners_of_their_pixels(real_data: Path) -> None:
    resampled = [path for path in real_files(real_data) if "_i2d" in path.name]
    assert sum(check_corners(path) for path in resampled) >= 2


def check_area(path: Path) -> bool:
    found = observation_of(path)
    if found is None or found.position is None or found.position.region is None:
        return False
    for region in parse_regions(found.position.region):
        if not isinstance(region, Polygon):
            continue
        independent = spherely.area(spherely.create_polygon([*region.vertices]), radius=1.0) * np.degrees(1) ** 2
        assert region.area() == pytest.approx(min(independent, 4 * 180**2 / np.pi - independent), rel=1e-6), path.name
    centre = SkyCoord(found.position.ra, found.position.dec, unit="deg")
    vertices = [vertex for region in parse_regions(found.position.region) for vertex in getattr(region, "vertices", ())]
    if vertices and found.position.fov:
        reach = centre.separation(SkyCoord(*np.array(vertices).T, unit="deg")).deg.max()
        assert found.position.fov == pytest.approx(2 * reach, rel=1e-6)
    return True


def test_areas_and_fields_are_those_of_spherely_and_astropy(simulated_files: list[Path], real_data: Path) -> None:
    files = [*simulated_files, *real_files(real_data)]
    assert sum(check_area(path) for path in files) > 20


def test_times_are_mjd_in_utc(simulated_files: list[Path], real_data: Path) -> None:
    checked = 0
    for path in [*simulated_files, *real_files(real_data)]:
        found = observation_of(path)
        if found is None or found.time is None or found.time.lower is None or found.calib_level == 4:
            continue
        with fits.open(path) as opened:
            header = opened[0].header
        if "DATE-BEG" not in header or not str(header.get("TIMESYS", "UTC")).startswith("UTC"):
            continue
        if header.get("DETECTOR") == "MULTIPLE" or "-o" in path.name:
            continue  # of a combination the keywords of the first exposure and the range of all stand side by side
        begins = Time(header["DATE-BEG"], scale="utc").mjd
        assert found.time.lower == pytest.approx(begins, abs=0.5 / 86400), path.name
        if found.time.upper is not None and "DATE-END" in header:
            assert found.time.upper == pytest.approx(Time(header["DATE-END"], scale="utc").mjd, abs=0.5 / 86400), (
                path.name
            )
        checked += 1
    assert checked > 20


def test_wavelengths_lie_within_the_bands_of_the_reference(simulated_files: list[Path], real_data: Path) -> None:
    table = DOMAIN / "filters.tsv"
    if not table.is_file():
        pytest.skip(f"NO DOMAIN TABLE at {table}: set DEEPFIELD_SHARED_DOMAIN")
    bands: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in csv.DictReader(table.read_text("utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        ends = float(row["em_min_um"]), float(row["em_max_um"])
        for element in row["element"].replace("/", ";").split(";"):
            bands.setdefault((row["instrument"], element), []).append(ends)
    checked = 0
    for path in [*simulated_files, *real_files(real_data)]:
        found = observation_of(path)
        if found is None or found.energy is None or found.energy.lower is None or found.energy.upper is None:
            continue
        assert 0.5e-6 < found.energy.lower < found.energy.upper < 29.5e-6, path.name
        elements = (found.energy.bandpass or "").split(";")
        listed = [ends for element in elements for ends in bands.get((found.instrument_name or "", element), [])]
        if len(elements) == 1 and len(listed) == 1:
            assert (found.energy.lower * 1e6, found.energy.upper * 1e6) == pytest.approx(listed[0], rel=1e-6), path.name
            checked += 1
        elif listed:
            assert min(low for low, _ in listed) * 0.98 <= found.energy.lower * 1e6, path.name
            assert found.energy.upper * 1e6 <= max(high for _, high in listed) * 1.02, path.name
            checked += 1
    assert checked > 10
