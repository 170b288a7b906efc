"""Which part of the sky something covers, as a set of HEALPix cells (MOC 2.0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEEPEST = 29


@dataclass(frozen=True, slots=True, eq=False)
class Moc:
    """Cells of one order (nested, ICRS), each once and in order."""

    order: int
    cells: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not 0 <= self.order <= _DEEPEST:
            raise InvalidValueError("order", self.order, f"a whole number from 0 to {_DEEPEST}")
        object.__setattr__(self, "cells", np.unique(np.asarray(self.cells, dtype=np.int64)))
        if len(self.cells) and not 0 <= self.cells[0] <= self.cells[-1] < 12 << (2 * self.order):
            raise InvalidValueError("cells", (self.cells[0], self.cells[-1]), f"cells of order {self.order}")

    def degraded(self, order: int) -> Moc:
        """Return the cells of a coarser order that hold all of these."""
        return Moc(order, self.cells >> (2 * (self.order - order)))

    @property
    def fraction(self) -> float:
        """The part of the whole sky, from 0 to 1."""
        return len(self.cells) / (12 << (2 * self.order))

    def to_ascii(self) -> str:
        """Write the set in normalised form, coarsest order first, the deepest one always named (MOC 2.0 §4.3.2)."""
        parts: list[str] = []
        cells = self.cells
        for order in range(self.order, -1, -1):
            whole = np.empty(0, np.int64)
            if order:
                parents, counts = np.unique(cells >> 2, return_counts=True)
                whole = parents[counts == 4]
            rest = cells[~np.isin(cells >> 2, whole)]
            if len(rest) or order == self.order:
                parts.append(" ".join([f"{order}/", *_ranges(rest)]).replace("/ ", "/"))
            cells = whole
        return " ".join(reversed(parts))


def _ranges(cells: NDArray[np.int64]) -> list[str]:
    breaks = np.flatnonzero(np.diff(cells) != 1)
    runs = np.split(cells, breaks + 1) if len(cells) else []
    return [f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
