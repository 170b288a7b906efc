"""Lists of targets as people have them: names or coordinates, one a line, or a table with columns of them."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from deepfield.formats.uploads import UploadLimits, read_upload
from deepfield.model.errors import InvalidQueryError, InvalidUploadError, UploadTooLargeError
from deepfield.services.coordinates import read_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from deepfield.model.tables import Column

MOST_BYTES: Final = 8_000_000
MOST_LINES: Final = 10_000
LONGEST: Final = 300
"""Characters of one target."""
_TABLES: Final = (b"PAR1", b"SIMPLE  =", b"# %ECSV", b"\xff\xfe", b"\xfe\xff", b"<", b"\x1f\x8b")
"""How files begin that are tables for certain."""
_DELIMITERS: Final = ",\t;|"
_NAMES: Final = (
    "name", "target", "target_name", "targname", "object", "object_name", "main_id", "source", "source_name",
    "source_id", "id", "designation", "star", "planet", "galaxy",
)  # fmt: skip
_POSITIONS: Final = (
    ("ra", "dec", ""), ("s_ra", "s_dec", ""), ("ra_deg", "dec_deg", ""), ("radeg", "dedeg", ""),
    ("radeg", "decdeg", ""),
    ("_raj2000", "_dej2000", ""), ("raj2000", "dej2000", ""), ("ra_icrs", "de_icrs", ""), ("ra_icrs", "dec_icrs", ""),
    ("_ra", "_de", ""), ("_ra", "_dec", ""), ("ra_j2000", "dec_j2000", ""), ("alpha", "delta", ""), ("ra", "de", ""),
    ("ra", "decl", ""), ("right ascension", "declination", ""), ("rahms", "decdms", ""),
    ("l", "b", "galactic"), ("glon", "glat", "galactic"), ("gal_l", "gal_b", "galactic"),
    ("elon", "elat", "ecliptic"), ("ecl_lon", "ecl_lat", "ecliptic"),
)  # fmt: skip
"""Pairs of columns that are positions, and the word of their frame."""
_UCDS: Final = (("pos.eq.ra", "pos.eq.dec", ""), ("pos.galactic.lon", "pos.galactic.lat", "galactic"))
_NAME_UCDS: Final = ("meta.id;meta.main", "meta.id;src", "meta.id")
_DEGREES: Final = {
    "": 1.0,
    "deg": 1.0,
    "degree": 1.0,
    "degrees": 1.0,
    "rad": math.degrees(1.0),
    "h": 15.0,
    "hourangle": 15.0,
}
"""Degrees of the units that a column of positions may have."""
_EXPONENT: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_COLUMNS_HINT: Final = "columns of positions (ra and dec, or l and b) or a column of names (name, target, object)"


@dataclass(frozen=True, slots=True)
class Line:
    """One target as it was sent."""

    number: int
    """The line of a text or the row of a table, from 1."""
    text: str
    """A name, or a position as ``services.coordinates`` reads it."""
    label: str | None = None
    """What its sender calls a position."""


def read_lines(content: bytes, name: str) -> list[Line]:
    """Read a list of targets: a VOTable, ECSV, FITS or Parquet table, CSV, or a text with one a line.

    In a text, ``#`` begins a remark, and a name may stand before a position behind a comma, semicolon or tab.

    Raises:
        InvalidUploadError: it cannot be read, has no column of targets, or holds none.
        UploadTooLargeError: it has more bytes or lines than a list may have.
    """
    if len(content) > MOST_BYTES:
        raise UploadTooLargeError(name, MOST_BYTES)
    head = content.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    found: list[Line] = []
    for line in _table_lines(content, name) if head.startswith(_TABLES) else _text_lines(content, name):
        if len(found) == MOST_LINES:
            raise InvalidUploadError(name, f"more than {MOST_LINES} targets", f"at most {MOST_LINES} targets in a list")
        found.append(line)
    if not found:
        raise InvalidUploadError(name, "no target", "a name or a position on each line")
    return found


def _table_lines(content: bytes, name: str) -> Iterator[Line]:
    table = read_upload(io.BytesIO(content), name, UploadLimits(rows=MOST_LINES, bytes=8 * MOST_BYTES))
    columns = table.columns
    named, position = _columns(columns)
    if named is None and position is None:
        raise InvalidUploadError(name, ", ".join(column.name for column in columns)[:LONGEST], _COLUMNS_HINT)
    names = None if named is None else table.rows.column(named).to_pylist()
    if position is None:
        assert names is not None
        yield from (
            Line(at, _shortened(str(text).strip())) for at, text in enumerate(names, 1) if text not in {None, ""}
        )
        return
    first, second, frame = position
    factors = [_factor(columns[at], name) for at in (first, second)]
    pairs = zip(table.rows.column(first).to_pylist(), table.rows.column(second).to_pylist(), strict=True)
    for at, (one, other) in enumerate(pairs, 1):
        label = None if names is None or names[at - 1] is None else _shortened(str(names[at - 1]).strip())
        if _missing(one) or _missing(other):
            if label:
                yield Line(at, label)
            continue
        text = " ".join((_angle(one, factors[0]), _angle(other, factors[1]), frame)).strip()
        yield Line(at, _shortened(text), label or None)


def _columns(columns: Sequence[Column]) -> tuple[int | None, tuple[int, int, str] | None]:
    """Return the places of the column of names, and of the two columns of positions with their frame."""
    names = {column.name.strip().lower(): at for at, column in reversed(list(enumerate(columns)))}
    ucds = {(column.ucd or "").lower(): at for at, column in reversed(list(enumerate(columns)))}
    position = _pair(names, _POSITIONS) or _pair(
        ucds | {ucd.removesuffix(";meta.main"): at for ucd, at in ucds.items()}, _UCDS
    )
    named = next((names[name] for name in _NAMES if name in names), None)
    if named is None:
        named = next((ucds[ucd] for ucd in _NAME_UCDS if ucd in ucds), None)
    return named, position


def _pair(places: dict[str, int], pairs: Iterable[tuple[str, str, str]]) -> tuple[int, int, str] | None:
    return next(
        ((places[one], places[other], frame) for one, other, frame in pairs if one in places and other in places), None
    )


def _factor(column: Column, name: str) -> float:
    unit = (column.unit or "").strip().lower()
    if unit not in _DEGREES and column.type != "string":
        raise InvalidUploadError(name, column.unit, "degrees, radians or hours", column=column.name)
    return _DEGREES.get(unit, 1.0)


def _angle(value: object, factor: float) -> str:
    if isinstance(value, int | float):
        return np.format_float_positional(value * factor, trim="-")
    return str(value).strip()


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value)) or str(value).strip() == ""


def _text_lines(content: bytes, name: str) -> Iterator[Line]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidUploadError(
            name, f"byte {error.start}", "a text in UTF-8, VOTable, ECSV, FITS or Parquet"
        ) from None
    if "\0" in text:
        raise InvalidUploadError(name, "a NUL character", "a text in UTF-8, VOTable, ECSV, FITS or Parquet")
    lines = ((number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1))
    kept = ((number, line) for number, line in lines if line)
    first = next(kept, None)
    if first is None:
        return
    table = _header(first[1])
    if table is None:
        yield _line(*first)
        yield from (_line(number, line) for number, line in kept)
    else:
        delimiter, named, position = table
        for number, line in kept:
            yield _row(number, next(csv.reader([line], delimiter=delimiter)), named, position)


def _header(line: str) -> tuple[str, int | None, tuple[int, int, str] | None] | None:
    """Return the delimiter of a table and the places of its columns; None where a line is no head of a table."""
    for delimiter in _DELIMITERS:
        words = [word.strip().lower() for word in next(csv.reader([line], delimiter=delimiter))]
        places = {word: at for at, word in reversed(list(enumerate(words)))}
        position = _pair(places, _POSITIONS)
        named = next((places[name] for name in _NAMES if name in places), None)
        if position is not None or (named is not None and (len(words) > 1 or delimiter == _DELIMITERS[-1])):
            return delimiter, named, position
    return None


def _row(number: int, cells: list[str], named: int | None, position: tuple[int, int, str] | None) -> Line:
    def cell(at: int) -> str:
        return cells[at].strip() if at < len(cells) else ""

    label = "" if named is None else cell(named)
    if position is not None:
        first, second, frame = position
        if cell(first) and cell(second):
            text = " ".join((_plain(cell(first)), _plain(cell(second)), frame)).strip()
            return Line(number, _shortened(text), _shortened(label) or None)
    return Line(number, _shortened(label or ",".join(cells)))


def _plain(text: str) -> str:
    """Return a number without an exponent, and anything else as it is."""
    return np.format_float_positional(float(text), trim="-") if _EXPONENT.fullmatch(text) else text


def _line(number: int, line: str) -> Line:
    if not _is_position(line):
        for delimiter in _DELIMITERS:
            label, found, position = line.partition(delimiter)
            if found and label.strip() and _is_position(position.strip()):
                return Line(number, _shortened(position.strip()), _shortened(label.strip().strip('"')))
    return Line(number, _shortened(line.strip('"')))


def _is_position(text: str) -> bool:
    try:
        return read_written(text) is not None
    except InvalidQueryError:
        return True  # numbers, but off the sphere: the report says so


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
