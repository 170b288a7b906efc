"""The sources that pipelines found in images, out of the catalogues that come with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import hpgeom
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepfield.catalogue.rows import HEALPIX_NSIDE
from deepfield.catalogue.schema import load_tables
from deepfield.lake.table import LakeTable
from deepfield.model.errors import UnreadableFileError
from deepfield.products.rows import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deepfield.missions.jwst.tables import SourceColumns
    from deepfield.model.tables import Column
    from deepfield.products.header import Header
    from deepfield.products.rows import FileColumn

MADE: Final = frozenset({"sha256", "row_number", "healpix"})
"""Columns that no catalogue has."""
FLUX: Final = "Jy"
_POSITION: Final = frozenset({"ra", "dec"})


class SourceLake(LakeTable):
    """Table ``source``: one row per source of each source catalogue."""

    def __init__(self, folder: Path, names: SourceColumns) -> None:
        """Take the lake's folder, and what pipelines have called the columns."""
        super().__init__(folder / "source", load_tables()["source"])
        self._names = names

    def read(self, path: Path, header: Header, sha256: str) -> tuple[str, ...]:
        """Write the rows of a source catalogue, to be added; return sentences on what of it is not in the lake.

        Rows are read in pieces, so that memory stays bounded. Fluxes are brought to Jy; one that does not say its unit
        is left out, since nobody could say what it is.

        Raises:
            UnreadableFileError: the file holds no positions, or its rows are not what its header says.
        """
        columns, batches = read_rows(path, header)
        chosen = self._chosen(columns)
        if lacking := sorted(_POSITION - chosen.keys()):
            reason = f"its rows have no {' and no '.join(lacking)}: none is in the lake"
            raise UnreadableFileError(header.filename, reason)
        notes: list[str] = []
        factors = {}
        for name, (column, _) in list(chosen.items()):
            factor = _factor(column, self.table.column(name))
            if factor is None:
                said = f"the unit {column.unit!r}" if column.unit else "no unit"
                notes.append(f"{header.filename}: column {column.name} has {said} and is not in the lake")
                del chosen[name]
            else:
                factors[name] = factor
        wanted = [column.name for column, _ in chosen.values()]
        self.write(sha256, self._ours(batches(wanted), chosen, factors, sha256))
        return tuple(notes)

    def _chosen(self, columns: tuple[FileColumn, ...]) -> dict[str, tuple[FileColumn, bool]]:
        """Return, by our names, the column of the file and whether it says the contrary."""
        there = {column.name.lower(): column for column in reversed(columns)}
        chosen: dict[str, tuple[FileColumn, bool]] = {}
        for column in self.table.stored:
            if column.name in MADE:
                continue
            names = ((name, False) for name in self._names.in_files(column.name))
            opposites = ((name, True) for name in self._names.opposites.get(column.name, ()))
            found = next(((there[name], opposite) for name, opposite in (*names, *opposites) if name in there), None)
            if found is not None:
                chosen[column.name] = found
        return chosen

    def _ours(
        self,
        batches: Iterator[pa.RecordBatch],
        chosen: dict[str, tuple[FileColumn, bool]],
        factors: dict[str, float],
        sha256: str,
    ) -> Iterator[pa.RecordBatch]:
        row = 0
        for batch in batches:
            arrays: dict[str, pa.Array] = {}
            for name, (column, opposite) in chosen.items():
                values = _typed(batch.column(column.name), self.schema.field(name).type, factors[name])
                arrays[name] = pc.invert(values) if opposite else values
            arrays |= _placed(arrays["ra"], arrays["dec"])
            arrays["sha256"] = pa.array([sha256]).take(pa.array(np.zeros(batch.num_rows, dtype=np.int64)))
            arrays["row_number"] = pa.array(np.arange(row + 1, row + 1 + batch.num_rows))
            row += batch.num_rows
            listed = [arrays.get(field.name, pa.nulls(batch.num_rows, field.type)) for field in self.schema]
            yield pa.RecordBatch.from_arrays(listed, schema=self.schema)


def _factor(column: FileColumn, ours: Column) -> float | None:
    """Return what values of a file are multiplied by; None where nobody could tell."""
    if ours.unit is None or (not column.unit and ours.unit != FLUX):
        return 1.0
    if not column.unit:
        return None
    if column.unit == ours.unit:
        return 1.0
    from astropy import units

    if ours.unit == "mag":
        return 1.0 if "mag" in column.unit.lower() else None
    try:
        return float(units.Unit(column.unit).to(units.Unit(ours.unit)))
    except (ValueError, TypeError):
        return None


def _typed(values: pa.Array, wanted: pa.DataType, factor: float) -> pa.Array:
    """Bring values of a file to our type; NaN is none."""
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
    if factor != 1.0:
        values = pc.multiply(pc.cast(values, pa.float64()), factor)
    if pa.types.is_boolean(wanted) and not pa.types.is_boolean(values.type):
        values = pc.cast(values, pa.int64())
    return pc.cast(values, wanted)


def _placed(ra: pa.Array, dec: pa.Array) -> dict[str, pa.Array]:
    """Return positions, right ascensions from 0 to 360, and their HEALPix indices; what is no position is none."""
    degrees = (ra.to_numpy(zero_copy_only=False).astype(float), dec.to_numpy(zero_copy_only=False).astype(float))
    there = np.isfinite(degrees[0]) & (np.abs(degrees[1]) <= 90.0) & (np.abs(degrees[0]) <= 360.0)
    cells = np.zeros(len(there), dtype=np.int64)
    right = np.mod(degrees[0], 360.0)
    if there.any():
        cells[there] = hpgeom.angle_to_pixel(HEALPIX_NSIDE, right[there], degrees[1][there], nest=True, lonlat=True)
    return {
        "ra": pa.array(right, mask=~there),
        "dec": pa.array(degrees[1], mask=~there),
        "healpix": pa.array(cells, mask=~there),
    }
