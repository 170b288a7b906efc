"""A table that users bring along, and whether it comes back as it went."""

import numpy as np
from astropy.table import MaskedColumn, Table


def everything():
    """Types, missing values, names that need quotes, texts beyond ASCII, arrays."""
    return Table(
        {
            "id": np.arange(4, dtype=np.int64) + 2**40,
            "short": MaskedColumn(np.array([1, -2, 3, 4], dtype=np.int16), mask=[False, False, True, False]),
            "flag": np.array([True, False, True, False]),
            "single": np.array([1.5, np.nan, -0.25, 3e38], dtype=np.float32),
            "double": np.array([0.1, -1e-300, np.nan, 2 / 3]),
            "size": ["a", "é", "日本", "<&'\">"],
            "two words": np.arange(4, dtype=np.int32),
            "vector": np.arange(12, dtype=np.float64).reshape(4, 3),
            "when": ["2026-04-22T14:35:23", "2026-04-22T14:35:23.5", "1999-12-31T23:59:59", "2026-01-01T00:00:00"],
        }
    )


def compare(sent: Table, came: Table) -> None:
    """Fail where a column of what came back has another name, type or value than what was sent."""
    assert came.colnames == sent.colnames
    for name in sent.colnames:
        one, other = (np.ma.asarray(table[name]) for table in (sent, came))
        assert other.dtype.kind == one.dtype.kind or one.dtype.kind in "US", name
        masked = np.ma.getmaskarray(one)
        assert np.array_equal(np.ma.getmaskarray(other) & masked, masked), name
        for mine, theirs in zip(one[~masked], other[~masked], strict=True):
            np.testing.assert_equal(theirs, mine, err_msg=name)
