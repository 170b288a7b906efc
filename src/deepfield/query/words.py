"""Text search: which documents hold all the words, and how well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from deepfield.model.errors import InvalidQueryError
from deepfield.query.lower import OBSERVATION, column, literal
from deepfield.replica.texts import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deepfield.query.engines.duckdb import Session

HIT: Final = "hit"
"""Alias of the documents found, in trees that search text."""
RELEVANCE: Final = "relevance"

_PRODUCT_NAME: Final = re.compile(r"jw\d{5}\S*", re.IGNORECASE)
_EXACT, _PREFIX, _SIMILAR = 100, 60, 30
_MOST_WORDS: Final = 16
_MOST_TERMS: Final = 200
_LAST: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class TextCondition:
    """What a text asks for: names begin so, and the words lead to documents."""

    names: tuple[exp.Expression, ...]
    hits: exp.Subquery | None
    """Documents with their relevance, to be joined; None where the text holds nothing but names."""

    def join(self, tree: exp.Select) -> exp.Select:
        """Return the tree restricted to what the text asks for."""
        for name in self.names:
            tree = tree.where(name.copy(), copy=False)
        if self.hits is None:
            return tree
        on = exp.column("document", HIT).eq(exp.column("document", OBSERVATION))
        return tree.join(self.hits.copy(), on=on, join_type="inner", copy=False)


def find_texts(session: Session, text: str) -> TextCondition:
    """Look up the words of a text: exactly, as beginnings, and where neither is known, as misspellings.

    Every word has to be found in target, programme, investigator or title. A word that looks like the beginning of an
    observation identifier or file name (``jw02731…``) is searched there instead.
    """
    if not text.strip() or "\0" in text:
        raise InvalidQueryError("text", text, "words to search for")
    names, wanted = [], []
    for part in text.split():
        if _PRODUCT_NAME.fullmatch(part):
            names.append(_begins(part.lower()))
        else:
            wanted += words(part)
    wanted = list(dict.fromkeys(wanted))
    if len(wanted) > _MOST_WORDS:
        raise InvalidQueryError("text", text, f"at most {_MOST_WORDS} words")
    if not wanted:
        return TextCondition(tuple(names) or (exp.false(),), None)
    terms = [(word, term, factor) for word in wanted for term, factor in _expand(session, word)]
    return TextCondition(tuple(names), _documents(terms, len(wanted)))


def _begins(prefix: str) -> exp.Expression:
    owner = exp.column("obs_number", "f")
    files = exp.select(owner).from_(exp.to_table("artifact", alias="f")).where(_starts("filename", "f", prefix))
    return exp.paren(exp.or_(_starts("obs_id", OBSERVATION, prefix), column("obs_number").isin(query=files)))


def _starts(name: str, table: str, prefix: str) -> exp.Expression:
    subject = exp.column(name, table)
    return exp.and_(subject >= literal(prefix), subject < literal(prefix + _LAST))


def _expand(session: Session, word: str) -> list[tuple[str, int]]:
    """Return the indexed terms that stand for a word, with what each counts in percent."""
    term = exp.column("term")
    known = exp.select(term).distinct().from_("text_posting")
    beginning = known.where(exp.and_(term >= literal(word), term < literal(word + _LAST))).order_by(
        "length(term), term"
    )
    found: list[str] = session.run(beginning, limit=_MOST_TERMS)["term"].to_pylist()
    if found:
        return [(each, _EXACT if each == word else _PREFIX * len(word) // len(each)) for each in found]
    if len(word) < 4 or len(word) > 40:
        return []
    edits = exp.func("levenshtein", term, literal(word))
    similar = (
        exp.select(term)
        .from_(known.subquery("known"))
        .where(edits <= literal(1 if len(word) < 7 else 2))
        .order_by(edits.copy(), exp.func("jaro_winkler_similarity", term.copy(), literal(word)).desc(), term.copy())
    )
    return [(each, _SIMILAR) for each in session.run(similar, limit=5)["term"].to_pylist()]


def _documents(terms: Iterable[tuple[str, str, int]], n_words: int) -> exp.Subquery | None:
    rows = list(terms)
    if len({word for word, _, _ in rows}) < n_words:
        return _nothing()
    names = ["word", "term", "factor"]
    values = exp.values([tuple(row) for row in rows], alias="wanted", columns=names)
    posting = exp.to_table("text_posting", alias="p")
    best = (
        exp.select(exp.column("document", "p"), exp.column("word", "wanted"))
        .select(exp.alias_(exp.Max(this=exp.column("weight", "p") * exp.column("factor", "wanted")), "best"))
        .from_(posting)
        .join(values, on=exp.column("term", "p").eq(exp.column("term", "wanted")))
        .group_by(exp.column("document", "p"), exp.column("word", "wanted"))
    )
    total = exp.cast(exp.Sum(this=exp.column("best", "b")), "BIGINT")
    return (
        exp.select(exp.column("document", "b"), exp.alias_(total, RELEVANCE))
        .from_(best.subquery("b"))
        .group_by(exp.column("document", "b"))
        .having(exp.Count(this=exp.Star()).eq(literal(n_words)))
        .subquery(HIT)
    )


def _nothing() -> exp.Subquery:
    empty = exp.select(exp.alias_(exp.cast(exp.null(), "BIGINT"), "document"))
    empty = empty.select(exp.alias_(exp.cast(exp.null(), "BIGINT"), RELEVANCE)).where(exp.false())
    return empty.subquery(HIT)
