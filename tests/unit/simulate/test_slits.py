"""Fixed slits: lines at their redshift, fluxes and errors that agree, nods that end up on one another."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

QUASAR = "jw90718-o002_t002-s000000001_nirspec_f170lp-g235m-s200a1-subs200a1"
GALAXY = "jw90718-o001_t001_miri_p750l"


def spectrum(slits, name):
    with fits.open(slits.folder / f"{name}_x1d.fits") as hdus:
        table = hdus["EXTRACT1D"].data
        return table["WAVELENGTH"], table["FLUX"], table["FLUX_ERROR"]


def test_the_lines_of_the_quasar_lie_at_its_redshift(slits):
    wavelength, flux, _ = spectrum(slits, QUASAR)
    for rest, half in ((0.50082, 0.02), (0.65646, 0.03)):
        near = np.abs(wavelength - rest * 3.53) < half
        centre = np.average(wavelength[near], weights=np.clip(flux[near] - np.median(flux), 0, None) ** 2)
        assert centre / rest - 1 == pytest.approx(2.53, abs=0.01)


def test_the_dust_bands_of_the_galaxy_are_redshifted(slits):
    wavelength, flux, _ = spectrum(slits, GALAXY)
    for rest in (6.22, 7.65, 11.3):
        near = np.abs(wavelength / (rest * 1.214) - 1) < 0.05
        assert wavelength[near][np.argmax(flux[near])] == pytest.approx(rest * 1.214, rel=0.015)


def test_the_continuum_is_as_bright_as_the_field_says(slits):
    wavelength, flux, _ = spectrum(slits, QUASAR)
    calm = (wavelength > 2.6) & (wavelength < 3.1)
    expected = 0.00042 * (wavelength / 2.2) ** 0.7
    assert np.median((flux / expected)[calm]) == pytest.approx(1, abs=0.02)


def test_the_scatter_of_the_spectrum_is_its_error(slits):
    wavelength, flux, error = spectrum(slits, QUASAR)
    calm = (wavelength > 2.6) & (wavelength < 3.1)
    fit = np.polynomial.Polynomial.fit(wavelength[calm], flux[calm], 2)
    pull = (flux[calm] - fit(wavelength[calm])) / error[calm]
    assert 0.7 < np.std(pull[np.abs(pull) < 5]) < 1.4


def test_stacking_nods_lowers_the_noise(slits):
    one = next(slits.folder.glob("jw90718002001_*_00001_nrs1_x1d.fits"))
    with fits.open(one) as hdus:
        alone = np.nanmedian(hdus["EXTRACT1D"].data["FLUX_ERROR"])
    together = np.nanmedian(spectrum(slits, QUASAR)[2])
    assert alone / together == pytest.approx(np.sqrt(3), rel=0.15)


@pytest.mark.parametrize("name", [QUASAR, GALAXY])
def test_the_source_lies_in_the_middle_of_the_rectified_slit(slits, name):
    with fits.open(slits.folder / f"{name}_s2d.fits") as hdus:
        image, axis = hdus["SCI"].data, hdus["SCI"].header["DISPAXIS"]
    across = np.nan_to_num(np.nanmean(np.ma.masked_invalid(image), axis=2 - axis).filled(0))
    assert abs(int(np.argmax(across)) - across.size // 2) <= 1
    assert axis == (2 if "miri" in name else 1)


def test_the_gwcs_of_a_rectified_slit_points_at_its_target(slits):
    with datamodels.open(slits.folder / f"{QUASAR}_s2d.fits") as model:
        middle = model.data.shape[0] // 2
        ra, dec, wavelength = model.meta.wcs(120, middle)
        assert np.hypot((ra - model.meta.target.ra) * np.cos(np.radians(dec)), dec - model.meta.target.dec) * 3600 < 0.2
        assert wavelength == pytest.approx(float(model.wavelength[middle, 120]), abs=1e-6)


def test_nods_are_each_others_background(plans):
    for association in plans["slit"].associations:
        document = association.document()
        roles = [member["exptype"] for member in document["products"][0]["members"]]
        if document["asn_type"] == "spec2":
            assert roles[0] == "science"
            assert set(roles[1:]) == {"background"}
            assert document["products"][0]["members"][0]["expname"].endswith("_rate.fits")
        else:
            assert set(roles) == {"science"}


def test_a_combined_product_lasts_from_its_first_exposure_to_its_last(slits):
    whole = fits.getheader(slits.folder / f"{QUASAR}_s2d.fits")
    parts = [fits.getheader(path) for path in sorted(slits.folder.glob("jw90718002001_*_cal.fits"))]
    assert len(parts) == 3
    assert whole["EXPSTART"] == min(part["EXPSTART"] for part in parts)
    assert whole["EXPEND"] == max(part["EXPEND"] for part in parts)
    assert whole["EFFEXPTM"] == pytest.approx(sum(part["EFFEXPTM"] for part in parts))
