"""Numbers into colours: robust limits, an asinh stretch and an indexed PNG that says what it shows."""

from __future__ import annotations

import colorsys
import secrets
from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, PngImagePlugin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

CLEAR = 0
"""Index of pixels without data; the PNG shows them transparent."""
MASKED = 1
"""Index of pixels that data quality forbids; shown in a neutral slate that no value takes."""
FIRST = 2
LEVELS = 256 - FIRST

SLATE = (58, 68, 86)

# The perceptually uniform map "inferno" (Smith and van der Walt, CC0), every eighth of its 256 colours and the last
_INFERNO = (
    "000004 040312 0b0724 150b37 210c4a 2f0a5b 3d0965 4a0c6b 57106e 64156e 71196e 7d1e6d 8a226a 972766 a32c61 b0315b "
    "bc3754 c73e4c d24644 db503b e45a31 eb6628 f1731d f68013 f98e09 fb9d07 fcac11 fbbc21 f9cb35 f5db4c f2ea69 f3f68a "
    "fcffa4"
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """An asinh stretch: values up to about ``softness`` of the range above ``lower`` are shown linearly."""

    lower: float
    upper: float
    softness: float

    def levels(self, values: NDArray[np.float32], masked: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Return palette indices: ``CLEAR`` where the value is not finite, ``MASKED`` where ``masked`` says so."""
        with np.errstate(invalid="ignore", over="ignore"):
            part = (values - np.float32(self.lower)) / np.float32(self.upper - self.lower)
            np.clip(part, 0, 1, out=part)
            part = np.arcsinh(part / np.float32(self.softness)) / np.float32(np.arcsinh(1 / self.softness))
        levels: NDArray[np.uint8] = np.nan_to_num(part * (LEVELS - 1), nan=0.0).astype(np.uint8) + np.uint8(FIRST)
        levels[~np.isfinite(values)] = CLEAR
        levels[masked] = MASKED
        return levels


def robust_stretch(values: NDArray[np.float32]) -> Stretch | None:
    """Choose limits that neither outliers nor an empty sky can spoil, or None where no value is finite.

    The range runs from just under the background to the 99.7 % point, and at least to twenty times the noise between
    neighbours above the median, so that an empty field stays dark. The softness follows the scatter of all values and
    that noise: faint structure appears, noise does not.
    """
    known = values[np.isfinite(values)]
    if known.size == 0:
        return None
    low, middle, high = (float(value) for value in np.percentile(known, (0.5, 50, 99.7)))
    scatter = _scatter(known)
    lower = max(low, middle - 2 * scatter) if scatter > 0 else low
    noise = _scatter(np.diff(values[..., ::2, :]) / np.float32(2**0.5))
    upper = max(high, middle + 20 * noise)
    if not upper > lower:
        lower, upper = float(known.min()), float(known.max())
    if not upper > lower:
        upper = lower + max(abs(lower), 1.0)
    softness = min(max(max(3 * scatter, 6 * noise) / (upper - lower), 0.01), 0.5)
    return Stretch(lower, upper, softness)


def _scatter(values: NDArray[np.float32]) -> float:
    """Return the standard deviation of the bulk of the values, from the median absolute deviation."""
    known = values[np.isfinite(values)]
    return 1.4826 * float(np.median(np.abs(known - np.median(known)))) if known.size else 0.0


def inferno() -> NDArray[np.uint8]:
    """Return the palette for values: clear, masked, then dark violet to pale yellow."""
    anchors = np.array([list(bytes.fromhex(code)) for code in _INFERNO.split()], float)
    places = np.append(np.arange(0, 256, 8), 255)
    where = np.linspace(0, 255, LEVELS)
    colours = np.stack([np.interp(where, places, anchors[:, channel]) for channel in range(3)], axis=1)
    return _palette(colours)


def diverging() -> NDArray[np.uint8]:
    """Return the palette for values of both signs: blue below, near black at zero, orange above."""
    where = np.linspace(-1, 1, LEVELS)[:, None]
    dark, below, above = np.array([16, 18, 24]), np.array([120, 196, 255]), np.array([255, 176, 84])
    return _palette(dark + np.abs(where) ** 0.8 * (np.where(where < 0, below, above) - dark))


def label_levels(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return palette indices of a segmentation map; neighbours in number differ in colour, 0 is background."""
    spread = (labels * 97) % (LEVELS - 1) + FIRST + 1
    return np.where(labels > 0, spread, FIRST).astype(np.uint8)


def label_palette() -> NDArray[np.uint8]:
    """Return the palette for labels: clear, masked, background, then hues of even brightness."""
    hues = [colorsys.hls_to_rgb((index * 0.618034) % 1, 0.45 + 0.2 * (index % 3) / 2, 0.65) for index in range(LEVELS)]
    return _palette(np.array([(0.02, 0.02, 0.04), *hues[1:]]) * 255)


def _palette(colours: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.concatenate([[(0, 0, 0), SLATE], np.round(colours)]).astype(np.uint8)


def indexed_image(levels: NDArray[np.uint8], palette: NDArray[np.uint8]) -> Image.Image:
    """Return palette indices, row 0 at the bottom, as a picture with transparent ``CLEAR`` pixels."""
    image = Image.fromarray(np.ascontiguousarray(levels[::-1]))
    image.putpalette(palette.tobytes())
    image.info["transparency"] = CLEAR
    return image


def save_png(image: Image.Image, path: Path, text: Mapping[str, str]) -> None:
    """Write a picture that carries ``text`` (UTF-8); the file appears whole or not at all."""
    chunks = PngImagePlugin.PngInfo()
    for key, value in text.items():
        chunks.add_itxt(key, value)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        image.save(part, "PNG", pnginfo=chunks)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def limits_of(stretch: Stretch, unit: str) -> tuple[str, str]:
    """Return the limits of a picture as its caption shows them, and the unit that they are in."""
    factor, name = scaled_unit(unit, np.array([stretch.upper])) if unit in _JANSKYS else (1.0, unit)
    return f"{number(stretch.lower * factor)} – {number(stretch.upper * factor)}", name


def number(value: float) -> str:
    """Write a limit in three figures, as a caption shows it."""
    text = f"{value:.3g}"
    if "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{float(text):.0f}" if 0 < int(exponent) < 6 else f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def scaled_unit(unit: str, values: NDArray[np.float64]) -> tuple[float, str]:
    """Return the factor and the unit in which values read well, e.g. ``(1e6, "µJy")`` for faint janskys.

    Units other than janskys keep their name after a power of ten where one is needed.
    """
    largest = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    if largest == 0:
        return 1.0, unit
    if unit in _JANSKYS:
        power = _JANSKYS[unit]
        exponent, name = next(
            ((step, name) for name, step in _JANSKYS.items() if step <= 0 and largest * 10.0 ** (power - step) >= 1),
            (-9, "nJy"),
        )
        return 10.0 ** (power - exponent), name
    exponent = floor(log10(largest))
    if -3 <= exponent < 5:
        return 1.0, unit
    return 10.0**-exponent, f"10{str(exponent).translate(_RAISED)} {unit}".strip()


_JANSKYS = {"MJy": 6, "Jy": 0, "mJy": -3, "µJy": -6, "nJy": -9}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
