"""What the archive covers, from rows that stand for those of its tables."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from deepfield.services.coverage import cover


def asked(*, cells=(), days=(), bands=()):
    """What answers the queries of a coverage."""
    tables = {
        "ivo_healpix_index": pa.table(
            {
                "cell": pa.array([cell for cell, _ in cells], pa.int64()),
                "fov": pa.array([fov for _, fov in cells], pa.float64()),
            }
        ),
        "t_min": pa.table({"low": [low for low, _ in days], "high": [high for _, high in days]}),
        "em_min": pa.table({"low": [low for low, _ in bands], "high": [high for _, high in bands]}),
        "instrument_name": pa.table({"instrument_name": ["MIRI"]}),
    }
    return cover(lambda adql: next(table for word, table in tables.items() if word in adql))


def test_an_empty_archive_covers_nothing():
    found = asked()
    assert (found.spatial.to_ascii(), found.temporal, found.spectral) == ("8/", (), ())


def test_times_apart_by_less_than_a_day_are_one():
    assert asked(days=[(60000.5, 60000.6), (60001.2, 60001.3), (60002.5, 60003.0)]).temporal == (
        (60000.5, 60001.3),
        (60002.5, 60003.0),
    )


def test_of_very_many_times_the_smallest_gaps_are_closed():
    starts = np.cumsum(np.arange(2, 202))
    found = asked(days=[(float(start), start + 0.5) for start in starts]).temporal
    assert len(found) == 64
    assert (found[0][0], found[-1][1]) == (2.0, starts[-1] + 0.5)
    assert min(later[0] - sooner[1] for sooner, later in pairwise(found)) > 100


def test_bands_that_meet_are_one():
    assert asked(bands=[(2e-6, 3e-6), (1e-6, 2e-6), (5e-6, 6e-6)]).spectral == ((1e-6, 3e-6), (5e-6, 6e-6))


@pytest.mark.parametrize("fov", [None, 0.001, 0.08, 3.0])
def test_a_field_is_covered_as_far_as_it_reaches(fov):
    import hpgeom

    ra, dec = 83.8, -5.4
    found = asked(cells=[(hpgeom.angle_to_pixel(1 << 13, ra, dec, nest=True), fov)]).spatial
    rim = [
        (ra + (fov or 0) / 2 * np.cos(t) / np.cos(np.radians(dec)), dec + (fov or 0) / 2 * np.sin(t)) for t in range(7)
    ]
    cells = hpgeom.angle_to_pixel(1 << found.order, *np.transpose([(ra, dec), *rim]), nest=True)
    assert set(cells) <= set(found.cells)
    assert found.fraction < ((fov or 0) + 0.8) ** 2 / 41253 * 2


def test_cells_grow_until_their_list_is_short():
    scattered = np.arange(0, 12 << 26, 12 << 12)
    found = asked(cells=[(int(cell), 0.01) for cell in scattered]).spatial
    assert found.order == 6
