"""FITS files into header facts, by walking from header to header; data are passed over unread.

Only the ASDF extension is read, up to a limit, for its metadata tree. FITS 4.0 §3 gives the sizes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deepfield.model.errors import UnreadableFileError
from deepfield.model.observation import Part
from deepfield.products.asdf import TREE_LIMIT, read_tree
from deepfield.products.cards import parse_cards
from deepfield.products.header import Hdu

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from deepfield.products.header import Card, Value
    from deepfield.products.source import ByteSource

BLOCK = 2880
HEADER_LIMIT = 16 << 20
"""Bytes of one header; JWST headers stay below a megabyte."""
HDU_LIMIT = 20_000
"""HDUs of one file; a multi-object exposure has a few thousand."""

KEPT_IN_FULL: Final = frozenset({"PRIMARY", "SCI", "EXTRACT1D", "COMBINE1D"})
"""Extensions of which all cards are kept."""

_DTYPES = {8: "uint8", 16: "int16", 32: "int32", 64: "int64", -32: "float32", -64: "float64"}
_UNSIGNED = {(8, -128): "int8", (16, 32768): "uint16", (32, 2147483648): "uint32", (64, 9223372036854775808): "uint64"}


@dataclass(slots=True)
class FitsFacts:
    """What walking through a FITS file found."""

    hdus: list[Hdu] = field(default_factory=list)
    tree: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_fits(source: ByteSource) -> FitsFacts:
    """Walk through a FITS file from its beginning.

    Raises:
        UnreadableFileError: it does not follow the standard at its door, a header has no end, or a data section is
            longer than what the file holds.
    """
    facts = FitsFacts()
    while True:
        number = len(facts.hdus)
        if number:
            beginning = source.peek(8)
            if not beginning.strip(b"\x00 "):
                if source.peek(BLOCK).strip(b"\x00 "):
                    facts.notes.append("bytes after the last HDU are not FITS and are passed over")
                break
            if len(beginning) < 8 and b"XTENSION".startswith(beginning):
                raise UnreadableFileError(source.name, f"it stops where HDU {number} begins: truncated")
            if beginning != b"XTENSION":
                facts.notes.append(f"what follows HDU {number - 1} is no extension and is passed over")
                break
        if number >= HDU_LIMIT:
            raise UnreadableFileError(source.name, f"it has more than {HDU_LIMIT} HDUs")
        cards, notes = _cards(source, number)
        facts.notes.extend(f"HDU {number}: {note}" for note in notes)
        _pass_data(source, facts, number, cards)
    return facts


def _cards(source: ByteSource, number: int) -> tuple[list[Card], list[str]]:
    blocks = bytearray()
    while True:
        block = source.read(BLOCK)
        blocks += block
        ended = any(block[start : start + 8] == b"END     " for start in range(0, len(block), 80))
        if ended and len(block) == BLOCK:
            break
        if len(block) < BLOCK:
            raise UnreadableFileError(
                source.name, f"the header of HDU {number} stops after {len(blocks)} bytes: truncated"
            )
        if len(blocks) > HEADER_LIMIT:
            raise UnreadableFileError(source.name, f"the header of HDU {number} has no END in {HEADER_LIMIT >> 20} MiB")
    return parse_cards(bytes(blocks))


def _pass_data(source: ByteSource, facts: FitsFacts, number: int, cards: list[Card]) -> None:
    values: dict[str, Value] = {}
    for card in cards:
        values.setdefault(card.keyword, card.value)
    if number == 0 and values.get("SIMPLE") is not True:
        raise UnreadableFileError(source.name, "SIMPLE is not T: the file says of itself that it is not standard FITS")
    part = part_of(source.name, number, values)
    facts.hdus.append(Hdu(part, tuple(cards) if part.name in KEPT_IN_FULL else ()))
    size = data_size(source.name, number, values)
    if part.name == "ASDF" and not facts.tree:
        size -= _read_asdf(source, facts, size)
    _skip(source, facts, part, size)


def _read_asdf(source: ByteSource, facts: FitsFacts, size: int) -> int:
    content = source.read(min(size, TREE_LIMIT))
    facts.tree, note = read_tree(content)
    if note:
        facts.notes.append(f"ASDF extension: {note}")
    return len(content)


def _skip(source: ByteSource, facts: FitsFacts, part: Part, size: int) -> None:
    there = source.skip(size)
    if there < size:
        raise UnreadableFileError(
            source.name,
            f"HDU {part.number} ({part.name or 'unnamed'}) declares {size} bytes of data, the file holds {there}: "
            "truncated, or its header is wrong",
        )
    padding = -source.position % BLOCK
    if source.skip(padding) < padding:
        facts.notes.append(f"the last block of HDU {part.number} is not filled up")


def data_size(name: str, number: int, values: Mapping[str, Value]) -> int:
    """Return the bytes of data that a header declares, without what fills up the last block (FITS 4.0 §4.4.1)."""
    axes = _axes(name, number, values, "NAXIS")
    if not axes:
        return 0
    bitpix = _integer(name, number, values, "BITPIX", tuple(_DTYPES))
    groups = values.get("GROUPS") is True and axes[0] == 0
    pixels = 1
    for length in axes[1:] if groups else axes:
        pixels *= length
    pcount = values.get("PCOUNT", 0)
    gcount = values.get("GCOUNT", 1)
    if number == 0 and not groups:
        pcount, gcount = 0, 1
    if not isinstance(pcount, int) or not isinstance(gcount, int) or pcount < 0 or gcount < 0:
        raise UnreadableFileError(name, f"HDU {number} has PCOUNT {pcount!r} and GCOUNT {gcount!r}, not counts")
    return abs(bitpix) // 8 * gcount * (pcount + pixels)


def _axes(name: str, number: int, values: Mapping[str, Value], prefix: str) -> tuple[int, ...]:
    count = _integer(name, number, values, prefix, range(1000))
    return tuple(_integer(name, number, values, f"{prefix}{axis}", None) for axis in range(1, count + 1))


def _integer(
    name: str, number: int, values: Mapping[str, Value], keyword: str, allowed: tuple[int, ...] | range | None
) -> int:
    value = values.get(keyword)
    if not isinstance(value, int) or isinstance(value, bool) or (value not in allowed if allowed else value < 0):
        raise UnreadableFileError(name, f"HDU {number} has {keyword} = {value!r}, which FITS does not allow")
    return value


def part_of(filename: str, number: int, values: Mapping[str, Value]) -> Part:
    """Return what an HDU is, from the values of its header."""
    name = str(values.get("EXTNAME") or ("PRIMARY" if number == 0 else "")).strip().upper()
    version = values.get("EXTVER")
    kind, shape, dtype, columns = _content(filename, number, values)
    return Part(number, name, version if isinstance(version, int) else 1, kind, shape, dtype, columns)


def _content(
    filename: str, number: int, values: Mapping[str, Value]
) -> tuple[Literal["primary", "image", "table", "other"], tuple[int, ...], str, tuple[str, ...]]:
    extension = str(values.get("XTENSION", "")).strip()
    compressed = values.get("ZIMAGE") is True
    if extension in {"BINTABLE", "TABLE"} and not compressed:
        rows = values.get("NAXIS2")
        fields = values.get("TFIELDS")
        names = [str(values.get(f"TTYPE{n}") or "") for n in range(1, fields + 1)] if isinstance(fields, int) else []
        return "table", (rows if isinstance(rows, int) else 0,), "", tuple(names)
    if extension not in {"", "IMAGE"} and not compressed:
        return "other", (), "", ()
    prefix = "Z" if compressed else ""
    axes = _axes(filename, number, values, f"{prefix}NAXIS")
    bitpix = values.get(f"{prefix}BITPIX")
    zero = values.get("BZERO")
    dtype = _DTYPES.get(bitpix, "") if isinstance(bitpix, int) else ""
    if isinstance(bitpix, int) and isinstance(zero, int | float) and values.get("BSCALE", 1) == 1:
        dtype = _UNSIGNED.get((bitpix, int(zero)), dtype)
    return ("primary" if number == 0 else "image"), tuple(reversed(axes)), dtype if axes else "", ()
