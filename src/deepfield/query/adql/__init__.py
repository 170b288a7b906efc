"""ADQL 2.0 and 2.1 as trees. The grammar is the standards' own and is read strictly: no dialect's leniency.

``parse`` says what the text says; which tables and columns exist, and what types they have, resolution says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepfield.query.adql.queries import Queries
from deepfield.query.adql.vocabulary import Version, vocabulary

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Version", "parse"]


def parse(text: str, *, version: Version = "2.1", extensions: frozenset[str] = frozenset()) -> exp.Query:
    """Return the tree of an ADQL query; AdqlSyntaxError with line, column and word where the grammar forbids it.

    The tree consists of sqlglot's nodes in the shapes that sqlglot's own parser gives them, and of ``adql.nodes``:

    - The root is an ``exp.Select`` or, for UNION, EXCEPT and INTERSECT, an ``exp.SetOperation`` (``distinct`` False for
      ALL). ``with_`` stands at the root only. An operand with its own parentheses, TOP, order or offset is an
      ``exp.Subquery`` without alias, and so is a table where such a query is ordered once more.
    - ``TOP n`` is ``limit``, an ``exp.Limit``; ``OFFSET n`` is ``offset``. TOP counts behind OFFSET.
    - The first table is ``from_.this``, the others are ``joins``: a comma is a join without ``kind``, ``side``,
      ``method``, ``on`` and ``using``, and what follows a comma joins within its own item. NATURAL is ``method``, LEFT,
      RIGHT and FULL are ``side``, ``using`` holds identifiers. A join in parentheses is an ``exp.Subquery`` around a
      table with ``joins`` of its own; with an alias it becomes the query ``SELECT *`` of it.
    - Columns are ``exp.Column`` with up to four parts, ``t.*`` is a column whose ``this`` is ``exp.Star``.
    - Every ``exp.Identifier`` knows whether it was quoted and, as functions do, where it began: ``nodes.place``.
    - AND, OR and ``||`` are joined in balanced trees, however long they are; adjacent strings are one literal.
    - Aggregates are ``exp.Count`` and so on, with an ``exp.Distinct`` inside for DISTINCT; mathematical functions are
      ``nodes.Mathematical``, other names ``nodes.UserFunction``; geometry see ``adql.nodes``.
    - Numbers keep their spelling (``exp.Literal``), hexadecimal ones become decimal. A sign is an ``exp.Neg``.

    Positions in ORDER BY are unsigned integer literals; in GROUP BY of ADQL 2.1 such a literal is a constant.

    ``extensions`` may hold ``case``. No tree is higher than 128 nodes, and no text longer than 256 KiB is read.
    """
    return Queries(text, vocabulary(version), extensions).query()
