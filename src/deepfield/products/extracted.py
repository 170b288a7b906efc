"""Extracted spectra, one by one: EXTRACT1D and COMBINE1D tables of JWST, and other tables of wavelength and flux.

A table holds one spectrum, a point a row, or many, one a row with vectors in its cells (JWST pipeline 1.18 on). Either
way a spectrum is known by its HDU and, among many, its row.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from deepfield.model.errors import InvalidValueError
from deepfield.products.bintable import BinTable
from deepfield.products.pixels import DO_NOT_USE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from deepfield.model.tables import ColumnType
    from deepfield.products.bintable import TableColumn
    from deepfield.products.layout import FitsFile, Unit

    Floats = NDArray[np.float64]

ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "wavelength": ("WAVELENGTH", "WAVE"),
    "flux": ("FLUX",),
    "flux_error": ("FLUX_ERROR", "ERROR", "ERR", "UNCERTAINTY"),
    "surface_brightness": ("SURF_BRIGHT",),
    "surface_brightness_error": ("SB_ERROR",),
    "background": ("BACKGROUND",),
    "background_error": ("BKGD_ERROR",),
    "quality": ("DQ",),
}
"""What a viewer asks for, and the columns that may be it, best first."""
THUMBNAIL: Final = 40
"""Points of the outline of a spectrum."""
_KEY: Final = re.compile(r"(\d{1,5})(?:\.(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a file says of one spectrum beside its points. Positions are in ICRS degrees."""

    key: str
    """HDU, and after a point the row where a row is a spectrum."""
    hdu: int
    row: int | None
    label: str
    source_id: int | None = None
    name: str | None = None
    slit: str | None = None
    order: int | None = None
    integration: int | None = None
    source_type: str | None = None
    ra: float | None = None
    dec: float | None = None
    slit_x: float | None = None
    """Where the source is in its slitlet or cutout: SRCXPOS, SOURCE_XPOS."""
    slit_y: float | None = None
    points: int = 0
    signal_to_noise: float | None = None
    """Median over the good points of value by error."""
    low: float | None = None
    """The least wavelength with a value, in the unit of the file."""
    high: float | None = None
    outline: tuple[float | None, ...] = ()
    """The spectrum in a few points, averaged over equal shares of its pixels; None where nothing is known."""


@dataclass(frozen=True, slots=True)
class SpectrumColumn:
    """One column of a spectrum, exactly as the file has it."""

    name: str
    type: ColumnType
    unit: str | None
    description: str
    values: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The points of one spectrum with all columns of the file."""

    extraction: Extraction
    columns: tuple[SpectrumColumn, ...]
    roles: Mapping[str, str]
    """Which column is what: ``wavelength``, ``flux``, ``flux_error``, ``surface_brightness`` …"""

    def of(self, role: str) -> SpectrumColumn | None:
        """Return the column of a role."""
        name = self.roles.get(role)
        return next((column for column in self.columns if column.name == name), None)


def list_extractions(file: FitsFile) -> list[Extraction]:
    """Return every spectrum of a file with its outline, in the order of the file.

    Raises:
        UnreadableFileError: a table is not as its header says.
    """
    return [found for table in spectral_tables(file) for found in _extractions(table)]


def read_spectrum(file: FitsFile, key: str) -> Spectrum | None:
    """Return a spectrum with all columns, without the points that only fill up its vectors; None where there is none.

    Raises:
        InvalidValueError: ``key`` is none.
        UnreadableFileError: a table is not as its header says.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        raise InvalidValueError("spectrum", key, "the key of a spectrum in the list, as 2 or 2.17")
    table = next((table for table in spectral_tables(file) if table.unit.part.number == int(match[1])), None)
    if table is None or _is_vector(table) != bool(match[2]) or (match[2] and int(match[2]) >= table.rows):
        return None
    return _spectrum(table, int(match[2]) if match[2] else None)


def spectral_tables(file: FitsFile) -> Iterator[BinTable]:
    """Yield the tables of a file that hold spectra."""
    for unit in file.units:
        names = {name.upper() for name in unit.part.columns}
        if unit.part.kind != "table" or not names & set(ROLES["wavelength"]) or unit.text("XTENSION") != "BINTABLE":
            continue
        if names & {*ROLES["flux"], *ROLES["surface_brightness"]}:
            yield BinTable(file, unit)


