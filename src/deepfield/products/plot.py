"""Line plots of spectra with error bands, drawn with Pillow on the portal's dark ground."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from math import ceil, floor, log10, sqrt
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

GROUND = (11, 15, 22)
GRID = (30, 38, 50)
FRAME = (74, 86, 104)
TEXT = (159, 172, 190)
BRIGHT = (226, 232, 240)
LINE = (245, 180, 76)
BAND = (92, 62, 112)

_FINE = 2
"""Lines are drawn this many times larger and averaged, which smooths their edges."""

Box = tuple[int, int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A spectrum to draw; NaN leaves a gap. ``error`` is one standard deviation."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    error: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    label: str = ""
    marks: bool = False
    """Draw points with error bars, every one of them, instead of a line."""

    def limits(self) -> tuple[float, float, float, float] | None:
        """Return x and y limits that keep lines and leave out single outliers, or None without two finite points."""
        good = np.isfinite(self.x) & np.isfinite(self.y)
        if good.sum() < 2:
            return None
        x, y = self.x[good], self.y[good]
        low, high = self._spanned(good) if self.marks else _supported(y[np.argsort(x, kind="stable")])
        if not high > low:
            low, high = low - max(abs(low), 1.0) / 10, high + max(abs(high), 1.0) / 10
        pad = 0.08 * (high - low)
        left, right = float(x.min()), float(x.max())
        if self.marks and right > left:
            left, right = left - 0.04 * (right - left), right + 0.04 * (right - left)
        return (left, right, low - pad, high + pad) if right > left else None

    def _spanned(self, good: NDArray[np.bool_]) -> tuple[float, float]:
        error = np.nan_to_num(self.error[good]) if len(self.error) == len(self.y) else 0.0
        return float((self.y[good] - error).min()), float((self.y[good] + error).max())


def draw_curves(
    curves: Sequence[Curve], *, x_label: str, y_label: str, size: tuple[int, int], bare: bool = False
) -> Image.Image | None:
    """Draw curves, one panel each, or None when none of them can be drawn. ``bare`` leaves out all text."""
    drawable = [(curve, limits) for curve in curves if (limits := curve.limits()) is not None]
    if not drawable:
        return None
    canvas = Image.new("RGB", (size[0] * _FINE, size[1] * _FINE), GROUND)
    panels = list(panels_of(len(drawable), size, bare=bare))
    frames = [
        Frame(box, limits, few=len(panels) > 1 or bare) for box, (_, limits) in zip(panels, drawable, strict=True)
    ]
    for frame, (curve, _) in zip(frames, drawable, strict=True):
        frame.draw_lines(canvas, curve)
    image = canvas.resize(size, Image.Resampling.BOX)
    if bare:
        return image
    for frame, (curve, _) in zip(frames, drawable, strict=True):
        frame.draw_text(image, curve.label)
    draw_labels(image, x_label, y_label)
    return image


def draw_overview(curves: Sequence[Curve], *, x_label: str, size: tuple[int, int]) -> Image.Image | None:
    """Draw many curves small, each with its label and a scale of its own over one x axis, or None without any."""
    drawable = [(curve, limits) for curve in curves if (limits := curve.limits()) is not None]
    if not drawable:
        return None
    low, high = min(limits[0] for _, limits in drawable), max(limits[1] for _, limits in drawable)
    columns = max(2, ceil(sqrt(len(drawable) / 2.5)))
    rows = ceil(len(drawable) / columns)
    wide, tall = (size[0] - 16) / columns, (size[1] - 60) / rows
    canvas = Image.new("RGB", (size[0] * _FINE, size[1] * _FINE), GROUND)
    frames = []
    for index, (_, limits) in enumerate(drawable):
        row, column = divmod(index, columns)
        x, y = 8 + column * wide, 8 + row * tall
        box = round(x + 4), round(y + 2), round(x + wide - 4), round(y + tall - 4)
        frames.append(Frame(box, (low, high, *limits[2:]), few=True))
    for frame, (curve, _) in zip(frames, drawable, strict=True):
        frame.draw_lines(canvas, curve)
    image = canvas.resize(size, Image.Resampling.BOX)
    draw, small = ImageDraw.Draw(image), typeface(11)
    for index, (frame, (curve, _)) in enumerate(zip(frames, drawable, strict=True)):
        left, top, _, bottom = frame.box
        draw.text((left + 5, top + 4), curve.label, font=small, fill=BRIGHT)
        if index + columns >= len(drawable):
            for text, place in frame.ticks(0):
                draw.text((place, bottom + 4), text, font=small, fill=TEXT, anchor="mt")
    draw.text((size[0] / 2, size[1] - 8), x_label, font=typeface(14), fill=TEXT, anchor="mb")
    return image


def panels_of(count: int, size: tuple[int, int], *, bare: bool) -> Iterator[Box]:
    columns = 1 if count == 1 else min(count, max(2, ceil(sqrt(count * 0.75))))
    rows = ceil(count / columns)
    left, top, right, bottom = (6, 6, 6, 6) if bare else (26, 10, 10, 30)
    inner = (0, 0, 0, 0) if bare else (58, 6, 8, 24)
    width, height = (size[0] - left - right) / columns, (size[1] - top - bottom) / rows
    for index in range(count):
        row, column = divmod(index, columns)
        x, y = left + column * width, top + row * height
        yield round(x + inner[0]), round(y + inner[1]), round(x + width - inner[2]), round(y + height - inner[3])


@dataclass(frozen=True, slots=True)
class Frame:
    """One panel: a box of the picture and the limits of the data inside."""

    box: Box
    limits: tuple[float, float, float, float]
    few: bool

    def _place(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> list[Point]:
        left, top, right, bottom = self.box
        x0, x1, y0, y1 = self.limits
        across = left + (x - x0) / (x1 - x0) * (right - left)
        down = bottom - (y - y0) / (y1 - y0) * (bottom - top)
        down = np.clip(down, top - 4 * (bottom - top), bottom + 4 * (bottom - top))
        return list(zip((across * _FINE).tolist(), (down * _FINE).tolist(), strict=True))

    def draw_lines(self, canvas: Image.Image, curve: Curve) -> None:
        """Draw grid, band, line and frame on the enlarged canvas, cut to the box."""
        left, top, right, bottom = (side * _FINE for side in self.box)
        panel = canvas.crop((left, top, right, bottom))
        draw = ImageDraw.Draw(panel)
        for ticks, vertical in ((self.ticks(0), True), (self.ticks(1), False)):
            for _, place in ticks:
                along = (place * _FINE - left, 0, place * _FINE - left, bottom - top)
                across = (0, place * _FINE - top, right - left, place * _FINE - top)
                draw.line(along if vertical else across, fill=GRID, width=_FINE)
        if curve.marks:
            self._draw_marks(draw, curve)
        runs = [] if curve.marks else list(_runs(curve))
        for x, y, error in runs:
            if error is not None:
                edge = self._place(x, y + error) + self._place(x, y - error)[::-1]
                draw.polygon([(px - left, py - top) for px, py in edge], fill=BAND)
        for x, y, _ in runs:
            points = [(px - left, py - top) for px, py in self._place(x, y)]
            if len(points) == 1:
                (px, py) = points[0]
                draw.ellipse((px - 2, py - 2, px + 2, py + 2), fill=LINE)
            else:
                draw.line(points, fill=LINE, width=3 if len(points) < 1500 else 2, joint="curve")
        draw.rectangle((0, 0, right - left - 1, bottom - top - 1), outline=FRAME, width=_FINE)
        canvas.paste(panel, (left, top))

    def _draw_marks(self, draw: ImageDraw.ImageDraw, curve: Curve) -> None:
        left, top = self.box[0] * _FINE, self.box[1] * _FINE
        good = np.isfinite(curve.x) & np.isfinite(curve.y)
        error = curve.error if len(curve.error) == len(curve.y) else np.zeros(len(curve.y))
        x, y, spread = curve.x[good], curve.y[good], np.nan_to_num(error[good], posinf=0.0)
        for low, here, high in zip(
            self._place(x, y - spread), self._place(x, y), self._place(x, y + spread), strict=True
        ):
            draw.line((low[0] - left, low[1] - top, high[0] - left, high[1] - top), fill=BAND, width=2 * _FINE)
            px, py, size = here[0] - left, here[1] - top, 3 * _FINE
            draw.ellipse((px - size, py - size, px + size, py + size), fill=LINE)

    def draw_text(self, image: Image.Image, label: str) -> None:
        """Write the numbers of the ticks outside the box and the label inside."""
        draw, small = ImageDraw.Draw(image), typeface(12)
        left, top, right, bottom = self.box
        for text, place in self.ticks(0):
            draw.text((place, bottom + 5), text, font=small, fill=TEXT, anchor="mt")
        for text, place in self.ticks(1):
            draw.text((left - 6, place), text, font=small, fill=TEXT, anchor="rm")
        if label:
            around = draw.textbbox((right - 8, top + 7), label, font=small, anchor="rt")
            draw.rectangle((around[0] - 4, around[1] - 3, around[2] + 4, around[3] + 3), fill=GROUND)
            draw.text((right - 8, top + 7), label, font=small, fill=BRIGHT, anchor="rt")

    def ticks(self, axis: int) -> list[tuple[str, float]]:
        """Return the round numbers along an axis (0 across, 1 up), each with its place in the picture."""
        low, high = self.limits[2 * axis : 2 * axis + 2]
        start, end = (self.box[0], self.box[2]) if axis == 0 else (self.box[3], self.box[1])
        room = 70 if axis == 0 else 44
        wanted = max(2, min(4 if self.few else 9, abs(end - start) // room))
        return [
            (text, start + (value - low) / (high - low) * (end - start))
            for text, value in nice_ticks(low, high, wanted)
        ]


def nice_ticks(low: float, high: float, wanted: int) -> list[tuple[str, float]]:
    """Return about ``wanted`` round numbers between two limits, each with its text."""
    raw = (high - low) / wanted
    power = 10.0 ** floor(log10(raw))
    step = next(multiple * power for multiple in (1, 2, 2.5, 5, 10) if multiple * power >= raw * 0.999)
    decimals = max(0, -floor(log10(step) + 1e-9) + (1 if round(step / power, 6) == 2.5 else 0))
    values = [index * step for index in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
    return [(f"{value + 0.0:.{decimals}f}".replace("-", "−"), value) for value in values]


@cache
def typeface(size: int) -> ImageFont.FreeTypeFont:
    """Return the face of all text in pictures; bundled, so that pictures do not depend on the machine."""
    with resources.as_file(resources.files("deepfield.products") / "fonts" / "DejaVuSans.ttf") as path:
        return ImageFont.truetype(path, size)


def draw_labels(image: Image.Image, x_label: str, y_label: str) -> None:
    font = typeface(14)
    draw = ImageDraw.Draw(image)
    draw.text((image.width / 2, image.height - 8), x_label, font=font, fill=TEXT, anchor="mb")
    strip = Image.new("RGB", (ceil(font.getlength(y_label)) + 4, 20), GROUND)
    ImageDraw.Draw(strip).text((2, 10), y_label, font=font, fill=TEXT, anchor="lm")
    turned = strip.rotate(90, expand=True)
    image.paste(turned, (6, max(0, (image.height - 30 - turned.height) // 2)))


def _runs(curve: Curve) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]]:
    order = np.argsort(curve.x, kind="stable")
    x, y = curve.x[order], curve.y[order]
    error = np.nan_to_num(curve.error[order], nan=0.0, posinf=0.0) if len(curve.error) == len(x) else None
    good = np.isfinite(x) & np.isfinite(y)
    borders = np.flatnonzero(np.diff(np.concatenate([[0], good.astype(np.int8), [0]])))
    for start, stop in borders.reshape(-1, 2):
        yield x[start:stop], y[start:stop], None if error is None else error[start:stop]


def _supported(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the lowest and highest value to which a neighbour goes at least a third of the way from the middle."""
    if len(values) < 3:
        return float(values.min()), float(values.max())
    middle = float(np.median(values))
    away = np.pad(values - middle, 1, mode="reflect")
    before, here, after = away[:-2], away[1:-1], away[2:]
    highest = np.minimum(here, 3 * np.maximum(before, after)).max()
    lowest = np.maximum(here, 3 * np.minimum(before, after)).min()
    return middle + min(float(lowest), 0.0), middle + max(float(highest), 0.0)
