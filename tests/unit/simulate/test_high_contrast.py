"""Coronagraphy and interferometry: what is hidden is hidden, and what was put beside the star is found again."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits

from deepfield.missions.jwst.names import parse_name
from deepfield.simulate.modes import MODES
from deepfield.simulate.occultation import point_source
from deepfield.simulate.programme import programmes, read_table
from unit.simulate.conftest import SEED, run
from unit.simulate.test_imaging import wcs_of

BAND = (3.177, 3.537)
NIRCAM, MIRI, MASKED = 90208, 90263, 90419


def work(number, folder):
    programme = next(one for one in programmes("small") if one.number == number)
    plan = MODES[programme.mode](programme, SEED)
    return run(folder, *(task for stage in plan.stages for task in stage)), plan


@pytest.fixture(scope="module")
def planets(tmp_path_factory):
    return work(NIRCAM, tmp_path_factory.mktemp("planets"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return work(MASKED, tmp_path_factory.mktemp("pair"))


def test_a_mask_hides_its_star_and_lets_through_what_is_beside_it():
    behind = point_source("MASKA335R", BAND, (0.0, 0.0))
    beside = point_source("MASKA335R", BAND, (2.5, 0.0))
    assert behind.image.max() < beside.image.max() / 50
    assert 0.3 < beside.image.sum() < 0.9
    row, column = np.unravel_index(np.argmax(beside.image), beside.image.shape)
    assert (column - 256 + 0.5) * beside.step == pytest.approx(2.5, abs=beside.step)
    assert (row - 256 + 0.5) * beside.step == pytest.approx(0.0, abs=beside.step)


def test_phase_masks_hide_a_star_but_for_a_slight_offset():
    at_rest = point_source("4QPM_1140", (10.9, 11.7), (0.0, 0.0))
    off = point_source("4QPM_1140", (10.9, 11.7), (0.02, 0.02))
    outside = point_source("4QPM_1140", (10.9, 11.7), (3.0, 3.0))
    assert at_rest.image.sum() < 0.5 * outside.image.sum()
    assert at_rest.image.sum() < off.image.sum()


def test_two_rolls_and_a_reference_make_the_products_of_the_pipeline(planets):
    written, plan = planets
    (association,) = plan.associations
    document = association.document()
    assert [member["exptype"] for member in document["products"][0]["members"]] == ["science", "science", "psf", "psf"]
    assert "c1001" in association.filename
    names = {path.name for path in written.folder.iterdir()}
    assert "jw90208-c1001_t001_nircam_f335m-maskrnd-sub320a335r_psfstack.fits" in names
    assert "jw90208001001_03102_00001_nrcalong_c1001_psfsub.fits" in names
    assert all(parse_name(name) for name in names)
    shape = fits.getdata(written.folder / "jw90208001001_03102_00001_nrcalong_c1001_psfalign.fits", "SCI").shape
    assert shape == (2, 160, 160)
    reference = fits.getheader(written.folder / "jw90208003001_03102_00001_nrcalong_calints.fits")
    assert (reference["IS_PSF"], reference["EXP_TYPE"], reference["CORONMSK"]) == (True, "NRC_CORON", "MASKA335R")


def test_the_planet_appears_where_it_was_put_once_the_star_is_subtracted(planets):
    written, _ = planets
    facts = read_table("fields.toml")["young-star"]
    separation, angle, _ = facts["companions"][1]
    star = SkyCoord(facts["ra"], facts["dec"], unit="deg")
    planet = star.directional_offset_by(angle * units.deg, separation * units.arcsec)
    for roll in ("001", "002"):
        stem = written.folder / f"jw90208{roll}001_03102_00001_nrcalong"
        with fits.open(f"{stem}_c1001_psfsub.fits") as hdus, fits.open(f"{stem}_calints.fits") as raw:
            clean, dirty = np.nan_to_num(hdus["SCI"].data[0]), np.nan_to_num(raw["SCI"].data[0])
            x, y = wcs_of(hdus["SCI"].header, naxis=2).all_world2pix(planet.ra.deg, planet.dec.deg, 0)
        column, row = round(float(x)), round(float(y))
        part = clean[row - 4 : row + 5, column - 4 : column + 5]
        peak = np.unravel_index(np.argmax(part), part.shape)
        assert np.hypot(peak[0] - 4, peak[1] - 4) < 1.5
        assert part.max() > 4 * np.median(np.abs(part))
        assert np.abs(clean).sum() < 0.3 * np.abs(dirty).sum()


def test_the_combination_of_rolls_covers_both_and_points_at_the_star(planets):
    written, _ = planets
    with fits.open(next(written.folder.glob("*_i2d.fits"))) as hdus:
        assert len(hdus["HDRTAB"].data) == 2
        assert set(np.unique(hdus["CON"].data)) == {0, 1, 2, 3}


def test_observables_are_those_of_the_pair_that_was_put_on_the_sky(pair):
    written, plan = pair
    science = next(one for one in plan.exposures if not one.observation.plan.get("reference"))
    assert plan.associations[0].kind == "ami3"
    east, north, share = read_table("fields.toml")["close-pair"]["binary"][0]
    place = np.radians(np.array([east, north]) / 3600)
    with fits.open(next(written.folder.glob("*_aminorm-oi.fits"))) as hdus:
        assert [hdu.name for hdu in hdus][1:-1] == [
            "OI_ARRAY", "OI_TARGET", "OI_T3", "OI_VIS", "OI_VIS2", "OI_Q4", "OI_WAVELENGTH",
        ]  # fmt: skip
        wavelength = hdus["OI_WAVELENGTH"].data["EFF_WAVE"][0]
        assert wavelength == pytest.approx(3.83e-6, rel=0.01)
        squared, triple = hdus["OI_VIS2"].data, hdus["OI_T3"].data

        def visibility(u, v):
            turn = np.exp(-2j * np.pi * (u * place[0] + v * place[1]) / wavelength)
            return (1 + share * turn) / (1 + share)

        expected = np.abs(visibility(squared["UCOORD"], squared["VCOORD"])) ** 2
        assert np.abs(squared["VIS2DATA"] - expected).max() < 0.05
        assert expected.min() < 0.7
        first, second = (visibility(triple[f"U{k}COORD"], triple[f"V{k}COORD"]) for k in (1, 2))
        third = visibility(triple["U1COORD"] + triple["U2COORD"], triple["V1COORD"] + triple["V2COORD"])
        closure = np.degrees(np.angle(first * second * third.conj()))
        assert np.abs(triple["T3PHI"] - closure).max() < 3
        assert np.abs(closure).max() > 10
    assert science.file("ami-oi") in {path.name for path in written.folder.iterdir()}


def test_the_calibrator_shows_no_companion(pair):
    written, _ = pair
    with fits.open(next(written.folder.glob("*_psf-ami-oi.fits"))) as hdus:
        assert np.abs(hdus["OI_VIS2"].data["VIS2DATA"] - 1).max() < 0.05
        assert np.abs(hdus["OI_T3"].data["T3PHI"]).max() < 3
        assert len(hdus["OI_T3"].data) == 35


def test_the_lyot_spot_is_a_mode_of_its_own():
    programme = next(one for one in programmes("small") if one.number == MIRI)
    plan = MODES[programme.mode](programme, SEED)
    kinds = {(one.exposure_type, one.subarray, one.candidate) for one in plan.exposures}
    assert kinds == {("MIR_4QPM", "MASK1140", "c1001"), ("MIR_LYOT", "MASKLYOT", "c1002")}
    assert len(plan.associations) == 2
