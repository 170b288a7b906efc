"""A cube in colour: its short, middle and long wavelengths as blue, green and red."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from deepfield.products.picture import robust_stretch
from deepfield.products.pixels import Plane, read_plane

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

GAP = 8
"""Pixels between the collapsed cube and the coloured one."""
BANDS = 3


def bands_of(planes: int) -> list[tuple[int, int]]:
    """First plane and number of planes of each band, from the first plane to the last."""
    edges = np.linspace(0, planes, BANDS + 1).round().astype(int)
    return [(int(start), int(stop - start)) for start, stop in pairwise(edges)]


def in_colour(plane: Plane, *, longest: int) -> NDArray[np.uint8] | None:
    """The bands of a cube as red, green, blue and opacity, row 0 at the bottom; None where a band has no value.

    Each band is stretched by itself, so the colour of a spaxel says how its spectrum differs from the usual one.
    """
    layers, known = [], None
    for begin, count in bands_of(plane.over):
        pixels = read_plane(replace(plane, begin=begin, over=count), longest=longest)
        stretch = robust_stretch(pixels.values)
        if stretch is None:
            return None
        here = np.isfinite(pixels.values)
        known = here if known is None else known | here
        part = np.clip((np.nan_to_num(pixels.values) - stretch.lower) / (stretch.upper - stretch.lower), 0, 1)
        shown = np.arcsinh(part / stretch.softness) / np.arcsinh(1 / stretch.softness)
        layers.append(np.where(here, shown * 255, 0).astype(np.uint8))
    assert known is not None
    blue, green, red = layers
    return np.stack([red, green, blue, np.where(known, 255, 0).astype(np.uint8)], axis=-1)


def beside(collapsed: Image.Image, colours: NDArray[np.uint8], times: tuple[int, int]) -> Image.Image:
    """The collapsed cube and, to the right of it, the coloured one."""
    large = colours.repeat(times[0], axis=0).repeat(times[1], axis=1)
    right = Image.fromarray(np.ascontiguousarray(large[::-1]))
    both = Image.new("RGBA", (collapsed.width + GAP + right.width, max(collapsed.height, right.height)), (0, 0, 0, 0))
    both.paste(collapsed.convert("RGBA"), (0, 0))
    both.paste(right, (collapsed.width + GAP, 0))
    return both


def described(planes: int, wavelength: Callable[[int], str]) -> str:
    """Which wavelengths have which colour; ``wavelength`` writes that of a plane."""
    named = zip(("blue", "green", "red"), bands_of(planes), strict=True)
    return ", ".join(f"{name} {wavelength(begin)} – {wavelength(begin + count - 1)}" for name, (begin, count) in named)
