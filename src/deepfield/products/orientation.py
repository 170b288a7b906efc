"""Which way a picture lies on the sky."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Orientation:
    """Directions of north and east in a picture, degrees counter-clockwise from up, in [0, 360)."""

    north: float
    east: float

    @property
    def text(self) -> str:
        turn = (self.east - self.north) % 360
        side = "left" if turn < 180 else "right"
        return f"north {self.north:.1f}° counter-clockwise from up, east {side} of north"


def orientation(get: Callable[[str], object]) -> Orientation | None:
    """Read the directions off the celestial axes of a FITS header (PCi_j with CDELTi, or CDi_j).

    ``get`` returns a keyword's value or None. None is returned where axes 1 and 2 are no sky, or singular.
    """
    if not (str(get("CTYPE1")).startswith("RA--") and str(get("CTYPE2")).startswith("DEC-")):
        return None
    matrix = [[_element(get, row, column) for column in (1, 2)] for row in (1, 2)]
    (a, b), (c, d) = matrix
    determinant = a * d - b * c
    if not isfinite(determinant) or determinant == 0:
        return None
    # the inverse takes a step in (RA cos Dec, Dec) to a step in pixels
    north_x, north_y = -b / determinant, a / determinant
    east_x, east_y = d / determinant, -c / determinant
    return Orientation(_from_up(north_x, north_y), _from_up(east_x, east_y))


def _from_up(x: float, y: float) -> float:
    return round(degrees(atan2(-x, y)), 3) % 360


def _element(get: Callable[[str], object], row: int, column: int) -> float:
    direct = get(f"CD{row}_{column}")
    if isinstance(direct, (int, float)):
        return float(direct)
    if any(isinstance(get(f"CD{i}_{j}"), (int, float)) for i in (1, 2) for j in (1, 2)):
        return 0.0
    part, step = get(f"PC{row}_{column}"), get(f"CDELT{row}")
    if not isinstance(part, (int, float)):
        part = 1.0 if row == column else 0.0
    return float(part) * (float(step) if isinstance(step, (int, float)) else 1.0)
