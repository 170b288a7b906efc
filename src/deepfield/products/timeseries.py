"""Pictures of time series: spectra against time as a map under the white-light curve, and light curves of tables."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from deepfield.products.picture import FIRST, LEVELS, inferno, number, scaled_unit
from deepfield.products.pixels import DO_NOT_USE
from deepfield.products.plot import GROUND, Curve, Frame, draw_curves, draw_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Drawn = tuple[Image.Image, Image.Image, dict[str, str]]

SIZE = (1024, 640)
_MOST_ROWS = 1024
"""Integrations that are read of each order; of longer series every second, third … of them."""
_MOST_COLUMNS = 8192
_MOST_ORDERS = 3
_MOST_POINTS = 200_000
"""Rows of a light curve that are read."""
_USUAL = 75
"""Percentile in time that counts as the star without its planet."""
_CURVE = 150
"""Height of the light curve above the maps."""
_TIMES = ("MJD_UTC", "MJD", "INT_MID_MJD_UTC", "BJD_TDB")
_LIGHT = ("WHITELIGHT_FLUX", "NET_APERTURE_SUM")


def has_series(columns: Sequence[str]) -> bool:
    """Tell whether a table with these columns holds a spectrum for each integration."""
    return {"INT_NUM", "WAVELENGTH", "FLUX"} <= {column.upper() for column in columns}


def has_light_curve(columns: Sequence[str]) -> bool:
    """Tell whether a text table with these columns is a light curve (``whtlt``, ``phot``)."""
    upper = [column.upper() for column in columns]
    return any(name in _TIMES for name in upper) and any(name.startswith(_LIGHT) for name in upper)


@dataclass(frozen=True, slots=True)
class _Series:
    """The spectra of one order: hours from the start, µm, and fluxes with an integration a row."""

    order: int
    hours: Floats
    wavelength: Floats
    flux: Floats
    total: int

    @property
    def light(self) -> Floats:
        """The sum over the wavelengths that nearly all integrations have, relative to its upper quartile."""
        complete = np.isfinite(self.flux).mean(axis=0) > 0.9
        total = np.nanmean(self.flux[:, complete], axis=1) if complete.any() else np.full(len(self.flux), np.nan)
        return np.asarray(total / np.nanpercentile(total, _USUAL))

    @property
    def relative(self) -> Floats:
        """Each flux over the upper quartile of its wavelength."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.flux / np.nanpercentile(self.flux, _USUAL, axis=0))


def draw_series(tables: Sequence[Any], suffix: str) -> Drawn | None:
    """Draw each order's relative flux over time and wavelength, below the white-light curve; None without any."""
    found = list(islice(_read(tables), _MOST_ORDERS))
    if not found:
        return None
    spread = _limits(found)
    canvas = Image.new("RGB", SIZE, GROUND)
    curves = [Curve(one.hours, one.light, label=_named(one, found, "white light")) for one in found]
    top = draw_curves(curves[:1], x_label="", y_label="Relative flux", size=(SIZE[0], _CURVE + 46))
    if top is not None:
        canvas.paste(top.crop((0, 0, SIZE[0], _CURVE + 26)), (0, 0))
    for place, one in enumerate(found):
        width = (SIZE[0] - 40) // len(found)
        box = (40 + place * width + 46, _CURVE + 34, 40 + (place + 1) * width - 14, SIZE[1] - 56)
        _draw_map(canvas, one, box, spread, _named(one, found, ""))
    draw_labels(canvas, "Wavelength (µm)", "Hours from the start")
    first = found[0]
    thumb = _map_image(first, spread).resize((256, 160), Image.Resampling.BOX)
    low, high = min(one.wavelength.min() for one in found), max(one.wavelength.max() for one in found)
    orders = f" in {len(found)} orders" if len(found) > 1 else ""
    hours = float(np.ptp(first.hours))
    text = {
        "Description": f"{suffix} {first.total} integrations over {hours:.3g} h{orders}, {low:.4g} – {high:.4g} µm; "
        f"relative flux {number(spread[0])} – {number(spread[1])}",
        "Limits": f"{number(spread[0])} – {number(spread[1])}",
        "Unit": "",
        "Stretch": "linear",
        "Orientation": "wavelength along x, time upwards",
    }
    return canvas, thumb, text


def _named(one: _Series, all_of_them: Sequence[_Series], otherwise: str) -> str:
    return f"order {one.order}" if len(all_of_them) > 1 else otherwise


def _limits(found: Sequence[_Series]) -> tuple[float, float]:
    """Limits that show what all wavelengths have in common: those of the light curves, and a little more."""
    light = np.concatenate([one.light for one in found])
    relative = np.concatenate([one.relative.ravel() for one in found])
    known = relative[np.isfinite(relative)]
    low, high = (float(np.nanmin(light)), float(np.nanmax(light)))
    outer = np.percentile(known, (2, 98)) if known.size else (low, high)
    low, high = min(low, float(outer[0])), max(high, float(outer[1]))
    return (low, high) if high > low else (low - 0.01, high + 0.01)


