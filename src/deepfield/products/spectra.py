"""Pictures of one-dimensional spectra: EXTRACT1D tables of JWST and their many relatives."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfield.products.picture import scaled_unit
from deepfield.products.pixels import DO_NOT_USE
from deepfield.products.plot import Curve, draw_curves, draw_overview

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from PIL import Image

_WAVELENGTH = ("WAVELENGTH", "WAVE")
_FLUX = ("FLUX", "SURF_BRIGHT")
_ERROR = {"FLUX": ("FLUX_ERROR", "ERROR", "ERR", "UNCERTAINTY"), "SURF_BRIGHT": ("SB_ERROR",)}
_PANELS = 12
"""Spectra that are drawn with axes of their own; more are drawn small."""
_MOST = 60
_UNITS = {"um": "µm", "micron": "µm", "microns": "µm", "Angstrom": "Å", "ujy": "µJy", "uJy": "µJy"}


def has_spectrum(columns: Sequence[str]) -> bool:
    """Tell whether a table with these columns holds spectra."""
    upper = {column.upper() for column in columns}
    return bool(upper & set(_WAVELENGTH)) and bool(upper & set(_FLUX))


def draw_spectra(tables: Sequence[Any], suffix: str) -> tuple[Image.Image, Image.Image, dict[str, str]] | None:
    """Draw the spectra of some tables, or None where none has two finite points.

    Up to twelve have a panel with axes each; of more, the first sixty are drawn small, a source only once.
    """
    found = list(islice(_different(tables), _MOST))
    if not found:
        return None
    table, flux = found[0][1]
    factor, unit = scaled_unit(_unit(table, flux), np.concatenate([curve.y for curve, _ in found]))
    x_unit = _unit(table, _column(table, _WAVELENGTH) or "")
    quantity = "flux density" if flux.upper() == "FLUX" else "surface brightness"
    x_label, y_label = _labelled("Wavelength", x_unit), _labelled(quantity.capitalize(), unit)
    curves = [
        Curve(curve.x, curve.y * factor, curve.error * factor, curve.label if len(found) > 1 else "")
        for curve, _ in found
    ]
    if len(curves) > _PANELS:
        main = draw_overview(curves, x_label=f"{x_label}; {y_label} from least to greatest", size=(1024, 768))
    else:
        main = draw_curves(curves, x_label=x_label, y_label=y_label, size=(1024, 576 if len(curves) < 7 else 768))
    thumb = draw_curves(curves[:1], x_label=x_label, y_label=y_label, size=(256, 160), bare=True)
    if main is None or thumb is None:
        return None
    low, high = _range(curves)
    total = sum(len(one.data) if _is_vector(one) else 1 for one in tables)
    extent = f"{low:.4g} – {high:.4g} {x_unit}".strip()
    text = {
        "Description": f"{suffix} {quantity} {extent}{_count(len(found), total, tables)}"
        + (f", {unit}" if unit else ""),
        "Unit": unit,
        "Orientation": "wavelength along x",
    }
    return main, thumb, text


def _different(tables: Sequence[Any]) -> Iterator[tuple[Curve, tuple[Any, str]]]:
    """Yield the spectra that can be drawn; of one source in the tables of several exposures the first."""
    seen = set()
    for table in tables:
        for curve, origin in _curves(table):
            if curve.limits() is None or (_is_vector(table) and curve.label in seen):
                continue
            seen.add(curve.label)
            yield curve, origin


def _labelled(quantity: str, unit: str) -> str:
    return f"{quantity} ({unit})" if unit else quantity


def _count(shown: int, total: int, tables: Sequence[Any]) -> str:
    if total == 1:
        return ""
    if shown < min(total, _MOST) and len(tables) > 1 and all(map(_is_vector, tables)):
        return f", {shown} sources in {total} spectra"
    return f", {total} spectra" if total == shown else f", {shown} of {total} spectra"


def _range(curves: Sequence[Curve]) -> tuple[float, float]:
    limits = [limits for curve in curves if (limits := curve.limits()) is not None]
    return min(limit[0] for limit in limits), max(limit[1] for limit in limits)


def _curves(table: Any) -> Iterator[tuple[Curve, tuple[Any, str]]]:
    """Yield each spectrum with the table and the column that its flux comes from."""
    wavelength, flux = _column(table, _WAVELENGTH), _column(table, _FLUX)
    if wavelength is None or flux is None:
        return
    if flux.upper() == "FLUX" and not np.isfinite(_rows(table, flux)).any():
        flux = _column(table, ("SURF_BRIGHT",)) or flux
    x, y = _rows(table, wavelength), _rows(table, flux).copy()
    error, quality = _column(table, _ERROR[flux.upper()]), _column(table, ("DQ",))
    errors = _rows(table, error) if error is not None else np.empty((len(y), 0))
    if quality is not None and (flags := _rows(table, quality)).shape == y.shape:
        y[flags.astype(np.int64) & DO_NOT_USE != 0] = np.nan
    if errors.shape == y.shape:
        y[(y == 0) & ~(errors > 0)] = np.nan  # extraction writes zeros where it found no pixels
    for row in range(len(y)):
        curve = Curve(x[row] if len(x) == len(y) else x[0], y[row], errors[row], _label(table, row, len(y)))
        yield curve, (table, flux)


def _label(table: Any, row: int, rows: int) -> str:
    source = _column(table, ("SOURCE_ID",)) if rows > 1 else None
    if source is not None:
        return f"source {table.data[source][row]}"
    head = table.header
    for keyword, word in (("SOURCEID", "source"), ("SLTNAME", "slit"), ("SPORDER", "order")):
        value = head.get(keyword)
        if value not in {None, "", "N/A"}:
            return f"{word} {value}"
    return f"{table.name} {table.ver}"


def _column(table: Any, names: Sequence[str]) -> str | None:
    known = {name.upper(): name for name in table.columns.names}
    return next((known[name] for name in names if name in known), None)


def _rows(table: Any, column: str) -> NDArray[np.float64]:
    """Return a column as spectra: one, or with vector cells one a row, the first ones alone."""
    data = table.data[:_MOST] if _is_vector(table) else table.data
    return np.atleast_2d(np.asarray(data[column]).astype(float))


def _is_vector(table: Any) -> bool:
    """Tell whether each row holds a spectrum of its own."""
    column = _column(table, _WAVELENGTH)
    return column is not None and table.data.dtype[column].shape != ()


def _unit(table: Any, column: str) -> str:
    unit = str(table.columns[column].unit or "").strip() if column else ""
    return _UNITS.get(unit, unit)
