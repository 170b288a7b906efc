from __future__ import annotations

import gzip
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import astropy.wcs
import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from deepfield.products.preview import make_preview, read_caption
from deepfield.products.reader import read_header

if TYPE_CHECKING:
    from pathlib import Path

WCS = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0, "CRPIX1": 50.0, "CRPIX2": 50.0,
    "CUNIT1": "deg", "CUNIT2": "deg", "CDELT1": 1e-5, "CDELT2": 1e-5, "PC1_1": -1.0, "PC1_2": 0.0, "PC2_1": 0.0, "PC2_2": 1.0,
}  # fmt: skip
SLATE = (58, 68, 86, 255)
RNG = np.random.default_rng(7)


def sky(height: int, width: int) -> np.ndarray:
    return RNG.normal(1.0, 0.1, (height, width)).astype(np.float32)


def write(path: Path, *hdus, **primary) -> Path:
    head = fits.Header()
    for keyword, value in {"TELESCOP": "JWST", **primary}.items():
        head[keyword] = value
    fits.HDUList([fits.PrimaryHDU(header=head), *hdus]).writeto(path, overwrite=True)
    return path


def image(values, name: str = "SCI", ver: int = 1, **cards) -> fits.ImageHDU:
    hdu = fits.ImageHDU(values, name=name, ver=ver)
    for keyword, value in cards.items():
        hdu.header[keyword] = value
    return hdu


def draw(path: Path) -> tuple[bool, Path]:
    out = path.parent / "previews" / "ab" / "abcd"
    return make_preview(path, read_header(path), out), out.with_name("abcd.png")


def picture(path: Path) -> np.ndarray:
    made, png = draw(path)
    assert made
    return np.asarray(Image.open(png).convert("RGBA"))


def test_a_star_appears_where_fits_puts_it(tmp_path: Path) -> None:
    values = sky(400, 600)
    values[49, 99] = 1000.0  # FITS pixel (100, 50): left of and below the middle
    path = write(tmp_path / "jw01234001001_02101_00001_nrca1_cal.fits", image(values, BUNIT="MJy/sr"))

    shown = picture(path)

    assert shown.shape == (400, 600, 4)
    row, column = np.unravel_index(shown[..., :3].sum(axis=2).argmax(), (400, 600))
    assert (column, row) == (99, 400 - 1 - 49)


def test_a_star_keeps_its_place_when_the_image_is_reduced(tmp_path: Path) -> None:
    values = sky(3000, 2300)
    values[2000:2006, 500:506] = 1e5
    path = write(tmp_path / "jw01234-o001_t001_nircam_clear-f200w_i2d.fits", image(values))

    shown = picture(path)

    assert shown.shape[0] == 1024
    scale = 3000 / 1024
    row, column = np.median(np.argwhere(shown[..., :3].sum(axis=2) == shown[..., :3].sum(axis=2).max()), axis=0)
    assert column == pytest.approx(503 / scale - 0.5, abs=0.6)
    assert row == pytest.approx((3000 - 2003) / scale - 0.5, abs=0.6)


def test_the_thumbnail_is_small_and_shows_the_same(tmp_path: Path) -> None:
    values = sky(1200, 2400)
    values[100:130, 200:230] = 1e4
    path = write(tmp_path / "jw01234-o001_t001_nircam_clear-f200w_i2d.fits", image(values))
    _, png = draw(path)

    thumb = Image.open(png.with_name("abcd.thumb.png"))

    assert thumb.size == (256, 128)
    row, column = np.argwhere(np.asarray(thumb.convert("RGB")).sum(axis=2) > 600).mean(axis=0)
    assert (column, row) == (pytest.approx(22.4, abs=1), pytest.approx(127 - 11.8, abs=1))


def test_small_pictures_are_enlarged_by_whole_pixels(tmp_path: Path) -> None:
    values = sky(40, 50)
    values[0, 0] = 100.0
    shown = picture(write(tmp_path / "x_cal.fits", image(values)))

    assert shown.shape == (400, 500, 4)
    corner = shown[-10:, :10, :3]
    assert (corner == corner[0, 0]).all()
    assert corner[0, 0].sum() > 600


def test_pixels_without_data_are_transparent_and_only_they(tmp_path: Path) -> None:
    values = sky(300, 300)
    values[200:, 250:] = np.nan
    values[0, 0] = np.inf
    shown = picture(write(tmp_path / "x_i2d.fits", image(values)))

    clear = shown[..., 3] == 0
    expected = np.zeros((300, 300), bool)
    expected[200:, 250:] = True
    expected[0, 0] = True
    assert np.array_equal(clear[::-1], expected)


