"""ADQL queries from the test suites of others: what they call valid is read, what they call invalid is refused."""

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from deepfield.model.errors import AdqlSyntaxError
from deepfield.query.adql import parse

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("DEEPFIELD_ADQL_CORPUS", ROOT.parent / "shared/data/vo/adql-corpus/adql-corpus.jsonl"))


@pytest.fixture(scope="module")
def corpus() -> list[dict]:
    if not CORPUS.is_file():
        pytest.skip(f"SKIPPED FOR WANT OF THE CORPUS: {CORPUS} is no file (set DEEPFIELD_ADQL_CORPUS)")
    return [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]


def verdict(row: dict) -> str | None:
    """The refusal of a query, None if it is read."""
    try:
        parse(row["query"], version=row["adql_version"])
    except AdqlSyntaxError as error:
        return str(error)
    return None


def test_queries_on_which_two_parsers_agree_are_judged_alike(corpus, capsys):
    judged = [(row, verdict(row)) for row in corpus]
    agreed = Counter(row["tier"] for row, refusal in judged if (refusal is None) == row["valid"])
    with capsys.disabled():
        for tier, count in Counter(row["tier"] for row in corpus).items():
            print(f"\nADQL corpus, tier {tier}: {agreed[tier]} of {count} as their source says", end="")
    core = [row["query"] for row, refusal in judged if row["tier"] == "core" and (refusal is None) != row["valid"]]
    assert not core
    assert agreed["single-parser"] == sum(row["tier"] == "single-parser" for row in corpus)


def test_an_independent_parser_of_both_versions_agrees(corpus):
    """CDS ADQLlib 2 says the same of each query in either version, but where the standard is on our side.

    It judges coordinate systems and types in the grammar, has fewer forms of them in ADQL 2.0 than its BNF, and lacks
    CENTROID and functions as points of ADQL 2.1.
    """
    other = [
        (row["query"], version)
        for row in corpus
        for version in ("2.0", "2.1")
        if (verdict({"query": row["query"], "adql_version": version}) is None)
        != (row["verdict_vollt_adqllib"][f"2.x/{version}"] == "ok")
    ]
    reasons = re.compile(r"POINT\(aColumn|'From ' \|\||'QUARK'|'TOPO'|'gaga'|RANGE_S2D|coord[12]\(centroid")
    assert not [case for case in other if not reasons.search(case[0])]
