from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfield.catalogue.schema import load_tables
from deepfield.model.errors import InvalidQueryError, UnknownColumnError
from deepfield.query.filters import Between, Equal, Like, Missing, SortKey, parse_filter, parse_filters, parse_sort
from deepfield.query.filters import searchable as column_of

TABLE = load_tables()["observation"]


def terms(name, text):
    return parse_filter(column_of(TABLE, name), text)


def test_commas_separate_alternatives_and_a_mark_turns_one_into_its_opposite():
    read = terms("filters", "F444W, !F200W ,null")
    assert read.anyof == (Equal("F444W"), Missing())
    assert read.noneof == (Equal("F200W"),)


@pytest.mark.parametrize(
    ("name", "text", "term"),
    [
        ("t_exptime", "10..1e3", Between(10.0, 1000.0)),
        ("t_exptime", "..5", Between(None, 5.0)),
        ("s_dec", "-60.5..-50", Between(-60.5, -50.0)),
        ("calib_level", "2..", Between(2, None)),
        ("access_estsize", "9007199254740993", Equal(9007199254740993)),
        ("is_tso", "true", Equal(value=True)),
        ("target_name", "ngc*33*", Like(("ngc", "33", ""))),
        ("target_name", r"a\,b\*c\..d", Equal("a,b*c..d")),
        ("target_name", r"\null", Equal("null")),
        ("target_name", r"\!x", Equal("!x")),
        ("t_min", "60000..60001.5", Between(60000.0, 60001.5)),
        ("t_min", "2026-03-01", Between(61100.0, 61101.0, before=True)),
        ("t_min", "2026-03-01T12:00:00Z..", Between(61100.5, None)),
    ],
)
def test_one_alternative_means(name, text, term):
    assert terms(name, text).anyof == (term,)


def test_a_month_lasts_until_the_next_one_begins():
    (term,) = terms("data_release", "2025-11..2025-12").anyof
    assert term == Between(datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), before=True)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("calib_level", "2.5", "a whole number"),
        ("calib_level", "99999999999999999999", "a whole number"),
        ("t_exptime", "long", "a number (s)"),
        ("t_exptime", "nan", "a number (s)"),
        ("t_exptime", "5..1", "the lower end first"),
        ("t_exptime", "..", "at least one end"),
        ("t_exptime", "1..2..3", "one range"),
        ("data_release", "yesterday", "an ISO 8601 date"),
        ("data_release", "2026-02-30", "an ISO 8601 date"),
        ("t_min", "2026-13", "an ISO 8601 date"),
        ("instrument_name", "A..Z", "no range"),
        ("instrument_name", "", "null stands for a missing one"),
        ("instrument_name", "a,,b", "null stands for a missing one"),
        ("is_tso", "maybe", "true or false"),
        ("access", "secret", "public or exclusive"),
        ("target_name", "a\0b", "without NUL"),
    ],
)
def test_what_cannot_be_right_is_refused_with_field_value_and_expectation(name, text, expected):
    with pytest.raises(InvalidQueryError) as refused:
        terms(name, text)
    assert refused.value.field == name
    assert expected in refused.value.expected


def test_an_unknown_column_is_refused_with_the_closest_one():
    with pytest.raises(UnknownColumnError) as refused:
        parse_filters({"instrument": "NIRCAM"}, TABLE)
    assert refused.value.closest == "instrument_name"


def test_a_column_that_is_not_searchable_is_refused():
    with pytest.raises(InvalidQueryError, match="can be searched"):
        parse_filters({"origin": "x"}, TABLE)


def test_a_minus_sorts_from_high_to_low():
    assert parse_sort("-t_min,obs_id", TABLE) == (SortKey("t_min", descending=True), SortKey("obs_id"))


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_any_text_can_be_asked_for_by_escaping_it(text):
    if text.strip() != text:
        return
    escaped = "".join("\\" + character for character in text)
    assert terms("target_name", escaped).anyof == (Equal(text),)
