"""Words of the texts that people search: targets, programmes, investigators, titles.

An archive has a million observations but only some thousand different texts. Each distinct combination of texts is a
*document*; observations carry its number, and words lead to documents through ``text_posting``.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from deepfield.replica.layout import DOCUMENT, TEXT_COLUMNS

if TYPE_CHECKING:
    import duckdb

WEIGHTS: Final = {
    "target_name": 3,
    "target_standard_name": 3,
    "proposal_id": 3,
    "proposal_pi": 2,
    "proposal_title": 1,
}
_COMPACTED: Final = frozenset({"target_name", "target_standard_name"})
_LONGEST_COMPACT: Final = 64


def fold(text: str) -> str:
    """Return a text without case and accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()


def words(text: str) -> list[str]:
    """Split a text into the words that are searched: folded runs of letters and digits."""
    return re.findall(r"[^\W_]+", fold(text))


def compact(text: str) -> str:
    """Return a name without case, accents, spaces and punctuation: ``NGC-3324`` and ``ngc 3324`` are one."""
    return "".join(words(text))


def index_new_documents(connection: duckdb.DuckDBPyConnection) -> int:
    """Index the documents of observations that are not indexed yet; returns how many there were."""
    columns = ", ".join(f"any_value({name})" for name in TEXT_COLUMNS)
    found = connection.execute(
        f"SELECT {DOCUMENT}, {columns} FROM observation_all AS o "
        f"WHERE NOT EXISTS (SELECT 1 FROM text_document AS t WHERE t.{DOCUMENT} = o.{DOCUMENT}) GROUP BY {DOCUMENT}"
    ).fetchall()
    if not found:
        return 0
    rows = [(term, number, weight) for number, *texts in found for term, weight in _postings(texts).items()]
    rows.sort()
    terms, numbers, weights = zip(*rows, strict=True) if rows else ((), (), ())
    postings = pa.table(
        {"term": pa.array(terms, pa.string()), "document": pa.array(numbers, pa.uint64()),
         "weight": pa.array(weights, pa.int32())}
    )  # fmt: skip
    documents = pa.table({"document": pa.array([row[0] for row in found], pa.uint64())})
    for table, content in (("text_posting", postings), ("text_document", documents)):
        connection.register("new_texts", content)
        connection.execute(f"INSERT INTO {table} SELECT * FROM new_texts")
        connection.unregister("new_texts")
    return len(found)


def _postings(texts: list[str | None]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, text in zip(TEXT_COLUMNS, texts, strict=True):
        if text is None:
            continue
        terms = words(text)
        if name in _COMPACTED and len(terms) > 1 and len(compact(text)) <= _LONGEST_COMPACT:
            terms = [*terms, compact(text)]
        for term in terms:
            found[term] = max(found.get(term, 0), WEIGHTS[name])
    return found
