"""Where the data of a FITS file stand, so that any piece can be read without the rest.

Everything is read with seek and read: a file that shrinks meanwhile ends a request, not the server.
"""

from __future__ import annotations

import gzip
import io
import math
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from deepfield.model.errors import UnreadableFileError
from deepfield.products.cards import parse_cards
from deepfield.products.fits import BLOCK, HDU_LIMIT, HEADER_LIMIT, data_size, part_of
from deepfield.products.pixels import MAX_UNPACKED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from deepfield.model.observation import Part
    from deepfield.products.header import Card, Value

_PIXELS: Final = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


@dataclass(frozen=True, slots=True)
class Unit:
    """One HDU and where its data begin."""

    part: Part
    cards: tuple[Card, ...]
    values: Mapping[str, Value]
    start: int
    """First byte of the data."""
    size: int
    """Bytes of the data."""

    def number(self, keyword: str, default: float | None = None) -> float | None:
        """Return the value of a keyword as a finite number, or what stands for it."""
        value = self.values.get(keyword)
        good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if good else default  # type: ignore[arg-type]

    def whole(self, keyword: str) -> int | None:
        """Return the value of a keyword that is a whole number."""
        value = self.values.get(keyword)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def text(self, keyword: str) -> str | None:
        """Return the value of a keyword as text; None where it says nothing."""
        value = self.values.get(keyword)
        text = "" if value is None else str(value).strip()
        return text if text not in {"", "N/A"} else None


@dataclass(frozen=True, slots=True)
class FitsFile:
    """An open FITS file whose structure is known."""

    name: str
    stream: IO[bytes]
    units: tuple[Unit, ...]

    def named(self, name: str) -> tuple[Unit, ...]:
        """Return the HDUs of a name, in the order of the file."""
        return tuple(unit for unit in self.units if unit.part.name == name)

    def first(self, name: str) -> Unit | None:
        """Return the first HDU of a name."""
        return next(iter(self.named(name)), None)

    def bytes(self, unit: Unit, start: int, count: int) -> bytes:
        """Return some bytes of the data of an HDU.

        Raises:
            UnreadableFileError: the file ends before.
        """
        self.stream.seek(unit.start + start)
        pieces, left = [], count
        while left:
            piece = self.stream.read(left)
            if not piece:
                raise UnreadableFileError(self.name, f"HDU {unit.part.number} ends {left} bytes early: truncated")
            pieces.append(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def rows(self, unit: Unit, lead: tuple[int, ...], start: int, stop: int) -> NDArray[Any]:
        """Return rows of the image at ``lead`` along its leading axes: physical values, float64 or whole numbers.

        Raises:
            UnreadableFileError: the HDU holds no plain image, or the file ends before.
        """
        shape, kind = unit.part.shape, unit.whole("BITPIX")
        if unit.part.kind not in {"primary", "image"} or kind not in _PIXELS or unit.text("ZIMAGE"):
            raise UnreadableFileError(self.name, f"HDU {unit.part.number} holds no image whose pixels could be read")
        dtype = np.dtype(_PIXELS[kind])
        plane = int(np.ravel_multi_index(lead, shape[:-2])) if lead else 0
        width = shape[-1]
        first = (plane * shape[-2] + start) * width * dtype.itemsize
        raw = np.frombuffer(self.bytes(unit, first, (stop - start) * width * dtype.itemsize), dtype)
        return self._physical(unit, raw).reshape(stop - start, width)

    def _physical(self, unit: Unit, raw: NDArray[Any]) -> NDArray[Any]:
        scale, zero = unit.number("BSCALE", 1.0) or 1.0, unit.number("BZERO", 0.0) or 0.0
        blank = unit.whole("BLANK")
        if raw.dtype.kind == "f" and (scale, zero) == (1.0, 0.0):
            return raw.astype(np.float64)
        if (scale, blank) == (1.0, None) and zero.is_integer() and abs(zero) <= 1 << 31:
            return raw.astype(np.int64) + int(zero)
        values = raw.astype(np.float64) * scale + zero
        if blank is not None and raw.dtype.kind != "f":
            values[raw == blank] = np.nan
        return values


def open_layout(stream: IO[bytes], name: str) -> FitsFile:
    """Walk through the headers of an open FITS file, also of one that is packed with gzip.

    Raises:
        UnreadableFileError: it is no FITS file, ends within a header, or unpacks to too much.
    """
    if stream.read(2) == b"\x1f\x8b":
        stream = _unpacked(stream, name)
    units: list[Unit] = []
    place = 0
    end = stream.seek(0, io.SEEK_END)
    while place < end and len(units) < HDU_LIMIT:
        stream.seek(place)
        block = _header(stream, name, len(units))
        if block is None:
            break
        cards, _ = parse_cards(block)
        values: dict[str, Value] = {}
        for card in cards:
            values.setdefault(card.keyword, card.value)
        number, start = len(units), place + len(block)
        size = data_size(name, number, values)
        units.append(Unit(part_of(name, number, values), tuple(cards), values, start, size))
        place = start + -(-size // BLOCK) * BLOCK
    if not units:
        raise UnreadableFileError(name, "it does not begin as FITS does")
    return FitsFile(name, stream, tuple(units))


def _header(stream: IO[bytes], name: str, number: int) -> bytes | None:
    """Return the blocks of one header; None where something else follows the last HDU."""
    blocks = bytearray()
    while len(blocks) <= HEADER_LIMIT:
        block = stream.read(BLOCK)
        if not blocks and not block.startswith(b"XTENSION" if number else b"SIMPLE  "):
            if number:
                return None
            raise UnreadableFileError(name, "it does not begin as FITS does")
        if len(block) < BLOCK:
            break
        blocks += block
        if any(block[at : at + 8] == b"END     " for at in range(0, BLOCK, 80)):
            return bytes(blocks)
    raise UnreadableFileError(name, f"the header of HDU {number} has no end: truncated")


def _unpacked(stream: IO[bytes], name: str) -> IO[bytes]:
    stream.seek(0)
    try:
        with gzip.open(stream) as packed:
            content = packed.read(MAX_UNPACKED + 1)
    except (OSError, EOFError) as error:
        raise UnreadableFileError(name, f"the gzip stream is damaged: {error}") from error
    if len(content) > MAX_UNPACKED:
        raise UnreadableFileError(name, f"it unpacks to more than {MAX_UNPACKED >> 20} MiB")
    return io.BytesIO(content)
