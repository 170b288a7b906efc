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
    from collections.abc import Sequence

    import pyarrow as pa

    from deepfield.query.engines.duckdb import Session

HIT: Final = "hit"
"""Alias of the documents found, in trees that search text."""
RELEVANCE: Final = "relevance"

_HITS: Final = "text_hits"
_PRODUCT_NAME: Final = re.compile(r"jw\d{5}\S*", re.IGNORECASE)
_EXACT, _PREFIX, _SIMILAR = 100, 60, 30
_MOST_WORDS: Final = 16
_MOST_SIMILAR: Final = 5
_LAST: Final = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class TextCondition:
    """What a text asks for: names begin so, and the words lead to documents."""

    names: tuple[exp.Expression, ...]
    ranked: bool
    """Whether the text holds words beside names, so that documents with a relevance are to be joined."""

    def join(self, tree: exp.Select) -> exp.Select:
        """Return the tree restricted to what the text asks for."""
        for name in self.names:
            tree = tree.where(name.copy(), copy=False)
        if not self.ranked:
            return tree
        on = exp.column("document", HIT).eq(exp.column("document", OBSERVATION))
        return tree.join(exp.to_table(_HITS, alias=HIT), on=on, join_type="inner", copy=False)


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
        return TextCondition(tuple(names) or (exp.false(),), ranked=False)
    session.offer(_HITS, _documents(session, wanted))
    return TextCondition(tuple(names), ranked=True)


def _documents(session: Session, wanted: Sequence[str]) -> pa.Table:
    """Return the documents that hold every word, with their relevance."""
    found = session.run(_hits_tree([_known(word) for word in wanted]))
    if found.num_rows:
        return found
    return session.run(
        _hits_tree([_known(word) if _exists(session, word) else _similar(session, word) for word in wanted])
    )


def _hits_tree(postings: Sequence[exp.Select]) -> exp.Select:
    every = exp.union(*postings, distinct=False, copy=False) if len(postings) > 1 else postings[0]
    total = exp.cast(exp.Sum(this=exp.column("best")), "BIGINT")
    tree = exp.select("document", exp.alias_(total, RELEVANCE)).from_(every.subquery("found"))
    return tree.group_by("document").having(exp.Count(this=exp.Star()).eq(literal(len(postings))))


def _known(word: str) -> exp.Select:
    """Return the documents with a term that is the word or, from two letters on, begins with it."""
    term = exp.column("term")
    if len(word) == 1:
        return _best(term.eq(literal(word)), literal(_EXACT))
    share = exp.IntDiv(this=literal(_PREFIX * len(word)), expression=exp.func("length", term.copy()))
    factor = exp.case().when(term.eq(literal(word)), literal(_EXACT)).else_(share)
    return _best(_starting(word), factor)


def _exists(session: Session, word: str) -> bool:
    return bool(session.run(_known(word), limit=1).num_rows)


def _similar(session: Session, word: str) -> exp.Select:
    """Return the documents with the terms that a misspelt word may mean."""
    term = exp.column("term")
    if not 4 <= len(word) <= 40:
        return _best(exp.false(), literal(0))
    edits = exp.func("levenshtein", term, literal(word))
    near = (
        exp.select(term)
        .from_(exp.select(term.copy()).distinct().from_("text_posting").subquery("known"))
        .where(edits <= literal(1 if len(word) < 7 else 2))
        .order_by(edits.copy(), exp.func("jaro_winkler_similarity", term.copy(), literal(word)).desc(), term.copy())
    )
    terms = session.run(near, limit=_MOST_SIMILAR)["term"].to_pylist()
    if not terms:
        return _best(exp.false(), literal(0))
    return _best(term.isin(*(literal(each) for each in terms)), literal(_SIMILAR))


def _best(condition: exp.Expression, factor: exp.Expression) -> exp.Select:
    """Return documents by the term that speaks most for them."""
    score = exp.Max(this=exp.column("weight") * factor)
    tree = exp.select("document", exp.alias_(score, "best")).from_("text_posting")
    return tree.where(condition).group_by("document")


def _starting(word: str) -> exp.Expression:
    term = exp.column("term")
    return exp.and_(term >= literal(word), term < literal(word + _LAST))


def _begins(prefix: str) -> exp.Expression:
    owner = exp.column("obs_number", "f")
    files = exp.select(owner).from_(exp.to_table("artifact", alias="f")).where(_starts("filename", "f", prefix))
    return exp.paren(exp.or_(_starts("obs_id", OBSERVATION, prefix), column("obs_number").isin(query=files)))


def _starts(name: str, table: str, prefix: str) -> exp.Expression:
    subject = exp.column(name, table)
    return exp.and_(subject >= literal(prefix), subject < literal(prefix + _LAST))
