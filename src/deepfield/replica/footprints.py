"""Places as numbers: the vertices of a polygon in a list and the cell of a centre, so that no search works them out."""

from __future__ import annotations

from typing import Final

import hpgeom
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NSIDE: Final = 1 << 29
POLYGON: Final = "POLYGON ICRS "


def vertices_of(regions: pa.ChunkedArray) -> pa.Array:
    """Return ``[ra, dec, ra, dec, …]`` in degrees for each ``s_region`` that is one polygon, null for all others."""
    texts = regions.combine_chunks() if isinstance(regions, pa.ChunkedArray) else regions
    plain = pc.and_(pc.match_substring_regex(texts, rf"^{POLYGON}[-+.eE0-9]+( [-+.eE0-9]+)*$"), pc.is_valid(texts))
    plain = pc.fill_null(plain, fill_value=False)
    numbers = pc.utf8_slice_codeunits(texts.filter(plain), start=len(POLYGON))
    words = pc.add(pc.count_substring(numbers, " "), 1).to_numpy()
    try:
        values = np.fromstring(" ".join(numbers.to_pylist()), sep=" ")
    except ValueError:
        values = np.empty(0)
    if len(values) != words.sum() or np.any(words % 2) or np.any(words < 6):  # not ours to mend: read as text later
        return pa.nulls(len(texts), pa.list_(pa.float64()))
    where = plain.to_numpy(zero_copy_only=False)
    counts = np.zeros(len(texts), dtype=np.int32)
    counts[where] = words
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, values, mask=pa.array(~where))


def cells_of(ra: pa.ChunkedArray, dec: pa.ChunkedArray) -> pa.Array:
    """Return the HEALPix indices (nested, order 29) of positions in degrees; null where there is none."""
    degrees = np.column_stack([column.to_numpy().astype(float) for column in (ra, dec)])
    placed = np.isfinite(degrees).all(axis=1) & (np.abs(degrees[:, 1]) <= 90.0)
    cells = np.zeros(len(degrees), dtype=np.int64)
    if placed.any():
        cells[placed] = hpgeom.angle_to_pixel(NSIDE, *degrees[placed].T, nest=True, lonlat=True, degrees=True)
    return pa.array(cells, mask=~placed)
