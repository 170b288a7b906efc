"""A picture of many slits: their two-dimensional spectra stacked, each with its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from deepfield.products.picture import Stretch, indexed_image, inferno, limits_of, robust_stretch
from deepfield.products.pixels import Pixels, Plane, shrink
from deepfield.products.plot import BRIGHT, GROUND, typeface

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH = 1024
_GUTTER = 96
_TALLEST = 900
_MOST = 40
_PIXELS = 1 << 25
"""Most pixels that are read of all slits together."""
_GAP = 4
_ENLARGED = 8
"""Most that a slit is enlarged across the dispersion."""
_LEAST = 10
"""Least height of a slit, so that its name fits."""


def draw_slits(planes: Sequence[Plane], suffix: str) -> tuple[Image.Image, Image.Image, dict[str, str]] | None:
    """Stack the slits of a file in its order, on one scale of brightness; the first forty where there are more."""
    shown = list(_affordable(planes))
    strips = [Pixels(*plane.strip(slice(0, plane.shape[0]))) for plane in shown]
    stretch = robust_stretch(np.concatenate([strip.values.ravel() for strip in strips])[None]) if strips else None
    if stretch is None:
        return None
    offsets = _offsets(shown) if suffix != "s2d" else [0] * len(shown)
    canvas = _stack(strips, offsets, [_name(plane) for plane in shown], stretch)
    limits, unit = limits_of(stretch, str(shown[0].science.header.get("BUNIT", "")).strip())
    count = f"{len(strips)} slits" if len(strips) == len(planes) else f"first {len(strips)} of {len(planes)} slits"
    text = {
        "Description": f"{suffix} SCI {count}, asinh {limits} {unit}".strip(),
        "Limits": limits,
        "Unit": unit,
        "Stretch": f"asinh, softness {stretch.softness:.3g}",
        "Orientation": "wavelength along x",
    }
    thumb = canvas.crop((_GUTTER, 0, WIDTH, canvas.height))
    thumb.thumbnail((256, 256), Image.Resampling.BOX)
    return canvas, thumb, text


def _affordable(planes: Sequence[Plane]) -> Iterator[Plane]:
    left = _PIXELS
    for plane in planes[:_MOST]:
        height, width = plane.shape
        left -= height * width
        if left < 0:
            return
        if len(plane.science.shape) == 2:
            yield plane


def _stack(strips: Sequence[Pixels], offsets: Sequence[int], names: Sequence[str], stretch: Stretch) -> Image.Image:
    span = max(offset + strip.shape[1] for offset, strip in zip(offsets, strips, strict=True))
    scale = (WIDTH - _GUTTER - _GAP) / span
    room = (_TALLEST - _GAP * len(strips)) // sum(strip.shape[0] for strip in strips)
    up = max(1, min(_ENLARGED, room))
    heights = [max(_LEAST, strip.shape[0] * up) for strip in strips]
    canvas = Image.new("RGB", (WIDTH, min(WIDTH, sum(heights) + _GAP * (len(strips) + 1))), GROUND)
    draw, top = ImageDraw.Draw(canvas), _GAP
    for strip, offset, name, height in zip(strips, offsets, names, heights, strict=True):
        wide = max(1, round(strip.shape[1] * scale))
        small = _squeeze(strip, wide)
        picture = indexed_image(stretch.levels(small.values, small.masked), inferno()).convert("RGBA")
        picture = picture.resize((wide, height), Image.Resampling.NEAREST)
        canvas.paste(picture, (_GUTTER + round(offset * scale), top), picture)
        draw.text((_GUTTER - 8, top + height / 2), name, font=typeface(11), fill=BRIGHT, anchor="rm")
        top += height + _GAP
    return canvas


def _squeeze(strip: Pixels, wide: int) -> Pixels:
    """Average along the dispersion alone."""
    rows = [
        shrink(Pixels(strip.values[row : row + 1], strip.masked[row : row + 1]), longest=wide)
        for row in range(strip.shape[0])
    ]
    return Pixels(np.concatenate([row.values for row in rows]), np.concatenate([row.masked for row in rows]))


def _offsets(planes: Sequence[Plane]) -> list[int]:
    """Return where each slit starts on the detector, in columns after the first of them."""
    starts = [plane.science.header.get("SLTSTRT1") for plane in planes]
    if not all(isinstance(start, int) for start in starts):
        return [0] * len(planes)
    return [start - min(starts) for start in starts]


def _name(plane: Plane) -> str:
    head = plane.science.header
    for keyword in ("SRCNAME", "SLTNAME", "SOURCEID"):
        value = str(head.get(keyword, "")).strip()
        if value and value != "N/A":
            return value if len(value) <= 14 else "…" + value[-13:]
    return str(plane.science.ver)
