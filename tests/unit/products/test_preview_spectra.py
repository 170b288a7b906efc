from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from deepfield.products.picture import Stretch, limits_of, scaled_unit
from deepfield.products.plot import FRAME, GROUND, LINE, Curve, draw_curves, nice_ticks
from deepfield.products.preview import make_preview, read_caption
from deepfield.products.reader import read_header

WAVELENGTH = np.linspace(4.9, 5.74, 800)
RNG = np.random.default_rng(3)


def table(flux, *, ver=1, wavelength=WAVELENGTH, error=0.01, dq=None, unit="Jy", **cards):
    quality = np.zeros(len(flux), np.uint32) if dq is None else dq
    hdu = fits.BinTableHDU.from_columns(
        [
            fits.Column("WAVELENGTH", "D", unit="um", array=wavelength),
            fits.Column("FLUX", "D", unit=unit, array=flux),
            fits.Column("FLUX_ERROR", "D", unit=unit, array=np.full(len(flux), error)),
            fits.Column("DQ", "J", bzero=2**31, array=quality),
        ],
        name="EXTRACT1D",
        ver=ver,
    )
    for keyword, value in cards.items():
        hdu.header[keyword] = value
    return hdu


def draw(tmp_path, name, *hdus):
    path = tmp_path / name
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    made = make_preview(path, read_header(path), tmp_path / "out")
    return made, tmp_path / "out.png"


def line_rows(png):
    """Per column of the picture, the row of its most orange pixel, NaN where the line is not."""
    pixels = np.asarray(Image.open(png).convert("RGB")).astype(int)
    near = np.abs(pixels - LINE).sum(axis=2)
    return np.where(near.min(axis=0) < 60, near.argmin(axis=0).astype(float), np.nan)


def test_a_spectrum_rises_where_its_flux_does(tmp_path) -> None:
    flux = np.where(WAVELENGTH > 5.3, 0.002, 0.001)
    made, png = draw(tmp_path, "jw01234-o001_t001_miri_ch1-short_x1d.fits", table(flux, error=0))

    assert made
    caption = read_caption(png)
    assert caption.caption == "x1d flux density 4.9 – 5.74 µm, mJy"
    assert caption.orientation == "wavelength along x"
    rows = line_rows(png)
    inside = np.flatnonzero(np.isfinite(rows))
    left, right = inside[0], inside[-1]
    step = left + (5.3 - 4.9) / (5.74 - 4.9) * (right - left)
    assert np.nanmedian(rows[: int(step) - 5]) > np.nanmedian(rows[int(step) + 5 :]) + 300


def test_flagged_points_leave_a_gap(tmp_path) -> None:
    dq = np.zeros(800, np.uint32)
    dq[300:500] = 1
    flux = np.where(dq, 1e6, 1.0 + 0.01 * RNG.normal(size=800))
    _, png = draw(tmp_path, "x_x1d.fits", table(flux, dq=dq))

    rows = line_rows(png)

    assert np.isnan(rows[460:620]).all()
    assert np.isfinite(rows[120:400]).mean() > 0.9


def test_zeros_that_extraction_left_are_no_data(tmp_path) -> None:
    flux = np.where(np.arange(800) < 400, 1.0 + 0.01 * RNG.normal(size=800), 0.0)
    hdu = table(flux)
    hdu.data["FLUX_ERROR"][400:] = 0
    _, png = draw(tmp_path, "x_x1d.fits", hdu)
    assert read_caption(png).caption == "x1d flux density 4.9 – 5.319 µm, Jy"


def test_a_single_outlier_does_not_flatten_the_spectrum_but_a_line_fits_in() -> None:
    flux = np.ones(800) + 0.01 * RNG.normal(size=800)
    flux[100] = 1e9
    flux[400:404] = [3, 8, 7, 3]
    _, _, low, high = Curve(WAVELENGTH, flux).limits()
    assert 7 < high < 10
    assert low > 0


def test_the_error_band_widens_with_the_error() -> None:
    x, y = np.arange(100.0), np.linspace(0, 10, 100)

    def ground(error):
        image = draw_curves([Curve(x, y, np.full(100, error))], x_label="", y_label="", size=(400, 300), bare=True)
        return int((np.asarray(image) == GROUND).all(axis=2).sum())

    assert ground(0.0) > ground(0.5) > ground(2.0)


def test_more_sources_than_fit_with_axes_are_all_drawn_small(tmp_path) -> None:
    tables = [table(RNG.normal(1, 0.1, 800) * 1e-7, ver=n + 1, SOURCEID=1000 + n) for n in range(15)]
    made, png = draw(tmp_path, "jw01234-o001_s01000_nirspec_f170lp-g235m_x1d.fits", *tables)

    assert made
    assert read_caption(png).caption == "x1d flux density 4.9 – 5.74 µm, 15 spectra, nJy"
    picture = Image.open(png).convert("RGB")
    assert picture.size == (1024, 768)
    frames = (np.asarray(picture) == FRAME).all(axis=2)
    assert sum(row[1:] & ~row[:-1] for row in [frames.sum(axis=1) > 500]).sum() >= 5
    assert max(Image.open(tmp_path / "out.thumb.png").size) == 256