def _read(tables: Sequence[Any]) -> Iterator[_Series]:
    """Gather the rows of each order, in time; tables of one integration each (old products) are joined."""
    rows: dict[int, list[tuple[Floats, Floats, Floats]]] = defaultdict(list)
    totals: dict[int, int] = defaultdict(int)
    for table in tables:
        order = table.header.get("SPORDER", 1)
        order = order if isinstance(order, int) else 1
        names = {name.upper(): name for name in table.columns.names}
        if table.data.dtype[names["WAVELENGTH"]].shape == ():
            continue
        step = -(-len(table.data) // _MOST_ROWS)
        data = table.data[::step]
        time = next((names[name] for name in ("MJD-AVG", "TDB-MID", "INT_NUM") if name in names), "")
        wavelength, flux = (np.asarray(data[names[name]], float)[:, :_MOST_COLUMNS] for name in ("WAVELENGTH", "FLUX"))
        if "DQ" in names:
            flags = np.asarray(data[names["DQ"]])[:, :_MOST_COLUMNS].astype(np.int64)
            flux = np.where(flags & DO_NOT_USE, np.nan, flux)
        totals[order] += len(table.data)
        rows[order].append((np.asarray(data[time], float), wavelength, flux))
    for order, parts in sorted(rows.items()):
        known = np.isfinite(parts[0][1]).any(axis=0)
        if known.sum() < 2 or len({part[1].shape[1] for part in parts}) > 1:
            continue
        when = np.concatenate([part[0] for part in parts])
        flux = np.concatenate([part[2] for part in parts])[:, known]
        grid = np.nanmax(parts[0][1][:, known], axis=0)
        usual = np.argsort(when, kind="stable")
        across = np.argsort(grid, kind="stable")
        if len(when) < 2 or not np.isfinite(flux).any():
            continue
        yield _Series(order, (when[usual] - np.nanmin(when)) * 24, grid[across], flux[usual][:, across], totals[order])


def _map_image(one: _Series, spread: tuple[float, float]) -> Image.Image:
    """The map, a pixel an integration and wavelength, time upwards; what is unknown has the colour of the ground."""
    part = np.clip((one.relative - spread[0]) / (spread[1] - spread[0]), 0, 1)
    palette = inferno()
    levels = np.nan_to_num(part * (LEVELS - 1)).astype(np.uint8) + FIRST
    colours = np.where(np.isfinite(part)[..., None], palette[levels], np.array(GROUND, np.uint8))
    return Image.fromarray(np.ascontiguousarray(colours[::-1]).astype(np.uint8))


def _draw_map(
    canvas: Image.Image, one: _Series, box: tuple[int, int, int, int], spread: tuple[float, float], label: str
) -> None:
    even = np.linspace(one.wavelength[0], one.wavelength[-1], min(len(one.wavelength) * 2, 2048))
    nearest = np.clip(np.searchsorted(one.wavelength, even), 1, len(one.wavelength) - 1)
    nearest -= even - one.wavelength[nearest - 1] < one.wavelength[nearest] - even
    straight = _Series(one.order, one.hours, even, one.flux[:, nearest], one.total)
    size = box[2] - box[0], box[3] - box[1]
    canvas.paste(_map_image(straight, spread).resize(size, Image.Resampling.NEAREST), box[:2])
    limits = (float(even[0]), float(even[-1]), float(one.hours[0]), float(one.hours[-1]) or 1.0)
    Frame(box, limits, few=True).draw_text(canvas, label)


def draw_light_curve(path: Path, columns: Sequence[Mapping[str, Any]], suffix: str) -> Drawn | None:
    """Draw the light curves of an ECSV table, one panel a column, or None where none has two finite points."""
    names = [str(column["name"]) for column in columns]
    units = {str(column["name"]): str(column.get("unit") or "") for column in columns}
    time = next(name for wanted in _TIMES for name in names if name.upper() == wanted)
    chosen = [name for name in names if name.upper().startswith(_LIGHT) and not name.upper().endswith("_ERR")]
    errors = [f"{name}_err" if f"{name}_err" in names else None for name in chosen]
    wanted = [time, *chosen, *(error for error in errors if error)]
    values = _columns(path, wanted)
    hours = (values[time] - np.nanmin(values[time])) * 24
    factor, unit = scaled_unit(units[chosen[0]], values[chosen[0]])
    curves = [
        Curve(
            hours,
            values[name] * factor,
            values[error] * factor if error else np.empty(0),
            name.replace("_", " ") if len(chosen) > 1 else "",
        )
        for name, error in zip(chosen, errors, strict=True)
    ]
    y_label = f"Flux ({unit})" if unit else "Flux"
    main = draw_curves(curves, x_label="Hours from the start", y_label=y_label, size=(1024, 576))
    thumb = draw_curves(curves[:1], x_label="", y_label="", size=(256, 160), bare=True)
    if main is None or thumb is None:
        return None
    start = float(np.nanmin(values[time]))
    text = {
        "Description": f"{suffix} light curve, {len(hours)} integrations over {float(np.nanmax(hours)):.3g} h"
        + (f", {unit}" if unit else ""),
        "Unit": unit,
        "Orientation": f"time along x, from {time} {start:.5f}",
    }
    return main, thumb, text


def _columns(path: Path, wanted: Sequence[str]) -> dict[str, Floats]:
    """Read some columns of an ECSV table as numbers; NaN where a field is none."""
    with path.open(encoding="utf-8", errors="replace", newline="") as lines:
        plain = (line for line in lines if not line.startswith("#"))
        delimiter = " "
        rows = csv.reader(plain, delimiter=delimiter)
        names = next(rows)
        places = [names.index(name) for name in wanted]
        values = [[_number(row, place) for place in places] for row in islice(rows, _MOST_POINTS) if row]
    return dict(zip(wanted, np.array(values, float).reshape(-1, len(wanted)).T, strict=True))


def _number(row: Sequence[str], place: int) -> float:
    try:
        return float(row[place])
    except (IndexError, ValueError):
        return float("nan")
