"""The integral-field products: slices, lines at their wavelengths, cubes and spectra."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from deepfield.simulate.ifu import layout

NEON, REDSHIFT = 12.8135, 0.00351


def test_a_cube_has_the_extensions_and_axes_of_the_pipeline(mrs):
    path = next(mrs.folder.glob("*ch3-short_s3d.fits"))
    with fits.open(path) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI", "ERR", "DQ", "WMAP", "ASDF"]
        header, cube = hdus["SCI"].header, hdus["SCI"].data
        assert (header["CTYPE3"], header["CUNIT3"], header["BUNIT"]) == ("WAVE", "um", "MJy/sr")
        assert hdus["DQ"].data.dtype.name == "uint32"
        assert (np.isnan(cube) == (hdus["DQ"].data != 0)).all()
    assert 11.5e-6 < header["WAVSTART"] < header["WAVEND"] < 13.5e-6


def test_the_neon_line_is_where_the_galaxys_velocity_puts_it(mrs):
    table = fits.getdata(next(mrs.folder.glob("*ch3-short_x1d.fits")), "EXTRACT1D")
    near = np.abs(table["WAVELENGTH"] - NEON * (1 + REDSHIFT)) < 0.3
    peak = table["WAVELENGTH"][near][np.argmax(table["FLUX"][near])]
    step = np.diff(table["WAVELENGTH"])[0]
    assert peak == pytest.approx(NEON * (1 + REDSHIFT), abs=1.5 * step)
    assert len(table.columns) == 21


def test_the_nucleus_is_at_the_target_in_every_channel(mrs):
    for path in mrs.folder.glob("*_s3d.fits"):
        with datamodels.open(path) as model:
            image = np.nansum(model.data, axis=0)
            y, x = np.unravel_index(np.argmax(image), image.shape)
            ra, dec, wavelength = model.meta.wcs(x, y, 0)
            scale = model.meta.wcsinfo.cdelt2
        assert np.hypot((ra - 0.81204) * np.cos(np.radians(dec)), dec - 16.14561) < 2 * scale
        assert wavelength > 10


def test_the_gwcs_of_a_sliced_exposure_knows_sky_and_wavelength_of_a_pixel(mrs):
    exposure = mrs.tasks[0].exposure
    light = layout(exposure)
    with datamodels.open(mrs.folder / exposure.file("cal")) as model:
        x, y = 60, 30
        ra, dec, wavelength = model.meta.wcs(x, y)
    assert wavelength == pytest.approx(light.wavelength[y, x], abs=0.2 * light.step[y, x])
    assert np.hypot((ra - light.ra[y, x]) * np.cos(np.radians(dec)), dec - light.dec[y, x]) * 3600 < 0.02


def test_pixels_between_the_slices_are_not_science(mrs):
    exposure = mrs.tasks[0].exposure
    with fits.open(mrs.folder / exposure.file("cal")) as hdus:
        gap = layout(exposure).region == 0
        assert gap.mean() > 0.02
        assert ((hdus["DQ"].data[gap] & 512) != 0).all()
        assert np.isnan(hdus["SCI"].data[gap]).all()


def test_the_scatter_of_a_dispersed_exposure_is_what_err_says(mrs):
    task = mrs.tasks[0]
    truth = task.truth(layout(task.exposure))
    with fits.open(mrs.folder / task.exposure.file("cal")) as hdus:
        good = (hdus["DQ"].data & 1) == 0
        pull = ((hdus["SCI"].data - truth) / hdus["ERR"].data)[good]
    assert 1.4826 * np.median(np.abs(pull)) == pytest.approx(1.0, abs=0.06)


def test_the_background_observation_says_so(plans):
    flags = {
        exposure.observation.number: exposure.observation.plan.get("background") for exposure in plans["mrs"].exposures
    }
    assert flags == {1: None, 2: True}