def test_old_combined_images_are_transparent_where_no_exposure_contributed(tmp_path: Path) -> None:
    values, weight = sky(300, 300), np.ones((300, 300), np.float32)
    values[:, :20], weight[:, :20] = 0, 0
    values[5, 100] = 0  # a true zero
    shown = picture(write(tmp_path / "x_i2d.fits", image(values), image(weight, "WHT")))

    assert (shown[:, :20, 3] == 0).all()
    assert (shown[:, 20:, 3] == 255).all()


def test_masked_pixels_are_never_shown_as_data(tmp_path: Path) -> None:
    values, quality = sky(300, 300), np.zeros((300, 300), np.uint32)
    values[100, 100], quality[100, 100] = 1e6, 1 | 2  # DO_NOT_USE and SATURATED
    values[110, 110], quality[110, 110] = np.nan, 1
    values[120, 120], quality[120, 120] = 9.0, 4  # a corrected jump is good data
    quality[:4, :] = 1 | 1 << 31  # reference pixels never see the sky
    quality[4:8, :] = 1 | 1 << 9
    path = write(tmp_path / "x_cal.fits", image(values), image(quality, "DQ"))

    shown = picture(path)[::-1]

    assert tuple(shown[100, 100]) == tuple(shown[110, 110]) == SLATE
    assert tuple(shown[120, 120]) != SLATE
    assert shown[120, 120, 3] == 255
    assert (shown[:8, :, 3] == 0).all()
    assert (shown[8:, :, 3] == 255).all()
    limits = read_caption(draw(path)[1]).caption.split("asinh ")[1]
    assert float(limits.split(" – ")[1]) < 10


def test_no_value_is_shown_in_the_colour_of_masked_pixels() -> None:
    from deepfield.products.picture import FIRST, MASKED, inferno, label_palette

    for palette in (inferno(), label_palette()):
        assert palette.shape == (256, 3)
        assert tuple(palette[MASKED]) not in {tuple(colour) for colour in palette[FIRST:]}


def test_one_masked_pixel_of_a_block_is_left_out_of_its_mean(tmp_path: Path) -> None:
    values, quality = np.ones((2048, 2048), np.float32), np.zeros((2048, 2048), np.uint32)
    values[::2], values[1::2] = 1.0, 2.0
    values[500, 500], quality[500, 500] = 1e9, 1
    shown = picture(write(tmp_path / "x_cal.fits", image(values), image(quality, "DQ")))

    assert tuple(shown[::-1][250, 250]) != SLATE
    assert len(np.unique(shown.reshape(-1, 4), axis=0)) == 2  # 1.5 everywhere, and (1 + 2 + 2) / 3 once


def test_the_caption_names_product_stretch_limits_and_unit(tmp_path: Path) -> None:
    values = np.linspace(0, 100, 250_000, dtype=np.float32).reshape(500, 500)
    path = write(tmp_path / "jw02731-o001_t017_nircam_clear-f187n_i2d.fits", image(values, BUNIT="MJy/sr", **WCS))

    caption = read_caption(draw(path)[1])

    assert caption.caption == "i2d SCI asinh 0.5 – 99.7 MJy/sr"
    assert (caption.width, caption.height) == (500, 500)


@pytest.mark.parametrize(
    ("turn", "flip", "north", "east", "side"),
    [(0, 1, 0, 90, "left"), (30, 1, 30, 120, "left"), (200, 1, 200, 290, "left"), (0, -1, 0, 270, "right")],
)
def test_orientation_is_that_of_the_world_coordinates(tmp_path: Path, turn, flip, north, east, side) -> None:
    angle = np.radians(turn)
    matrix = {
        "PC1_1": -flip * np.cos(angle), "PC1_2": -np.sin(angle) * 1.0, "PC2_1": -flip * np.sin(angle), "PC2_2": np.cos(angle),
    }  # fmt: skip
    path = write(tmp_path / "x_cal.fits", image(sky(100, 100), **{**WCS, **matrix}))

    caption = read_caption(draw(path)[1])

    with fits.open(path) as hdus:
        wcs = astropy.wcs.WCS(hdus["SCI"].header)
    origin = np.array(wcs.wcs_world2pix(150.0, 2.0, 0))
    up = np.array(wcs.wcs_world2pix(150.0, 2.0001, 0)) - origin
    left = np.array(wcs.wcs_world2pix(150.0001, 2.0, 0)) - origin
    assert caption.north == pytest.approx(np.degrees(np.arctan2(-up[0], up[1])) % 360, abs=0.01)
    assert caption.east == pytest.approx(np.degrees(np.arctan2(-left[0], left[1])) % 360, abs=0.01)
    assert (caption.north, caption.east) == (pytest.approx(north), pytest.approx(east))
    assert caption.orientation == f"north {north:.1f}° counter-clockwise from up, east {side} of north"


