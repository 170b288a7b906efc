"""What ADQL allows and forbids, query by query: ``adql/accepted.adql`` and ``adql/refused.adql``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deepfield.model.errors import AdqlSyntaxError
from deepfield.query.adql import parse
from deepfield.query.adql.values import CONSTRUCTS
from deepfield.query.adql.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EDITOR = Path(__file__).parents[2] / "frontend" / "src" / "lib" / "adql"
FOLDER = Path(__file__).with_name("adql")
VERSIONS = ("2.0", "2.1")
ANSWER = "=> "


def blocks(name: str) -> list[str]:
    return (FOLDER / name).read_text("utf-8").rstrip("\n").split("\n\n")


def accepted() -> Iterator[tuple[str, str, bool]]:
    """Yield version, query and whether the version allows it."""
    allowing = ""
    for block in blocks("accepted.adql"):
        if all(line.startswith("-- ") for line in block.splitlines()):
            allowing = block
        else:
            yield from ((version, block, version in allowing) for version in VERSIONS)


def answer(query: str, version: str) -> str:
    try:
        parse(query, version=version)
    except AdqlSyntaxError as error:
        return str(error)
    return "accepted"


@pytest.mark.parametrize("version", VERSIONS)
def test_queries_are_accepted_in_the_versions_that_have_them(version: str) -> None:
    cases = [(query, allowed) for each, query, allowed in accepted() if each == version]
    wrong = {
        query: answer(query, version) for query, allowed in cases if (answer(query, version) == "accepted") != allowed
    }
    assert not wrong
    assert len(cases) > 110


def test_forbidden_queries_are_refused_at_the_word_that_is_wrong(golden: Callable[[Path, str], None]) -> None:
    header, *cases = blocks("refused.adql")
    queries = ["\n".join(line for line in case.splitlines() if not line.startswith(ANSWER)) for case in cases]
    answered = [f"{query}\n{ANSWER}{answer(query, '2.1')}" for query in queries]
    golden(FOLDER / "refused.adql", "\n\n".join([header, *answered]) + "\n")
    assert not [query for query in queries if "accepted" in (answer(query, "2.0"), answer(query, "2.1"))]
    assert len(queries) > 200


def test_the_editor_of_the_portal_knows_the_same_words(golden: Callable[[Path, str], None]) -> None:
    words = vocabulary("2.1")
    document = {"reserved": sorted(words.reserved), "functions": sorted({*words.functions, *CONSTRUCTS})}
    golden(EDITOR / "words.json", json.dumps(document, indent=2) + "\n")
