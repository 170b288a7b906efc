import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfield.model.errors import InvalidValueError
from deepfield.model.moc import Moc


def read(text):
    """Cells of the deepest order that an ASCII MOC names."""
    cells, order = [], 0
    for word in text.split():
        if "/" in word:
            head, word = word.split("/")  # noqa: PLW2901
            order = int(head)
            deepest = order
        if word:
            one, _, two = word.partition("-")
            cells.append((order, int(one), int(two or one)))
    return deepest, sorted(
        cell
        for order, one, two in cells
        for cell in range(one << 2 * (deepest - order), (two + 1) << 2 * (deepest - order))
    )


def test_an_ascii_moc_is_written_in_normalised_form():
    assert Moc(3, np.array([0, 1, 2, 3, 5, 7, 6])).to_ascii() == "2/0 3/5-7"
    assert Moc(2, np.arange(12 * 16)).to_ascii() == "0/0-11 2/"
    assert Moc(4, np.array([], int)).to_ascii() == "4/"


@given(st.integers(0, 4).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, (12 << 2 * n) - 1)))))
def test_what_is_written_is_what_is_covered(given_):
    order, cells = given_
    moc = Moc(order, np.array(sorted(cells), int))
    assert read(moc.to_ascii()) == (order, sorted(cells))
    assert moc.fraction == len(cells) / (12 << 2 * order)


def test_a_coarser_order_holds_all():
    assert Moc(5, np.array([0, 4, 5, 1023])).degraded(4).cells.tolist() == [0, 1, 255]


def test_cells_that_are_not_there_are_refused():
    with pytest.raises(InvalidValueError, match="cells of order 0"):
        Moc(0, np.array([12]))
