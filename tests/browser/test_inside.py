"""Products are looked at by their values: spectra, cubes, time series and tables, each kept in the address."""

import re
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from playwright.sync_api import Page, expect

from support.accessibility import faults

WFSS = "jw90702-o002_t001_niriss_f200w-gr150r"
SERIES = "jw90613-o001_t001_niriss_clear-gr700xd-substrip256"
IMAGE = "jw90702-o001_t001_nircam_clear-f356w"
CUBE = "jw90781-o001_t001_nirspec_f170lp-g235m"
EXCLUSIVE_CUBE = "jw90342-o001_t001_miri_ch2-short"


def test_a_source_of_a_slitless_file_is_chosen_converted_and_taken_home(page: Page, screenshot, simulated: Path):
    page.goto(f"/obs/{WFSS}?product={WFSS}_x1d.fits&over=2.1")
    spectra = page.get_by_role("region", name="Spectra of the file")
    expect(spectra.get_by_role("status")).to_have_text("32 spectra")
    plot = page.get_by_role("application", name=re.compile("source 1"))
    expect(plot).to_be_visible()
    page.get_by_role("group", name="Unit of the axis").get_by_role("button", name="nm").click()
    expect(page).to_have_url(re.compile("nm"))
    with page.expect_download() as taken:
        page.get_by_role("group", name="Take home").get_by_role("link", name="CSV", exact=True).click()
    kept = Table.read(taken.value.path(), format="ascii.csv")
    with fits.open(next(simulated.rglob(f"{WFSS}_x1d.fits"))) as hdus:
        row = hdus[2].data[0]
        np.testing.assert_array_equal(kept["FLUX"], row["FLUX"][: row["N_ALONGDISP"]])
    page.reload()
    expect(plot).to_be_visible()
    assert not faults(page)
    screenshot()


def test_a_transit_is_seen_in_white_light_and_in_every_wavelength(page: Page, screenshot):
    page.goto(f"/obs/{SERIES}?product={SERIES}_x1dints.fits")
    expect(page.get_by_role("heading", name="White light")).to_be_visible()
    expect(page.get_by_role("region", name="Light curve").get_by_role("application")).to_be_visible()
    expect(page.get_by_role("region", name="Light curve")).to_contain_text("16 integrations")
    expect(page.get_by_role("region", name="Spectra against time").get_by_role("application")).to_be_visible()
    assert not faults(page)
    screenshot()


def test_a_catalogue_opens_as_a_table_with_a_plot(page: Page, screenshot):
    page.goto(f"/obs/{IMAGE}?look=values&product={IMAGE}_cat.ecsv&px=isophotal_flux&py=isophotal_abmag")
    rows = page.get_by_role("region", name="Rows of the table")
    expect(rows.get_by_role("row").nth(1)).to_be_visible()
    expect(page.get_by_role("application", name=re.compile("isophotal_flux"))).to_be_visible()
    assert not faults(page)
    screenshot()


def test_a_cube_is_sliced_and_the_spectrum_of_a_spaxel_and_of_a_circle_is_seen(page: Page, screenshot, simulated: Path):
    page.goto(f"/obs/{CUBE}?product={CUBE}_s3d.fits&aperture=spaxel 24 22&plane=7")
    image = page.get_by_role("region", name="Image of the cube")
    spectrum = page.get_by_role("region", name="Spectrum of the aperture")
    picture = image.get_by_role("application")
    expect(picture).to_be_visible()
    expect(spectrum.get_by_role("application", name=re.compile("spaxel 24 22"))).to_be_visible()
    with page.expect_download() as taken:
        spectrum.get_by_role("link", name="CSV", exact=True).click()
    kept = Table.read(taken.value.path(), format="ascii.csv")
    with fits.open(next(simulated.rglob(f"{CUBE}_s3d.fits"))) as hdus:
        spaxel = np.where(hdus["DQ"].data[:, 22, 24] & 1, np.nan, hdus["SCI"].data[:, 22, 24])
    np.testing.assert_allclose(np.ma.filled(kept["TOTAL"].astype(float), np.nan), spaxel, rtol=1e-6)

    slider = image.get_by_role("slider", name="Plane")
    slider.press("ArrowRight")
    expect(page).to_have_url(re.compile("plane=8"))
    picture.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"spaxel[+ %20]+25[+ %20]+22"))

    image.get_by_role("button", name="Circle").click()
    box = picture.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y)
    page.mouse.up()
    expect(spectrum.get_by_role("heading")).to_have_text(re.compile("^circle "))
    image.get_by_role("combobox", name="Image").select_option("Moment 0")
    expect(picture).to_have_accessible_name(re.compile("^Moment 0"))
    assert not faults(page)
    screenshot()


@pytest.mark.parametrize("suffix", ["s3d", "x1d"])
def test_an_exclusive_product_says_until_when_and_shows_no_value(page: Page, suffix):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/obs/{EXCLUSIVE_CUBE}?look=values&product={EXCLUSIVE_CUBE}_{suffix}.fits")
    expect(page.get_by_role("heading", name="Exclusive access")).to_be_visible()
    assert not [url for url in asked if re.search(r"/(cube|spectra|series|tables)", url)]
