"""The integral-field unit of NIRSpec: sky and wavelength in every slice, lines of a disc that turns."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from stdatamodels.jwst import datamodels

from deepfield.simulate.disc import disc
from deepfield.simulate.nirspec_ifu import layout
from unit.simulate.conftest import SEED

NAME = "jw90781-o001_t001_nirspec_f170lp-g235m"


def test_the_strongest_lines_lie_at_the_redshift_of_the_disc(rotator):
    with fits.open(rotator.folder / f"{NAME}_x1d.fits") as hdus:
        table = hdus["EXTRACT1D"].data
    peaks = table["WAVELENGTH"][np.argsort(-table["FLUX"])[:3]]
    lines = np.array([0.50082, 0.65646]) * 3.39
    assert all(np.abs(lines - peak).min() < 0.04 for peak in peaks)


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
def test_the_cube_shows_its_target_where_the_header_says(rotator):
    with fits.open(rotator.folder / f"{NAME}_s3d.fits") as hdus:
        head, cube = hdus["SCI"].header, hdus["SCI"].data
        image = np.nan_to_num(np.ma.masked_invalid(cube).mean(axis=0).filled(0) - np.nanmedian(cube))
        place = WCS(head).celestial.world_to_pixel_values(hdus[0].header["TARG_RA"], hdus[0].header["TARG_DEC"])
    y, x = np.indices(image.shape)
    light = np.clip(image, 0, None) ** 2
    assert (light * x).sum() / light.sum() == pytest.approx(float(place[0]), abs=2.5)
    assert (light * y).sum() / light.sum() == pytest.approx(float(place[1]), abs=2.5)


def test_the_gwcs_of_a_sliced_exposure_agrees_with_its_layout(rotator):
    exposure = rotator.tasks[0].exposure
    light = layout(exposure)
    rows, columns = np.nonzero(light.region)
    chosen = np.random.default_rng(1).choice(rows.size, 40)
    with datamodels.open(rotator.folder / exposure.file("cal")) as model:
        ra, dec, wavelength = model.meta.wcs(columns[chosen].astype(float), rows[chosen].astype(float))
    at = rows[chosen], columns[chosen]
    np.testing.assert_allclose(wavelength, light.wavelength[at], atol=1e-4)
    assert (np.hypot((ra - light.ra[at]) * np.cos(np.radians(dec)), dec - light.dec[at]) * 3600 < 0.02).all()


def test_every_slice_sees_its_own_strip_of_the_field(rotator):
    light = layout(rotator.tasks[0].exposure)
    assert set(np.unique(light.region)) == set(range(31))
    middles = np.array(
        [[np.median(light.ra[light.region == n]), np.median(light.dec[light.region == n])] for n in range(1, 31)]
    )
    apart = np.hypot(np.diff(middles[:, 0]) * np.cos(np.radians(-5.17)), np.diff(middles[:, 1])) * 3600
    np.testing.assert_allclose(apart, 0.103, atol=0.01)


def test_one_side_of_the_disc_comes_towards_us(rotator):
    turning = disc("rotator", SEED)
    along = turning.east * np.sin(np.radians(38)) + turning.north * np.cos(np.radians(38))
    assert np.corrcoef(along, turning.velocity)[0, 1] > 0.7
    assert turning.share.sum() == pytest.approx(1)
    fine = np.linspace(2.22, 2.232, 400)
    lines = []
    for knot in (int(np.argmax(turning.velocity)), int(np.argmin(turning.velocity))):
        ra = turning.centre[0] + turning.east[knot] / 3600 / np.cos(np.radians(turning.centre[1]))
        dec = turning.centre[1] + turning.north[knot] / 3600
        bright = turning.brightness(np.full(400, ra), np.full(400, dec), fine, 1e-4)
        lines.append(np.average(fine, weights=(bright - bright.min()) ** 2))
    assert (lines[0] / lines[1] - 1) * 299792 > 60


def test_the_outlier_step_flags_particles_and_spares_the_lines(rotator):
    paths = sorted(rotator.folder.glob("*_o001_crf.fits"))
    assert len(paths) == 2
    for path in paths:
        with fits.open(path) as hdus:
            flagged = (hdus["DQ"].data & 16) > 0
            assert flagged.mean() < 1e-3
            assert hdus[0].header["S_OUTLIR"] == "COMPLETE"
    with fits.open(rotator.folder / f"{NAME}_s3d.fits") as hdus:
        assert np.nanmax(hdus["SCI"].data) < 40
