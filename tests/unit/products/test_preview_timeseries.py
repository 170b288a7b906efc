"""Pictures of time series: where it is dark, light was missing, at that wavelength and time."""

from __future__ import annotations

import numpy as np
from astropy.io import fits
from astropy.table import QTable
from PIL import Image

from deepfield.products.plot import LINE
from deepfield.products.preview import make_preview, read_caption
from deepfield.products.reader import read_header

RNG = np.random.default_rng(11)
HOURS = np.linspace(0, 3, 40)


def series(flux, wavelength, hours=HOURS, **cards):
    rows, length = flux.shape
    hdu = fits.BinTableHDU.from_columns(
        [
            fits.Column("INT_NUM", "J", array=np.arange(rows) + 1),
            fits.Column("WAVELENGTH", f"{length}D", unit="um", array=np.tile(wavelength, (rows, 1))),
            fits.Column("FLUX", f"{length}D", unit="Jy", array=flux),
            fits.Column("MJD-AVG", "D", array=60000 + hours[:rows] / 24),
        ],
        name="EXTRACT1D",
    )
    for keyword, value in cards.items():
        hdu.header[keyword] = value
    return hdu


def draw(tmp_path, name, *hdus):
    path = tmp_path / name
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    assert make_preview(path, read_header(path), tmp_path / "out")
    return np.asarray(Image.open(tmp_path / "out.png").convert("RGB")).astype(int)


def test_a_dip_is_dark_at_its_time_and_wavelength(tmp_path) -> None:
    flux = RNG.normal(1, 0.001, (40, 100))
    flux[10:20, 60:80] -= 0.1  # early, and at long wavelengths
    picture = draw(tmp_path, "jw01234-o001_t001_nirspec_clear-prism_x1dints.fits", series(flux, np.linspace(1, 5, 100)))

    light = picture[190:580, 90:1005].sum(axis=2)
    rows, columns = np.nonzero(light < 60)
    assert 0.30 < 1 - rows.mean() / 390 < 0.45  # the time runs upwards
    assert 0.62 < columns.mean() / 915 < 0.78
    caption = read_caption(tmp_path / "out.png")
    assert caption.caption.startswith("x1dints 40 integrations over 3 h, 1 – 5 µm; relative flux 0.8")
    assert caption.orientation == "wavelength along x, time upwards"


def test_each_order_has_its_map(tmp_path) -> None:
    flux = RNG.normal(1, 0.01, (30, 50))
    orders = [series(flux, np.linspace(0.9, 2.8, 50), SPORDER=1), series(flux, np.linspace(1.4, 0.6, 50), SPORDER=2)]
    draw(tmp_path, "jw01234-o001_t001_niriss_clear-gr700xd_x1dints.fits", *orders)
    assert read_caption(tmp_path / "out.png").caption.startswith(
        "x1dints 30 integrations over 2.23 h in 2 orders, 0.6 – 2.8"
    )


def test_a_long_series_is_thinned_out(tmp_path) -> None:
    flux = RNG.normal(1, 0.01, (3000, 20))
    draw(tmp_path, "x_x1dints.fits", series(flux, np.linspace(1, 2, 20), np.linspace(0, 8, 3000)))
    assert read_caption(tmp_path / "out.png").caption.startswith("x1dints 3000 integrations over 7.99 h")


def test_a_series_without_light_has_no_picture(tmp_path) -> None:
    path = tmp_path / "x_x1dints.fits"
    fits.HDUList([fits.PrimaryHDU(), series(np.full((5, 8), np.nan), np.linspace(1, 2, 8))]).writeto(path)
    assert not make_preview(path, read_header(path), tmp_path / "out")


def light_curve(path, flux, name="whitelight_flux", unit=None, **more):
    table = QTable(meta={"instrument": "NIRSPEC"})
    table["MJD_UTC"] = 60000 + HOURS / 24
    table[name] = flux if unit is None else flux * unit
    for key, values in more.items():
        table[key] = values
    table.write(path, format="ascii.ecsv")
    return path


def test_a_white_light_curve_dips_where_the_table_does(tmp_path) -> None:
    flux = np.where((HOURS > 1) & (HOURS < 2), 0.98, 1.0) + RNG.normal(0, 1e-4, 40)
    path = light_curve(tmp_path / "jw01234-o001_t001_nirspec_clear-prism_whtlt.ecsv", flux)

    assert make_preview(path, read_header(path), tmp_path / "out")

    pixels = np.asarray(Image.open(tmp_path / "out.png").convert("RGB")).astype(int)
    near = np.abs(pixels - LINE).sum(axis=2)
    line = np.where(near.min(axis=0) < 60, near.argmin(axis=0), np.nan)[90:1000]
    assert np.nanmedian(line[400:520]) > np.nanmedian(line[:250]) + 300
    assert np.nanmedian(line[700:]) < np.nanmedian(line[400:520]) - 300
    assert read_caption(tmp_path / "out.png").caption == "whtlt light curve, 40 integrations over 3 h"


def test_a_curve_of_two_orders_has_two_panels_and_text_that_is_no_number_leaves_a_gap(tmp_path) -> None:
    path = light_curve(
        tmp_path / "x_whtlt.ecsv", np.ones(40), "whitelight_flux_order_1", whitelight_flux_order_2=np.arange(40.0)
    )
    path.write_text(path.read_text().replace(" 7.0", " broken"))
    assert make_preview(path, read_header(path), tmp_path / "out")
    assert read_caption(tmp_path / "out.png").caption.startswith("whtlt light curve, 40 integrations")


def test_other_text_tables_have_no_light_curve(tmp_path) -> None:
    table = QTable({"MJD": [1.0, 2.0], "temperature": [0.1, 0.2]})
    path = tmp_path / "thermometer.ecsv"
    table.write(path, format="ascii.ecsv")
    assert not make_preview(path, read_header(path), tmp_path / "out")
