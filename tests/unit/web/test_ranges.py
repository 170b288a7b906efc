"""Ranges and preconditions follow RFC 9110."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfield.web.errors import RangeNotSatisfiableError
from deepfield.web.ranges import Span, http_date, parse_ranges, precondition, range_applies

ETAG = '"abc"'
MODIFIED = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
SAME, EARLIER, LATER = (
    "Sun, 01 Mar 2026 12:00:00 GMT",
    "Sun, 01 Mar 2026 11:59:59 GMT",
    "Sun, 01 Mar 2026 12:00:01 GMT",
)


@pytest.mark.parametrize(
    ("header", "spans"),
    [
        ("bytes=0-0", (Span(0, 0),)),
        ("bytes=0-", (Span(0, 99),)),
        ("bytes=99-", (Span(99, 99),)),
        ("bytes=10-1000", (Span(10, 99),)),
        ("bytes=-5", (Span(95, 99),)),
        ("bytes=-500", (Span(0, 99),)),
        ("BYTES = 1-2", (Span(1, 2),)),
        ("bytes=0-1, 5-6", (Span(0, 1), Span(5, 6))),
        ("bytes=0-1,200-", (Span(0, 1),)),
        ("bytes=0-1,,5-6", (Span(0, 1), Span(5, 6))),
        ("items=0-1", None),
        ("bytes=0-99,0-99", None),
        ("bytes=" + ",".join(["0-0"] * 33), None),
    ],
)
def test_a_range_selects_bytes(header, spans):
    assert parse_ranges(header, 100) == spans


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", "bytes=5-4", "bytes=a-b", "bytes=-", "bytes=", "bytes"])
def test_a_range_outside_the_product_or_malformed_is_refused_with_its_length(header):
    with pytest.raises(RangeNotSatisfiableError) as refusal:
        parse_ranges(header, 100)
    assert refusal.value.length == 100


def test_nothing_of_an_empty_product_can_be_ranged():
    with pytest.raises(RangeNotSatisfiableError):
        parse_ranges("bytes=0-0", 0)


@given(st.text(alphabet="bytes=0123456789-, ", max_size=40), st.integers(0, 2**63))
def test_whatever_the_header_spans_lie_within_the_product(header, length):
    try:
        spans = parse_ranges(header, length)
    except RangeNotSatisfiableError:
        return
    assert spans is None or all(0 <= span.first <= span.last < length for span in spans)


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({}, "proceed"),
        ({"if-none-match": ETAG}, "not_modified"),
        ({"if-none-match": 'W/"abc"'}, "not_modified"),
        ({"if-none-match": '"x", "abc"'}, "not_modified"),
        ({"if-none-match": "*"}, "not_modified"),
        ({"if-none-match": '"x"'}, "proceed"),
        ({"if-none-match": '"x"', "if-modified-since": LATER}, "proceed"),
        ({"if-modified-since": SAME}, "not_modified"),
        ({"if-modified-since": EARLIER}, "proceed"),
        ({"if-modified-since": "yesterday"}, "proceed"),
        ({"if-match": ETAG}, "proceed"),
        ({"if-match": "*"}, "proceed"),
        ({"if-match": 'W/"abc"'}, "failed"),
        ({"if-match": '"x"'}, "failed"),
        ({"if-unmodified-since": SAME}, "proceed"),
        ({"if-unmodified-since": EARLIER}, "failed"),
    ],
)
def test_preconditions_are_evaluated_as_the_standard_says(headers, outcome):
    assert precondition(headers, etag=ETAG, modified=MODIFIED) == outcome


@pytest.mark.parametrize(
    ("condition", "applies"),
    [(ETAG, True), ('"x"', False), ('W/"abc"', False), (SAME, True), (LATER, False), ("nonsense", False)],
)
def test_a_range_holds_only_for_the_version_the_client_has(condition, applies):
    assert range_applies({"if-range": condition}, etag=ETAG, modified=MODIFIED) is applies


def test_an_http_date_is_written_in_whole_seconds_of_gmt():
    assert http_date(MODIFIED) == SAME