def roles_of(table: BinTable) -> dict[str, TableColumn]:
    """Return which column is what."""
    found = {role: table.find(*names) for role, names in ROLES.items()}
    return {role: column for role, column in found.items() if column is not None}


def good_points(flux: Floats, error: Floats | None, quality: NDArray[Any] | None) -> Floats:
    """Return fluxes with NaN where data quality forbids them, and where extraction found no pixel and wrote zeros."""
    values = np.asarray(flux, np.float64).copy()
    if quality is not None:
        values[np.nan_to_num(np.asarray(quality, np.float64)).astype(np.int64) & DO_NOT_USE != 0] = np.nan
    if error is not None:
        values[(values == 0) & ~(np.asarray(error) > 0)] = np.nan
    values[~np.isfinite(values)] = np.nan
    return values


def _extractions(table: BinTable) -> Iterator[Extraction]:
    roles = roles_of(table)
    if not _is_vector(table):
        cells = {role: table.read(column) for role, column in roles.items()}
        yield _outlined(_described(table.unit), cells)
        return
    facts = {
        name: table.read(column)
        for name, column in ((name, table.find(*names)) for name, names in _ROW_FACTS.items())
        if column is not None and not column.shape
    }
    step = max(1, (1 << 22) // max(1, 8 * len(roles) * _length(table)))
    for start in range(0, table.rows, step):
        cells = {role: table.read(column, start, start + step) for role, column in roles.items()}
        for place in range(min(step, table.rows - start)):
            row = start + place
            known = {name: _plain(values[row]) for name, values in facts.items()}
            length = known.pop("length", None)
            cut = length if isinstance(length, int) and 0 < length <= _length(table) else _length(table)
            yield _outlined(_of_row(table, row, known), {role: values[place][:cut] for role, values in cells.items()})


_ROW_FACTS: Final[Mapping[str, tuple[str, ...]]] = {
    "source_id": ("SOURCE_ID",),
    "integration": ("INT_NUM",),
    "source_type": ("SOURCE_TYPE",),
    "ra": ("SOURCE_RA",),
    "dec": ("SOURCE_DEC",),
    "slit_x": ("SOURCE_XPOS",),
    "slit_y": ("SOURCE_YPOS",),
    "length": ("N_ALONGDISP",),
}
"""Facts of a spectrum that stand in its row."""


def _described(unit: Unit) -> Extraction:
    slit, order = unit.text("SLTNAME"), unit.whole("SPORDER")
    source, name = unit.whole("SOURCEID"), unit.text("SRCNAME")
    label = name or (f"source {source}" if source is not None else None) or (f"slit {slit}" if slit else None)
    label = label or (f"order {order}" if order is not None else None)
    return Extraction(
        key=str(unit.part.number),
        hdu=unit.part.number,
        row=None,
        label=label or f"{unit.part.name or 'HDU'} {unit.part.version if unit.part.name else unit.part.number}",
        source_id=source,
        name=name,
        slit=slit,
        order=order,
        integration=unit.whole("INT_NUM"),
        source_type=unit.text("SRCTYPE"),
        ra=unit.number("SRCRA"),
        dec=unit.number("SRCDEC"),
        slit_x=unit.number("SRCXPOS"),
        slit_y=unit.number("SRCYPOS"),
    )


def _of_row(table: BinTable, row: int, known: Mapping[str, Any]) -> Extraction:
    common = _described(table.unit)
    facts = {name: value for name, value in known.items() if value is not None and value != ""}
    order = f", order {common.order}" if common.order is not None and common.order != 1 else ""
    if "source_id" in facts:
        label = f"source {facts['source_id']}{order}"
    elif "integration" in facts:
        label = f"integration {facts['integration']}{order}"
    else:
        label = f"row {row + 1}{order}"
    return replace(common, key=f"{common.hdu}.{row}", row=row, label=label, **facts)


def _outlined(extraction: Extraction, cells: Mapping[str, NDArray[Any]]) -> Extraction:
    wavelength = np.asarray(cells["wavelength"], np.float64)
    flux, error = cells.get("flux"), cells.get("flux_error")
    if flux is None or not np.isfinite(flux).any():
        surface = cells.get("surface_brightness")
        flux, error = (flux, error) if surface is None else (surface, cells.get("surface_brightness_error"))
    assert flux is not None  # spectral tables have one of the two
    quality = cells.get("quality")
    same = error if error is not None and error.shape == flux.shape else None
    values = good_points(flux, same, quality if quality is not None and quality.shape == flux.shape else None)
    known = np.isfinite(values) & np.isfinite(wavelength)
    ratio = None
    if same is not None:
        sure = known & (np.asarray(same, np.float64) > 0)
        ratio = float(np.median(values[sure] / np.asarray(same, np.float64)[sure])) if sure.any() else None
    return replace(
        extraction,
        points=int(known.sum()),
        signal_to_noise=ratio,
        low=float(wavelength[known].min()) if known.any() else None,
        high=float(wavelength[known].max()) if known.any() else None,
        outline=_outline(values, wavelength) if known.any() else (),
    )


def _outline(values: Floats, wavelength: Floats) -> tuple[float | None, ...]:
    first, last = np.flatnonzero(np.isfinite(values))[[0, -1]]
    part = values[first : last + 1]
    if wavelength[first] > wavelength[last]:
        part = part[::-1]
    shares = np.array_split(part, min(THUMBNAIL, len(part)))
    means = [share[np.isfinite(share)] for share in shares]
    return tuple(float(mean.mean()) if mean.size else None for mean in means)


def _spectrum(table: BinTable, row: int | None) -> Spectrum:
    listed = [column for column in table.columns if row is None or column.shape]
    columns = []
    for column in listed:
        cells = table.read(column) if row is None else table.read(column, row, row + 1)[0]
        columns.append(SpectrumColumn(column.name, column.type, column.unit, column.description, cells))
    roles = {role: column.name for role, column in roles_of(table).items()}
    extraction = _described(table.unit)
    if row is not None:
        facts = {name: table.find(*names) for name, names in _ROW_FACTS.items()}
        known = {
            name: _plain(table.read(column, row, row + 1)[0])
            for name, column in facts.items()
            if column is not None and not column.shape
        }
        length = known.pop("length", None)
        extraction = _of_row(table, row, known)
        if isinstance(length, int) and 0 < length < _length(table):
            columns = [replace(column, values=column.values[:length]) for column in columns]
    cells = {role: column.values for role, name in roles.items() for column in columns if column.name == name}
    return Spectrum(_outlined(extraction, cells), tuple(columns), roles)


def _plain(value: Any) -> Any:
    """Return a cell as a value of Python; None where it is missing."""
    if value is np.ma.masked:
        return None
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_vector(table: BinTable) -> bool:
    column = table.find(*ROLES["wavelength"])
    return column is not None and bool(column.shape)


def _length(table: BinTable) -> int:
    column = table.find(*ROLES["wavelength"])
    return column.shape[0] if column is not None and column.shape else table.rows


def spectra_of(extractions: Sequence[Extraction], *, words: str = "", sort: str = "") -> list[Extraction]:
    """Return those whose label, name, slit or identifier holds all the words, in the order of the file or of ``sort``.

    ``sort`` names a fact, with ``-`` before it for the highest first; what lacks it comes last.
    """
    wanted = words.lower().split()
    chosen = [each for each in extractions if all(word in _text(each) for word in wanted)]
    if sort:
        name = sort.removeprefix("-")
        with_it = [each for each in chosen if getattr(each, name) is not None]
        without = [each for each in chosen if getattr(each, name) is None]
        chosen = sorted(with_it, key=lambda each: getattr(each, name), reverse=sort.startswith("-")) + without
    return chosen


def _text(extraction: Extraction) -> str:
    facts = (extraction.label, extraction.name, extraction.slit, extraction.source_id, extraction.source_type)
    return " ".join(str(fact) for fact in facts if fact is not None).lower()