def test_spectra_in_vector_cells_are_drawn_row_by_row(tmp_path) -> None:
    hdu = fits.BinTableHDU.from_columns(
        [
            fits.Column("SOURCE_ID", "J", array=[7, 9]),
            fits.Column("WAVELENGTH", "50D", unit="um", array=np.tile(np.linspace(1, 2, 50), (2, 1))),
            fits.Column("FLUX", "50D", unit="Jy", array=RNG.normal(1, 0.1, (2, 50))),
        ],
        name="EXTRACT1D",
    )
    made, png = draw(tmp_path, "jw01234-o001_t001_niriss_f150w-gr150r_x1d.fits", hdu)
    assert made
    assert read_caption(png).caption == "x1d flux density 1 – 2 µm, 2 spectra, Jy"


def test_a_source_of_several_exposures_is_drawn_once(tmp_path) -> None:
    def exposure(ver):
        columns = [
            fits.Column("SOURCE_ID", "J", array=np.arange(20)),
            fits.Column("WAVELENGTH", "30D", unit="um", array=np.tile(np.linspace(3, 4, 30), (20, 1))),
            fits.Column("FLUX", "30D", unit="Jy", array=RNG.normal(1, 0.1, (20, 30))),
        ]
        return fits.BinTableHDU.from_columns(columns, name="EXTRACT1D", ver=ver)

    made, png = draw(tmp_path, "jw01234-o001_t001_nircam_f356w-grismr_x1d.fits", exposure(1), exposure(2))
    assert made
    assert read_caption(png).caption == "x1d flux density 3 – 4 µm, 20 sources in 40 spectra, Jy"


@pytest.mark.parametrize(
    "flux", [np.full(800, np.nan), np.r_[1.0, np.full(799, np.nan)]], ids=["all NaN", "a single point"]
)
def test_a_spectrum_without_points_has_no_picture(tmp_path, flux) -> None:
    made, png = draw(tmp_path, "x_x1d.fits", table(flux))
    assert not made
    assert not png.exists()


def test_constant_and_short_spectra_are_drawn(tmp_path) -> None:
    made, _ = draw(tmp_path, "x_x1d.fits", table(np.zeros(2), wavelength=np.array([1.0, 2.0])))
    assert made


def slit(values, ver, start, name):
    hdu = fits.ImageHDU(values.astype(np.float32), name="SCI", ver=ver)
    hdu.header.update(SLTSTRT1=start, SLTNAME=name, BUNIT="MJy/sr", DISPAXIS=1)
    return hdu


def test_slits_are_stacked_in_order_at_their_place_on_the_detector(tmp_path) -> None:
    dark, bright = RNG.normal(1, 0.1, (20, 400)), RNG.normal(1, 0.1, (20, 400))
    bright[9:12, 200] = 1e3
    made, png = draw(
        tmp_path, "jw01234001001_02101_00001_nrs1_cal.fits", slit(dark, 1, 1, "7"), slit(bright, 2, 401, "8")
    )

    assert made
    assert read_caption(png).caption.startswith("cal SCI 2 slits, asinh ")
    pixels = np.asarray(Image.open(png).convert("RGB")).astype(int)
    row, column = np.argwhere(pixels[:, 96:].sum(axis=2) > 600).mean(axis=0)  # right of the names
    assert row > pixels.shape[0] / 2
    assert column == pytest.approx(600.5 * (1024 - 100) / 800, abs=8)
    assert (
        pixels[: pixels.shape[0] // 2 - 4, 96 + 470 :] == GROUND
    ).all()  # the first slit ends where the second starts


def test_more_slits_than_fit_are_counted(tmp_path) -> None:
    slits = [slit(RNG.normal(1, 0.1, (8, 60)), n + 1, 1, str(n)) for n in range(45)]
    made, png = draw(tmp_path, "jw01234001001_02101_00001_nrs1_cal.fits", *slits)
    assert made
    assert read_caption(png).caption.startswith("cal SCI first 40 of 45 slits, asinh ")
    assert max(Image.open(png).size) <= 1024


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (-0.3, 0.3, ["−0.2", "0.0", "0.2"]),
        (4.9, 5.74, ["5.0", "5.2", "5.4", "5.6"]),
        (100, 110, ["100.0", "102.5", "105.0", "107.5", "110.0"]),
    ],
)
def test_ticks_are_round_numbers(low, high, texts) -> None:
    wanted = {-0.3: 3, 100: 4}.get(low, 5)
    assert [text for text, _ in nice_ticks(low, high, wanted)] == texts


@pytest.mark.parametrize(
    ("unit", "largest", "expected"),
    [
        ("Jy", 3.0, "Jy"), ("Jy", 0.02, "mJy"), ("Jy", 4e-6, "µJy"), ("Jy", 1e-12, "nJy"), ("MJy", 1e-7, "mJy"),
        ("MJy/sr", 12.0, "MJy/sr"), ("MJy/sr", 3e-7, "10⁻⁷ MJy/sr"), ("", 0.0, ""),
    ],
)  # fmt: skip
def test_units_are_scaled_to_be_read(unit, largest, expected) -> None:
    factor, name = scaled_unit(unit, np.array([largest, np.nan]))
    assert name == expected
    assert largest == 0 or 1e-3 <= largest * factor < 1e5


def test_limits_of_faint_images_are_told_in_a_readable_unit() -> None:
    assert limits_of(Stretch(-4e-14, 1.66e-12, 0.1), "MJy") == ("−0.04 – 1.66", "µJy")
    assert limits_of(Stretch(0.2, 41.0, 0.1), "MJy/sr") == ("0.2 – 41", "MJy/sr")
