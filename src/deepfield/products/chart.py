"""Source catalogues as pictures: over the image they were made from, or on a chart of the sky without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import ascii as text_tables
from PIL import Image, ImageDraw

from deepfield.products.picture import indexed_image, inferno, number, robust_stretch
from deepfield.products.pixels import Plane, open_fits, read_plane
from deepfield.products.plot import BRIGHT, FRAME, GRID, GROUND, LINE, TEXT, nice_ticks, typeface

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LARGEST = 16 << 20
"""Bytes of a catalogue that is drawn."""
_SIDE, _THUMB = 1024, 256
_MARGIN = 64
_RING = (120, 220, 255)
_POSITIONS = (("sky_centroid.ra", "sky_centroid.dec"), ("ra", "dec"), ("RA", "DEC"))

Drawn = tuple[Image.Image, Image.Image, dict[str, str]]


def draw_catalogue(path: Path, suffix: str) -> Drawn | None:
    """Draw an ECSV catalogue of sources, or None where it has no positions or is larger than 16 MiB."""
    if path.stat().st_size > LARGEST:
        return None
    table = text_tables.read(path, format="ecsv", guess=False)
    if not len(table):
        return None
    image = _image_of(path)
    if image is not None and {"xcentroid", "ycentroid"} <= set(table.colnames):
        return _over_image(image, table, suffix)
    return _on_sky(table, suffix)


def _image_of(path: Path) -> Path | None:
    """The combined image of the same name that stands beside a catalogue."""
    if not path.name.lower().endswith("_cat.ecsv"):
        return None
    image = path.with_name(path.name[: -len("cat.ecsv")] + "i2d.fits")
    return image if image.is_file() else None


def _values(table: Any, name: str) -> NDArray[np.float64]:
    return np.ma.filled(np.ma.asarray(getattr(table[name], "value", table[name]), float), np.nan)


def _over_image(path: Path, table: Any, suffix: str) -> Drawn | None:
    with open_fits(path, gzipped=False) as hdus:
        weight = hdus["WHT"] if "WHT" in hdus and hdus["WHT"].shape == hdus["SCI"].shape else None
        pixels = read_plane(Plane(hdus["SCI"], None, weight), longest=_SIDE)
    stretch = robust_stretch(pixels.values)
    if stretch is None:
        return None
    ground = indexed_image(stretch.levels(pixels.values, pixels.masked), inferno()).convert("RGBA")
    backed = Image.new("RGBA", ground.size, (*GROUND, 255))
    backed.alpha_composite(ground)
    times = max(1, _SIDE // max(backed.size))
    picture = backed.convert("RGB").resize((backed.width * times, backed.height * times), Image.Resampling.NEAREST)
    zoom = times / pixels.scale
    x, y = ((_values(table, name) + 0.5) * zoom for name in ("xcentroid", "ycentroid"))
    size = (
        3.0 * _values(table, "semimajor_sigma") * zoom if "semimajor_sigma" in table.colnames else np.full(len(x), 6.0)
    )
    draw = ImageDraw.Draw(picture)
    for column, row, radius in zip(x, picture.height - y, np.clip(np.nan_to_num(size), 5, 60), strict=True):
        if np.isfinite(column) and np.isfinite(row):
            draw.ellipse((column - radius, row - radius, column + radius, row + radius), outline=_RING, width=2)
    text = {"Description": f"{suffix} {len(table)} sources over {path.name}", "Orientation": "as the image"}
    return picture, _small(picture), text


def _on_sky(table: Any, suffix: str) -> Drawn | None:
    names = next((pair for pair in _POSITIONS if set(pair) <= set(table.colnames)), None)
    if names is not None:
        ra, dec = (_values(table, name) for name in names)
    elif "sky_centroid" in table.colnames:
        ra, dec = np.asarray(table["sky_centroid"].ra.deg), np.asarray(table["sky_centroid"].dec.deg)
    else:
        return None
    good = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
    if not good.any():
        return None
    ra, dec = ra[good], dec[good]
    middle = _middle(ra)
    east = (ra - middle + 180) % 360 - 180
    shrink = max(np.cos(np.radians(np.mean(dec))), 1e-3)
    reach = max(float(np.ptp(east)) * shrink, float(np.ptp(dec)), 1 / 3600) * 0.55
    centre = (east.max() + east.min()) / 2, (dec.max() + dec.min()) / 2
    picture = Image.new("RGB", (_SIDE, _SIDE), GROUND)
    draw = ImageDraw.Draw(picture)
    inner = _SIDE - 2 * _MARGIN

    def place(right: float, up: float) -> tuple[float, float]:
        across = -(right - centre[0]) * shrink / reach
        return _MARGIN + inner * (1 + across) / 2, _MARGIN + inner * (1 - (up - centre[1]) / reach) / 2

    small = typeface(12)
    for text, value in nice_ticks(centre[1] - reach, centre[1] + reach, 6):
        _, row = place(centre[0], value)
        draw.line((_MARGIN, row, _SIDE - _MARGIN, row), fill=GRID)
        draw.text((_MARGIN - 6, row), text, font=small, fill=TEXT, anchor="rm")
    for _, value in nice_ticks(centre[0] - reach / shrink, centre[0] + reach / shrink, 6):
        column, _ = place(value, centre[1])
        draw.line((column, _MARGIN, column, _SIDE - _MARGIN), fill=GRID)
        text = f"{(middle + value) % 360:.4f}"
        draw.text((column, _SIDE - _MARGIN + 6), text, font=small, fill=TEXT, anchor="mt")
    for right, up in zip(east, dec, strict=True):
        column, row = place(float(right), float(up))
        draw.ellipse((column - 3, row - 3, column + 3, row + 3), outline=LINE, width=2)
    draw.rectangle((_MARGIN, _MARGIN, _SIDE - _MARGIN, _SIDE - _MARGIN), outline=FRAME, width=2)
    draw.text(
        (_SIDE / 2, _SIDE - 16), "Right ascension (°, east to the left)", font=typeface(14), fill=TEXT, anchor="mm"
    )
    draw.text((_SIDE / 2, 24), "Declination (°) upwards", font=typeface(14), fill=BRIGHT, anchor="mm")
    told = {
        "Description": f"{suffix} {len(table)} sources, field of {number(2 * reach * 60)}′",
        "Orientation": "north up, east left",
        "North": "0",
        "East": "90",
    }
    return picture, _small(picture), told


def _middle(ra: NDArray[np.float64]) -> float:
    """The mean right ascension, on the circle."""
    turns = np.exp(1j * np.radians(ra)).mean()
    return float(np.degrees(np.angle(turns)) % 360)


def _small(picture: Image.Image) -> Image.Image:
    small = picture.copy()
    small.thumbnail((_THUMB, _THUMB), Image.Resampling.BOX)
    return small
