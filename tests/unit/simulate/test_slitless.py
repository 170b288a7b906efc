"""Slitless spectroscopy: sources keep the labels of their direct image, spectra the light of their sources."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable

from deepfield.simulate.sky import scene
from unit.simulate.conftest import SEED

ROOT = "jw90702-o001_t001_nircam"


def table(grism, name, extension="EXTRACT1D"):
    with fits.open(grism.folder / name) as hdus:
        return hdus[extension].data.copy()


def stars(grism):
    """Stars in the catalogue of the direct image with their flux at 3.56 µm, by label."""
    catalogue = QTable.read(grism.folder / f"{ROOT}_clear-f356w_cat.ecsv", format="ascii.ecsv")
    known = scene("cluster", SEED).stars
    flux = known.flux_at(3.56)
    places = catalogue["sky_centroid"]
    found = {}
    for star in np.flatnonzero(flux > 1e-4):
        apart = np.hypot(
            (places.ra.deg - known.ra[star]) * np.cos(np.radians(known.dec[star])), places.dec.deg - known.dec[star]
        )
        if apart.min() * 3600 < 0.6:
            found[int(catalogue["label"][apart.argmin()])] = flux[star]
    return found


def test_one_row_a_source_with_labels_of_the_catalogue(grism):
    catalogue = QTable.read(grism.folder / f"{ROOT}_clear-f356w_cat.ecsv", format="ascii.ecsv")
    with fits.open(grism.folder / f"{ROOT}_f356w-grismr_x1d.fits") as hdus:
        tables = [hdu for hdu in hdus if hdu.name == "EXTRACT1D"]
        assert len(tables) == 2
        assert len({hdu.header["EXPGRPID"] for hdu in tables}) == 2
        for hdu in tables:
            assert set(hdu.data["SOURCE_ID"]) <= set(catalogue["label"])
            assert len(set(hdu.data["SOURCE_ID"])) == len(hdu.data) == 16
            assert hdu.columns["FLUX"].unit == "Jy"
            assert (hdu.data["N_ALONGDISP"] <= hdu.data["WAVELENGTH"].shape[1]).all()


def test_a_star_is_as_bright_in_its_spectrum_as_in_the_sky(grism):
    combined = table(grism, f"{ROOT}_f356w-grismr_c1d.fits", "COMBINE1D")
    checked = 0
    for label, flux in stars(grism).items():
        for row in combined[combined["SOURCE_ID"] == label]:
            near = np.abs(row["WAVELENGTH"] - 3.56) < 0.08
            if np.isfinite(row["FLUX"][near]).any():
                assert np.nanmedian(row["FLUX"][near]) == pytest.approx(flux, rel=0.08)
                checked += 1
    assert checked >= 1


def test_combining_two_exposures_lowers_the_error_by_the_root_of_two(grism):
    spectra = table(grism, f"{ROOT}_f356w-grismr_x1d.fits")
    combined = table(grism, f"{ROOT}_f356w-grismr_c1d.fits", "COMBINE1D")
    row = combined[(combined["N_INPUT"] == 2).sum(axis=1).argmax()]
    single = spectra[spectra["SOURCE_ID"] == row["SOURCE_ID"]][0]
    both = row["N_INPUT"] == 2
    assert both.sum() > 20
    size = min(row["ERROR"].size, single["FLUX_ERROR"].size)
    ratio = (single["FLUX_ERROR"][:size] / row["ERROR"][:size])[both[:size]]
    assert np.nanmedian(ratio) == pytest.approx(np.sqrt(2), rel=0.1)


def test_cutouts_are_parts_of_the_frame_at_the_place_they_name(grism):
    path = next(grism.folder.glob("jw90702001001_02105_00001_nrcalong_cal.fits"))
    with fits.open(grism.folder / path.name.replace("_cal", "_bsub")) as frame, fits.open(path) as hdus:
        cuts = [hdu for hdu in hdus if hdu.name == "SCI"]
        assert len(cuts) == 16
        for cut in cuts[:5]:
            x, y = cut.header["SLTSTRT1"] - 1, cut.header["SLTSTRT2"] - 1
            part = frame["SCI"].data[y : y + cut.shape[0], x : x + cut.shape[1]]
            known = np.isfinite(cut.data) & (np.abs(part) > 0)
            assert np.nanmedian(cut.data[known] / part[known]) == pytest.approx(1, abs=0.03)
        assert {"MASK", "DQ"} <= {hdu.name for hdu in frame}
        sky = frame["SCI"].data[frame["MASK"].data > 0]
        assert abs(sky.mean()) < 0.1 * sky.std()


def test_the_three_cameras_disperse_their_own_way(plans):
    axes, wavelengths = {}, {}
    for exposure in plans["wfss"].exposures:
        if exposure.exposure_type.endswith("WFSS"):
            instrument = exposure.seen.instrument
            axes[instrument] = exposure.observation.plan["disperser"]
            wavelengths[instrument] = exposure.template
    assert len(set(axes.values())) == len(set(wavelengths.values())) == 3


def test_stage_two_names_catalogue_segments_and_direct_image(plans):
    association = next(one for one in plans["wfss"].associations if one.kind == "spec2")
    roles = {member["exptype"]: member["expname"] for member in association.document()["products"][0]["members"]}
    assert roles["sourcecat"] == f"{ROOT}_clear-f356w_cat.ecsv"
    assert roles["segmap"].endswith("_segm.fits")
    assert roles["direct_image"].endswith("_i2d.fits")
