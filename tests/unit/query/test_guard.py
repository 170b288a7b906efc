from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from deepfield.access.policy import Readable
from deepfield.query.guard import guard, where_readable
from deepfield.query.lower import double, literal

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@given(
    release=st.none() | st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days)),
    program=st.none() | st.sampled_from(["1", "2", "3'; --"]),
    programs=st.frozensets(st.sampled_from(["1", "2", "3'; --"])),
    staff=st.booleans(),
)
def test_the_access_rule_says_the_same_in_sql(release, program, programs, staff):
    rule = Readable(at=NOW, programs=programs, staff=staff)
    said = exp.select(where_readable(rule, "t")).from_(
        exp.select(exp.alias_(exp.null() if release is None else literal(release), "data_release"))
        .select(exp.alias_(exp.null() if program is None else literal(program), "proposal_id"))
        .subquery("t")
    )
    ((allowed,),) = sqlite3.connect(":memory:").execute(said.sql("sqlite")).fetchall()
    assert bool(allowed) == rule.allows(data_release=release, program=program)


def test_a_past_snapshot_reaches_every_table_of_a_tree():
    tree = parse_one("SELECT 1 FROM observation AS o JOIN artifact AS a ON a.obs_number = o.obs_number, text_posting")
    sql = guard(tree, versioned={"observation", "artifact"}, snapshot=7, limit=5).sql("duckdb")
    assert sql.count("seq_from <= 7") == 2
    assert "observation_all" in sql
    assert "text_posting_all" not in sql
    assert sql.endswith("LIMIT 5")


@given(st.floats(allow_nan=False))
def test_a_double_literal_reads_back_as_the_same_number_and_is_never_a_decimal(value):
    text = double(value).sql("duckdb")
    assert float(text.removeprefix("CAST('").split("'")[0]) == value
    assert "e" in text or "CAST" in text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_text_literal_stays_one_literal(text):
    assert sqlite3.connect(":memory:").execute(f"SELECT {literal(text).sql('duckdb')}").fetchall() == [(text,)]
