"""Pictures of interferometric observables (OIFITS): squared visibilities and closure phases against baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deepfield.products.picture import number
from deepfield.products.plot import Curve, draw_curves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PIL import Image

_MOST = 4096
"""Rows of a table that are drawn."""
_PANELS = 8


def has_fringes(columns: Sequence[str]) -> bool:
    """Tell whether a table with these columns holds squared visibilities or closure phases."""
    return bool({"VIS2DATA", "T3PHI"} & {column.upper() for column in columns})


def draw_fringes(tables: Sequence[Any], suffix: str) -> tuple[Image.Image, Image.Image, dict[str, str]] | None:
    """Draw squared visibilities and closure phases in a panel each, or None where neither has two finite points."""
    curves = [curve for table in tables for curve in _curves(table) if curve.limits() is not None][:_PANELS]
    if not curves:
        return None
    curves.sort(key=lambda curve: curve.label, reverse=True)
    main = draw_curves(curves, x_label="Baseline (m)", y_label="", size=(1024, 576))
    thumb = draw_curves(curves[:1], x_label="", y_label="", size=(256, 160), bare=True)
    if main is None or thumb is None:
        return None
    longest = max(float(curve.x[np.isfinite(curve.x)].max()) for curve in curves)
    told = ", ".join(f"{np.isfinite(curve.y).sum()} {curve.label}" for curve in curves)
    text = {
        "Description": f"{suffix} {told}, baselines to {number(longest)} m",
        "Orientation": "baseline along x",
    }
    return main, thumb, text


def _curves(table: Any) -> list[Curve]:
    names = {name.upper() for name in table.columns.names}
    data = table.data[:_MOST]
    curves = []
    if {"VIS2DATA", "VIS2ERR", "UCOORD", "VCOORD"} <= names:
        baseline = np.hypot(_column(data, "UCOORD"), _column(data, "VCOORD"))
        curves.append(_marks(baseline, data, "VIS2DATA", "VIS2ERR", "squared visibilities"))
    if {"T3PHI", "T3PHIERR", "U1COORD", "V1COORD", "U2COORD", "V2COORD"} <= names:
        sides = [(_column(data, f"U{k}COORD"), _column(data, f"V{k}COORD")) for k in (1, 2)]
        sides.append((sides[0][0] + sides[1][0], sides[0][1] + sides[1][1]))
        longest = np.max([np.hypot(*side) for side in sides], axis=0)
        curves.append(_marks(longest, data, "T3PHI", "T3PHIERR", "closure phases (°), by longest side"))
    return curves


def _marks(x: NDArray[np.float64], data: Any, value: str, error: str, label: str) -> Curve:
    flags = np.asarray(data["FLAG"]).astype(bool) if "FLAG" in data.dtype.names else np.zeros(len(x), bool)
    y = np.where(_mean(flags.astype(float)) > 0, np.nan, _column(data, value))
    return Curve(x, y, _column(data, error), label, marks=True)


def _column(data: Any, name: str) -> NDArray[np.float64]:
    return _mean(np.asarray(data[name]).astype(float))


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """One value a row: a file of single integrations, or of many wavelengths, holds several."""
    return values if values.ndim == 1 else values.reshape(len(values), -1).mean(axis=1)
