"""Pixels of FITS images, read in sections and averaged in blocks, so that memory does not grow with the image.

DQ bits after the JWST calibration pipeline: 0 DO_NOT_USE, 9 NON_SCIENCE, 31 REFERENCE_PIXEL.
"""

from __future__ import annotations

import gzip
import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits
from PIL import Image

from deepfield.model.errors import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

DO_NOT_USE = 1
OUTSIDE = 1 << 9 | 1 << 31
"""Bits of pixels that never see the sky."""

MAX_UNPACKED = 1 << 29
"""Bytes that a gzip file may unpack to, since it cannot be read in sections."""

LONGEST_SIDE = 1 << 17
"""Images with a longer side are not read: a row of blocks would take too much memory."""

_STRIP = 1 << 22
"""Pixels read at once."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """An image ready to be drawn, row 0 at the bottom as in FITS.

    ``values`` is NaN where there is nothing to show; ``masked`` tells where that is because data quality forbids it.
    ``scale`` counts detector pixels per pixel of ``values`` along each axis.
    """

    values: NDArray[np.float32]
    masked: NDArray[np.bool_]
    scale: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.values.shape
        return height, width


@contextmanager
def open_fits(path: Path, *, gzipped: bool, tables: bool = False) -> Iterator[fits.HDUList]:
    """Open a FITS file for reading images in sections, or ``tables`` by rows, from a memory map.

    Raises:
        UnreadableFileError: a gzip file unpacks to more than ``MAX_UNPACKED`` bytes.
    """
    if not gzipped:
        with fits.open(path, mode="readonly", memmap=tables, lazy_load_hdus=True) as hdus:
            yield hdus
        return
    with gzip.open(path) as packed:
        unpacked = packed.read(MAX_UNPACKED + 1)
    if len(unpacked) > MAX_UNPACKED:
        raise UnreadableFileError(path.name, f"it unpacks to more than {MAX_UNPACKED} bytes")
    with fits.open(io.BytesIO(unpacked), memmap=False, lazy_load_hdus=True) as hdus:
        yield hdus


@dataclass(frozen=True, slots=True)
class Plane:
    """One picture inside an image HDU: its last two axes, with the axes before them fixed, averaged or subtracted."""

    science: Any
    """The HDU of the values."""
    quality: Any | None = None
    """The HDU of the DQ flags, if there is one of the same pixels."""
    weight: Any | None = None
    """The HDU of the drizzle weights, if there is one; zero where no exposure contributed."""
    lead: tuple[int, ...] = ()
    """Where the leading axes are fixed."""
    over: int = 0
    """How many planes of the axis after ``lead`` to average over; 0 where there is no such axis."""
    begin: int = 0
    """The first of them."""
    minus: tuple[int, ...] | None = None
    """Where the leading axes are fixed for the picture to subtract."""

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.science.shape[-2:]
        return int(height), int(width)

    def strip(self, rows: slice) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return values (NaN where there is none) and mask of some rows."""
        if self.over:
            return self._mean(rows)
        values, masked = self._read(self.lead, rows)
        if self.minus is not None:
            values -= self._read(self.minus, rows)[0]
        return values, masked

    def _mean(self, rows: slice) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        shape = rows.stop - rows.start, self.shape[1]
        total, count, hidden = np.zeros(shape), np.zeros(shape, np.int32), np.zeros(shape, bool)
        step = max(1, _STRIP // (shape[0] * shape[1]))
        end = self.begin + self.over
        for start in range(self.begin, end, step):
            values, masked = self._read((*self.lead, slice(start, min(start + step, end))), rows)
            known = np.isfinite(values)
            total += np.where(known, values, 0).sum(axis=0, dtype=float)
            count += known.sum(axis=0, dtype=np.int32)
            hidden |= masked.any(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (total / count).astype(np.float32), hidden & (count == 0)

    def _read(self, index: tuple[int | slice, ...], rows: slice) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        values = self.science.section[(*index, rows)].astype(np.float32)
        values[np.isinf(values)] = np.nan
        if self.weight is not None and not values.all():  # combined images once wrote 0 where nothing was seen
            values[self.weight.section[(*index, rows)] == 0] = np.nan
        if self.quality is None:
            return values, np.zeros(values.shape, bool)
        index = index if len(self.quality.shape) == len(self.science.shape) else ()
        flags = self.quality.section[(*index, rows)].astype(np.uint32, copy=False)
        bad = np.broadcast_to((flags & np.uint32(DO_NOT_USE)) != 0, values.shape)
        values[bad] = np.nan
        return values, bad & ((flags & np.uint32(OUTSIDE)) == 0)


def read_plane(plane: Plane, *, longest: int) -> Pixels:
    """Read a plane, averaging blocks of pixels so that its longest side is at most ``longest``."""
    height, width = plane.shape
    factor = max(1, max(height, width) // longest)
    step = max(1, _STRIP // (width * factor)) * factor
    means, masks = [], []
    for start in range(0, height, step):
        values, masked = plane.strip(slice(start, min(start + step, height)))
        if factor > 1:
            values, masked = _block_mean(values, masked, factor)
        means.append(values)
        masks.append(masked)
    return shrink(Pixels(np.concatenate(means), np.concatenate(masks), factor), longest=longest)


def shrink(pixels: Pixels, *, longest: int) -> Pixels:
    """Return the picture averaged by area to fit ``longest``, or unchanged when it fits already."""
    height, width = pixels.shape
    ratio = max(height, width) / longest
    if ratio <= 1:
        return pixels
    size = max(1, round(width / ratio)), max(1, round(height / ratio))
    known = np.isfinite(pixels.values)
    weight = _resize(known.astype(np.float32), size)
    total = _resize(np.where(known, pixels.values, np.float32(0)), size)
    hidden = _resize(pixels.masked.astype(np.float32), size) > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(weight > 1e-6, total / weight, np.float32(np.nan)).astype(np.float32)
    return Pixels(values, hidden & ~np.isfinite(values), pixels.scale * ratio)


def read_labels(science: Any, *, longest: int) -> NDArray[np.int64]:
    """Read a segmentation map so that each block shows its highest label and no small source disappears."""
    height, width = science.shape
    factor = -(-max(height, width) // longest)
    step = max(1, _STRIP // (width * factor)) * factor
    strips = [block_maximum(science.section[start : start + step], factor) for start in range(0, height, step)]
    return np.concatenate(strips)


def _resize(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX))


def _block_mean(
    values: NDArray[np.float32], masked: NDArray[np.bool_], factor: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    known = np.isfinite(values)
    values[~known] = 0
    total, count = _block_sum(values, factor), _block_sum(known, factor)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
    return mean, (_block_sum(masked, factor) > 0) & (count == 0)


def _block_sum(values: NDArray[Any], factor: int) -> NDArray[np.float32]:
    height, width = values.shape
    down = np.zeros((-(-height // factor), width), np.float32)
    for offset in range(min(factor, height)):
        rows = values[offset::factor]
        down[: len(rows)] += rows
    total = np.zeros((len(down), -(-width // factor)), np.float32)
    for offset in range(min(factor, width)):
        columns = down[:, offset::factor]
        total[:, : columns.shape[1]] += columns
    return total


def block_maximum(labels: NDArray[Any], factor: int) -> NDArray[np.int64]:
    """Return the highest label of each block of ``factor`` × ``factor`` pixels."""
    down = np.maximum.reduceat(labels, np.arange(0, labels.shape[0], factor), axis=0)
    return np.maximum.reduceat(down, np.arange(0, labels.shape[1], factor), axis=1).astype(np.int64)
