"""The multi-object products: one group of extensions a slitlet, lines at each source's redshift."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from deepfield.simulate.distant import sources
from unit.simulate.conftest import SEED


def test_each_slitlet_has_its_own_group_of_extensions(msa):
    exposure = msa.tasks[1].exposures[0]
    expected = [source.number for source in msa.tasks[1].sources()]
    with fits.open(msa.folder / exposure.file("cal")) as hdus:
        assert [hdu.header["SOURCEID"] for hdu in hdus if hdu.name == "SCI"] == expected
        assert [hdu.ver for hdu in hdus if hdu.name == "WAVELENGTH"] == list(range(1, len(expected) + 1))
        assert {"PATHLOSS_PS", "PATHLOSS_UN", "BARSHADOW", "VAR_FLAT", "DQ"} <= {hdu.name for hdu in hdus}
        assert hdus["SCI", 2].header["S_REGION"].startswith("POLYGON ICRS")
        assert hdus[0].header["MSAMETFL"] == "jw90551001001_01_msa.fits"


def test_the_strongest_line_of_a_source_is_hydrogen_or_oxygen_at_its_redshift(msa):
    for task in msa.tasks[2:]:
        table = fits.getdata(msa.folder / f"{task.name}_x1d.fits", "EXTRACT1D")
        excess = table["FLUX"] / np.nanmedian(table["FLUX"])
        peak = table["WAVELENGTH"][np.nanargmax(np.where(table["DQ"] == 0, excess, np.nan))]
        strong = np.array([0.12157, 0.37288, 0.49603, 0.50082, 0.65646, 0.95332, 1.87561]) * (1 + task.source.redshift)
        assert np.abs(strong / peak - 1).min() < 0.02


def test_a_source_is_as_bright_as_the_sky_has_it(msa):
    task = msa.tasks[2]
    table = fits.getdata(msa.folder / f"{task.name}_x1d.fits", "EXTRACT1D")
    wavelength = table["WAVELENGTH"]
    truth = task.source.spectrum(wavelength, wavelength / 100)
    ratio = np.nanmedian((table["FLUX"] / truth)[(wavelength > 2) & (wavelength < 4)])
    assert ratio == pytest.approx(1.0, abs=0.1)


def test_the_shutter_table_lists_the_sources_with_their_places(msa):
    with fits.open(msa.folder / msa.tasks[0].name) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SHUTTER_IMAGE", "SHUTTER_INFO", "SOURCE_INFO"]
        assert hdus["SHUTTER_IMAGE"].data.shape == (730, 342)
        found = sources(msa.tasks[0].exposure, SEED)
        np.testing.assert_allclose(hdus["SOURCE_INFO"].data["ra"], [source.ra for source in found])
        assert len(hdus["SHUTTER_INFO"].data) == 9 * len(found)


def test_the_gwcs_of_a_slitlet_points_at_its_source(msa):
    task = msa.tasks[2]
    path = msa.folder / f"{task.name}_s2d.fits"
    with datamodels.open(path) as model:
        row = 11 + 0.529 / 0.1055 * task.source.offset[1]
        ra, dec, wavelength = model.meta.wcs(200, row)
    assert np.hypot((ra - task.source.ra) * np.cos(np.radians(dec)), dec - task.source.dec) * 3600 < 0.3
    assert 0.6 < wavelength < 5.3


def test_the_stack_counts_its_nods(msa):
    with fits.open(next(msa.folder.glob("*_s0*_s2d.fits"))) as hdus:
        assert hdus["CON"].data.max() == 7
        assert hdus[0].header["NDRIZ"] == 3
        assert hdus[0].header["ASNTABLE"].endswith("_asn.json")
