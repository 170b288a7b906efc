"""The imaging products: structure, astrometry and noise."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS, FITSFixedWarning
from stdatamodels.jwst import datamodels

from deepfield.simulate.light import flux_scale
from deepfield.simulate.sky import scene
from unit.simulate.conftest import SEED

CAL = ["PRIMARY", "SCI", "ERR", "DQ", "AREA", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT", "ASDF"]
I2D = ["PRIMARY", "SCI", "ERR", "CON", "WHT", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT", "HDRTAB", "ASDF"]


def names(path) -> list[str]:
    with fits.open(path) as hdus:
        return [hdu.name for hdu in hdus]


def wcs_of(header, **wanted) -> WCS:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        return WCS(header, **wanted)


def centroid(image, x, y, half=4):
    """Where the light near (x, y) is centred, by a window that follows the star."""
    ring = image[round(float(y)) - 6 : round(float(y)) + 7, round(float(x)) - 6 : round(float(x)) + 7]
    background = np.nanmedian(ring)
    for _ in range(12):
        column, row = round(float(x)), round(float(y))
        part = image[row - half : row + half + 1, column - half : column + half + 1]
        part = np.nan_to_num(part - background)
        rows, columns = np.mgrid[row - half : row + half + 1, column - half : column + half + 1]
        window = part * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / 1.5**2)
        dx, dy = (window * (columns - x)).sum() / window.sum(), (window * (rows - y)).sum() / window.sum()
        x, y = x + 2 * dx, y + 2 * dy
    return x, y


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        ("uncal", ["PRIMARY", "SCI", "GROUP", "INT_TIMES", "ASDF"]),
        ("rate", ["PRIMARY", "SCI", "ERR", "DQ", "VAR_POISSON", "VAR_RNOISE", "ASDF"]),
        ("cal", CAL),
        ("crf", CAL),
    ],
)
def test_exposure_products_have_the_extensions_of_the_pipeline(quasar, suffix, expected):
    path = quasar.folder / quasar.tasks[0].exposure.file(suffix)
    assert sorted(names(path)) == sorted(expected)
    assert names(path)[1] == "SCI"


def test_combined_images_have_the_extensions_of_the_pipeline(quasar):
    path = next(quasar.folder.glob("*t002*f150w*_i2d.fits"))
    assert sorted(names(path)) == sorted(I2D)
    with fits.open(path) as hdus:
        assert hdus["CON"].data.dtype.name == "int32"
        assert len(hdus["HDRTAB"].data) == 3
        assert set(np.unique(hdus["CON"].data)) <= set(range(8))


def test_types_of_raw_data_and_flags(quasar):
    exposure = quasar.tasks[0].exposure
    with fits.open(quasar.folder / exposure.file("uncal")) as hdus:
        assert hdus["SCI"].data.dtype.name == "uint16"
        assert hdus["SCI"].data.shape == (2, 6, 160, 160)
    with fits.open(quasar.folder / exposure.file("cal")) as hdus:
        assert hdus["DQ"].data.dtype.name == "uint32"
        assert hdus["SCI"].data.dtype.name == "float32"


def test_every_file_says_that_it_is_simulated(quasar, cliff):
    for path in (*quasar.folder.glob("*.fits"), *cliff.folder.glob("*.fits")):
        assert fits.getheader(path)["SIMULATD"] is True
    whole = fits.getheader(quasar.folder / quasar.tasks[0].exposure.file("cal"))
    binned = fits.getheader(cliff.folder / cliff.tasks[0].exposure.file("cal"))
    assert (whole["SIMBIN"], binned["SIMBIN"]) == (1, 64)


def test_headers_carry_pedigree_and_place(quasar):
    path = quasar.folder / quasar.tasks[0].exposure.file("cal")
    with fits.open(path) as hdus:
        primary, sci = hdus[0].header, hdus["SCI"].header
    assert primary["CRDS_CTX"].endswith(".pmap")
    assert primary["R_FLAT"].startswith("crds://jwst_nircam_flat")
    assert (primary["S_PHOTOM"], primary["CAL_VER"], primary["DATAMODL"]) == ("COMPLETE", "2.0.1", "ImageModel")
    assert primary["EFFEXPTM"] == pytest.approx(sci["XPOSURE"])
    assert sci["S_REGION"].startswith("POLYGON ICRS")
    assert sci["MJD-BEG"] < sci["MJD-AVG"] < sci["MJD-END"]
    assert sci["PIXAR_SR"] == pytest.approx(sci["PIXAR_A2"] / 206264.806**2)


def test_the_brightest_source_is_at_its_place_in_every_filter_and_stage(quasar):
    sky = scene("quasar", SEED)
    ra, dec = sky.stars.ra[-1], sky.stars.dec[-1]
    exposures = [task.exposure for task in quasar.tasks if hasattr(task, "exposure")]
    paths = [quasar.folder / exposure.file("cal") for exposure in exposures]
    for path in (*paths, *quasar.folder.glob("*t002*_i2d.fits")):
        with fits.open(path) as hdus:
            expected = wcs_of(hdus["SCI"].header).all_world2pix(ra, dec, 0)
            found = centroid(hdus["SCI"].data, *expected)
        assert np.hypot(found[0] - expected[0], found[1] - expected[1]) < 0.1, path.name


def test_stars_of_a_binned_field_lie_where_the_catalogue_of_the_sky_has_them(cliff):
    sky = scene("nebula", SEED)
    path = next(cliff.folder.glob("*_i2d.fits"))
    with fits.open(path) as hdus:
        image, header = hdus["SCI"].data, hdus["SCI"].header
    x, y = wcs_of(header).all_world2pix(sky.stars.ra, sky.stars.dec, 0)
    flux = sky.stars.flux_at(4.05)
    offsets = []
    for star in np.argsort(-flux)[:400]:
        nearest = np.partition(np.hypot(x - x[star], y - y[star])[flux > 0.03 * flux[star]], 1)[1]
        if nearest < 8 or not (10 < x[star] < image.shape[1] - 10 and 10 < y[star] < image.shape[0] - 10):
            continue
        part = image[round(y[star]) - 6 : round(y[star]) + 7, round(x[star]) - 6 : round(x[star]) + 7]
        if np.isfinite(part).all() and part.max() > 2.5 * np.median(part):
            found = centroid(image, x[star], y[star], half=3)
            offsets.append(np.hypot(found[0] - x[star], found[1] - y[star]))
    assert len(offsets) > 6
    assert np.median(offsets) < 0.1


def test_the_scatter_of_calibrated_images_is_what_err_says(cliff):
    task = cliff.tasks[0]
    truth, _ = task.truth()
    with fits.open(cliff.folder / task.exposure.file("cal")) as hdus:
        pull = (hdus["SCI"].data - truth) / hdus["ERR"].data
        good = (hdus["DQ"].data & 1) == 0
    pull = pull[good]
    assert 1.4826 * np.median(np.abs(pull - np.median(pull))) == pytest.approx(1.0, abs=0.05)
    assert abs(np.median(pull)) < 0.05


def test_the_gwcs_of_the_asdf_extension_agrees_with_the_cards(quasar):
    for path in (quasar.folder / quasar.tasks[0].exposure.file("cal"), next(quasar.folder.glob("*f356w*_i2d.fits"))):
        with datamodels.open(path) as model, fits.open(path) as hdus:
            x, y = np.array([5.0, 80.0, 150.0]), np.array([10.0, 80.0, 140.0])
            ra, dec = model.meta.wcs(x, y)
            back = wcs_of(hdus["SCI"].header).all_world2pix(ra, dec, 0)
        np.testing.assert_allclose(back, [x, y], atol=0.01)


def test_overlooked_cosmic_rays_are_found_by_comparing_dithers(quasar):
    flagged = 0
    for task in quasar.tasks:
        if hasattr(task, "exposure"):
            with fits.open(quasar.folder / task.exposure.file("crf")) as hdus:
                flagged += ((hdus["DQ"].data & 16) != 0).sum()
    assert flagged > 0


def test_the_catalogue_lists_what_the_segmentation_map_labels(quasar):
    name = next(quasar.folder.glob("*f150w*_segm.fits"))
    labels = fits.getdata(name, "SCI")
    table = Table.read(name.with_name(name.name.replace("_segm.fits", "_cat.ecsv")), format="ascii.ecsv")
    assert list(table["label"]) == list(range(1, labels.max() + 1))
    assert {"xcentroid", "isophotal_flux", "isophotal_abmag", "is_extended", "nn_dist"} <= set(table.colnames)
    brightest = table[np.argmax(table["isophotal_flux"])]
    assert labels[round(float(brightest["ycentroid"])), round(float(brightest["xcentroid"]))] == brightest["label"]


def test_the_asdf_tree_names_the_file(quasar):
    exposure = quasar.tasks[0].exposure
    with fits.open(quasar.folder / exposure.file("cal")) as hdus:
        text = hdus["ASDF"].data.tobytes()
    assert text.startswith(b"#ASDF")
    assert exposure.file("cal").encode() in text


def test_surface_brightness_per_count_is_near_the_real_camera(quasar):
    scale = flux_scale(quasar.tasks[0].exposure)
    assert 0.5 < scale < 6