def test_a_ramp_shows_what_it_gathered(tmp_path: Path) -> None:
    groups = np.full((1, 4, 300, 300), 20_000, np.uint16)
    groups[:, :, 10, 20] += (np.arange(4) * 1000).astype(np.uint16)
    groups[0, :, 200, 200] = 60_000  # bright from the start, gathers nothing
    path = write(tmp_path / "jw01234001001_02101_00001_nrca1_uncal.fits", image(groups, BUNIT="DN"))

    shown = picture(path)[::-1]

    assert read_caption(draw(path)[1]).caption == "uncal SCI last − first group, asinh 0 – 3000 DN"
    assert shown[10, 20, :3].sum() > 600
    assert shown[200, 200, :3].sum() < 20


def test_a_cube_is_collapsed_over_wavelength(tmp_path: Path) -> None:
    cube = RNG.normal(1.0, 0.1, (60, 40, 40)).astype(np.float32)
    quality = np.zeros(cube.shape, np.uint32)
    cube[:, :, :5], quality[:, :, :5] = np.nan, 1 | 512
    cube[30, 20, 20], quality[30, 20, 20] = 1e6, 1  # one bad wavelength of a spaxel
    cube[:, 10, 30] += 5
    cards = {**WCS, "CTYPE3": "WAVE", "CUNIT3": "um", "CRVAL3": 4.9, "CRPIX3": 1.0, "CDELT3": 0.01, "BUNIT": "MJy/sr"}
    path = write(tmp_path / "jw01234-o001_t001_miri_ch1-short_s3d.fits", image(cube, **cards), image(quality, "DQ"))

    shown = picture(path)[::-1]

    assert read_caption(draw(path)[1]).caption.startswith("s3d SCI mean of 60 wavelengths 4.9 – 5.49 µm, asinh ")
    assert shown.shape == (480, 480 + 8 + 480, 4)
    assert (shown[:, : 5 * 12, 3] == 0).all()
    shown = shown[:, :480]
    brightness = shown[..., :3].astype(int).sum(axis=2)
    assert brightness[10 * 12, 30 * 12] == brightness.max()
    assert brightness[20 * 12, 20 * 12] < 400


def test_a_cube_is_red_where_its_long_wavelengths_shine(tmp_path: Path) -> None:
    cube = RNG.normal(1.0, 0.1, (61, 40, 40)).astype(np.float32)
    for place, planes in enumerate((slice(0, 20), slice(20, 41), slice(41, 61))):
        cube[planes, 8:12, 10 * place + 8 : 10 * place + 12] += 6
    cards = {**WCS, "CTYPE3": "WAVE", "CUNIT3": "um", "CRVAL3": 4.9, "CRPIX3": 1.0, "CDELT3": 0.01}
    path = write(tmp_path / "jw01234-o001_t001_miri_ch1-short_s3d.fits", image(cube, **cards))

    colours = picture(path)[::-1, 488:]

    blue, green, red = (colours[10 * 12, (10 * place + 10) * 12, :3].astype(int) for place in range(3))
    assert (blue.argmax(), green.argmax(), red.argmax()) == (2, 1, 0)
    assert min(blue[2] - blue[0], green[1] - green[2], red[0] - red[1]) > 80
    assert "; blue 4.9 – 5.09, green 5.1 – 5.3, red 5.31 – 5.5" in read_caption(draw(path)[1]).caption
    thumb = np.asarray(Image.open(draw(path)[1].with_name("abcd.thumb.png")).convert("RGBA"))
    assert thumb.shape == (240, 240, 4)


def test_integrations_are_averaged(tmp_path: Path) -> None:
    path = write(tmp_path / "jw01234001001_02101_00001_nrca1_rateints.fits", image(np.ones((5, 64, 64), np.float32)))
    draw(path)
    assert read_caption(draw(path)[1]).caption.startswith("rateints SCI mean of 5 integrations, asinh ")


