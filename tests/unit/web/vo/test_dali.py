"""DALI parameters mean the same however they come."""

import pytest

from deepfield.model.errors import InvalidQueryError
from deepfield.web.vo.dali import Params, Upload


def params(*pairs):
    return Params(pairs)


def test_a_value_that_is_blank_counts_as_none():
    assert params(("QUERY", "  ")).one("QUERY") is None
    assert params().one("QUERY") is None


def test_the_first_name_that_was_sent_counts():
    both = params(("FORMAT", "csv"), ("RESPONSEFORMAT", "votable"))
    assert both.one("RESPONSEFORMAT", "FORMAT") == "votable"
    assert params(("FORMAT", "csv")).one("RESPONSEFORMAT", "FORMAT") == "csv"


def test_a_single_valued_parameter_sent_twice_is_refused():
    with pytest.raises(InvalidQueryError, match="MAXREC"):
        params(("MAXREC", "1"), ("MAXREC", "1")).one("MAXREC")


@pytest.mark.parametrize("text", ["-1", "1.5", "many", "1e3", "0x10", "9" * 30, "١"])
def test_whole_numbers_are_nothing_else(text):
    with pytest.raises(InvalidQueryError, match="a whole number from 0"):
        params(("MAXREC", text)).whole("MAXREC")


def test_uploads_accumulate_over_values_and_semicolons():
    found = params(("UPLOAD", "a,param:one;b,http://h/t.vot"), ("UPLOAD", "TAP_UPLOAD.c,PARAM:Two")).uploads()
    assert found == (
        Upload("a", "ONE", is_part=True),
        Upload("b", "http://h/t.vot", is_part=False),
        Upload("c", "TWO", is_part=True),
    )


@pytest.mark.parametrize(
    "text", ["a", "a,", ",param:x", "a b,param:x", "1a,param:x", "a.b,param:x", "a,param:x;A,param:y"]
)
def test_uploads_that_name_nothing_or_the_same_twice_are_refused(text):
    with pytest.raises(InvalidQueryError, match="UPLOAD"):
        params(("UPLOAD", text)).uploads()