def test_each_label_of_a_segmentation_map_gets_its_colour(tmp_path: Path) -> None:
    labels = np.zeros((1500, 1500), np.int32)
    labels[100:200, 100:200], labels[300:400, 300:400], labels[700, 700] = 1, 2, 3
    path = write(tmp_path / "jw01234-o001_t001_nircam_clear-f200w_segm.fits", image(labels))

    shown = picture(path)[::-1]

    assert read_caption(draw(path)[1]).caption == "segm SCI 3 sources"
    colours = {tuple(shown[y, x]) for y, x in ((75, 75), (175, 175), (350, 350), (5, 5))}
    assert len(colours) == 4  # the source of a single pixel too


def test_gzip_content_is_drawn_under_any_name(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain_cal.fits", image(sky(64, 64)))
    packed = tmp_path / "packed_cal.fits"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert np.array_equal(picture(packed), picture(plain))


@pytest.mark.parametrize(
    "values",
    [
        np.full((50, 50), np.nan, np.float32),
        np.zeros((0, 5), np.float32),
        np.full((3, 3), np.inf, np.float32),
    ],
    ids=["all NaN", "no pixels", "infinite"],
)
def test_nothing_to_see_gives_no_picture(tmp_path: Path, values) -> None:
    made, png = draw(write(tmp_path / "x_cal.fits", image(values)))
    assert not made
    assert not png.exists()


@pytest.mark.parametrize(
    "values",
    [
        np.ones((1, 1), np.float32),
        np.zeros((64, 64), np.float32),
        np.full((64, 64), -3.5),
        np.ones((1, 3000), np.float32),
        np.ones((3000, 1), np.int16),
        np.full((20, 20), 1e38, np.float32),
        np.array([[1e300, -1e300]]),
        np.ones((2, 2, 2, 2, 2), np.uint8),
    ],
    ids=["one pixel", "zeros", "constant", "one row", "one column", "huge", "beyond float32", "five axes"],
)
def test_odd_images_are_drawn(tmp_path: Path, values) -> None:
    made, png = draw(write(tmp_path / "x_cal.fits", image(values)))
    if made:
        assert max(Image.open(png).size) <= 1024
    assert made or np.abs(values).max() > 1e38


def test_a_file_torn_after_its_header_was_read_gives_no_picture(tmp_path: Path) -> None:
    path = write(tmp_path / "x_cal.fits", image(sky(400, 400)))
    header = read_header(path)
    path.write_bytes(path.read_bytes()[:20_000])

    assert make_preview(path, header, tmp_path / "torn") is False
    assert list(tmp_path.glob("*torn*")) == []


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "x_cal.fits", image(sky(500, 400), BUNIT="MJy/sr", **WCS))
    first = [draw(path)[1].read_bytes(), draw(path)[1].with_name("abcd.thumb.png").read_bytes()]
    time.sleep(1.1)
    assert [draw(path)[1].read_bytes(), draw(path)[1].with_name("abcd.thumb.png").read_bytes()] == first


def test_a_full_detector_takes_half_a_second_at_most(tmp_path: Path) -> None:
    quality = np.where(RNG.random((2048, 2048)) < 0.01, 1, 0).astype(np.uint32)
    path = write(tmp_path / "x_cal.fits", image(sky(2048, 2048)), image(quality, "DQ"))
    header = read_header(path)
    taken = []
    for _ in range(3):
        start = time.process_time()
        assert make_preview(path, header, tmp_path / "x")
        taken.append(time.process_time() - start)
    assert min(taken) < 0.5


def test_a_mosaic_of_ten_thousand_pixels_a_side_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "jw01234-o001_t001_nircam_clear-f200w_i2d.fits"
    head = fits.ImageHDU(np.zeros((1, 1), np.float32), name="SCI").header
    head["NAXIS1"] = head["NAXIS2"] = 10240
    with path.open("wb") as stream:  # sparse: zeros take no disk
        stream.write(fits.PrimaryHDU().header.tostring().encode())
        stream.write(head.tostring().encode())
        stream.write(np.arange(10240, dtype=">f4").tobytes() * 100)
        size = stream.tell() + 4 * 10240 * (10240 - 100)
        stream.truncate(-(-size // 2880) * 2880)
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from deepfield.products.preview import make_preview\nfrom deepfield.products.reader import read_header\n"
        "path = Path(sys.argv[1])\nassert make_preview(path, read_header(path), path.with_name('out'))\n"
        # the peak of this program alone: ru_maxrss would begin with that of the test process it was forked from
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])\n"
    )

    answer = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)

    assert int(answer.stdout.split()[-1]) < 500_000  # kB, the interpreter and astropy included
    assert Image.open(tmp_path / "out.png").size == (1024, 1024)
