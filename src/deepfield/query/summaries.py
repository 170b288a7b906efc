"""Trees of what the archive shows beside pages: outlines for the sky, totals, targets and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlglot import exp, parse_one

from deepfield.query.lower import OBSERVATION, column, literal
from deepfield.query.pages import ordering

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepfield.query.filters import SortKey
    from deepfield.query.scope import Scope

FOOTPRINT_COLUMNS: Final = ("obs_number", "obs_id", "instrument_name", "calib_level", "s_ra", "s_dec", "s_region")
_DEGREE: Final = 46
"""Bits by which HEALPix cells of about a degree are coarser than the index."""
_LAST: Final = "\U0010ffff"


def footprint_tree(scope: Scope, order: Sequence[SortKey]) -> exp.Select:
    """Return the tree of the outlines of all rows that have a position."""
    tree = scope.select().select(*(column(name) for name in FOOTPRINT_COLUMNS), copy=False)
    return tree.where(_placed(), copy=False).order_by(*ordering(order), copy=False)


def placed_tree(scope: Scope) -> exp.Select:
    """Return the tree that counts the rows with a position as ``n``."""
    tree = scope.select().where(_placed(), copy=False)
    return tree.select(exp.alias_(exp.Count(this=exp.Star()), "n"), copy=False)


def totals_tree() -> exp.Select:
    """Return the tree of the archive's totals: ``observations``, ``products``, ``size`` in bytes."""
    return _parsed(
        "SELECT (SELECT count(*) FROM observation) AS observations, count(*) AS products, "
        "coalesce(sum(content_length), 0)::BIGINT AS size FROM artifact AS a"
    )


def targets_tree(terms: Sequence[str]) -> exp.Select:
    """Return the tree of the targets whose texts hold one of these terms: names, mean position, how far it spreads."""
    tree = _parsed(
        "SELECT target_name, target_standard_name, bool_or(moving_target) AS moving, count(*) AS n, "
        "avg(cos(radians(s_dec)) * cos(radians(s_ra))) AS x, avg(cos(radians(s_dec)) * sin(radians(s_ra))) AS y, "
        "avg(sin(radians(s_dec))) AS z FROM observation AS o GROUP BY ALL"
    )
    return tree.where(_documents_with(exp.column("term").isin(*(literal(term) for term in terms))))


def target_places_tree(names: Sequence[str]) -> exp.Select:
    """Return the tree of the places of targets of these names, observations about a degree from each other as one."""
    tree = _parsed(
        "SELECT count(*) AS n, avg(cos(radians(s_dec)) * cos(radians(s_ra))) AS x, "
        "avg(cos(radians(s_dec)) * sin(radians(s_ra))) AS y, avg(sin(radians(s_dec))) AS z "
        f"FROM observation AS o WHERE s_ra IS NOT NULL GROUP BY healpix >> {_DEGREE}"
    )
    return tree.where(column("target_name").isin(*(literal(name) for name in names)))


def target_names_tree() -> exp.Select:
    """Return the tree of every target name."""
    return _parsed("SELECT DISTINCT target_name FROM observation AS o WHERE target_name IS NOT NULL")


def suggested_texts_tree(*prefixes: str) -> exp.Select:
    """Return the tree of targets and programmes in whose texts a word begins with one of these."""
    tree = _parsed(
        "SELECT target_name, proposal_id, proposal_title, count(*) AS n FROM observation AS o "
        "GROUP BY target_name, proposal_id, proposal_title"
    )
    term = exp.column("term")
    begins = (exp.and_(term >= literal(prefix), term < literal(prefix + _LAST)) for prefix in prefixes)
    return tree.where(_documents_with(exp.or_(*begins)))


def suggested_names_tree(table: str, name: str, prefix: str) -> exp.Select:
    """Return the tree of the names in a column that begin so, in their order."""
    subject = exp.column(name)
    tree = exp.select(exp.alias_(subject, "name")).distinct().from_(table)
    return tree.where(exp.and_(subject >= literal(prefix), subject < literal(prefix + _LAST))).order_by("name")


def _documents_with(condition: exp.Expression) -> exp.Expression:
    documents = exp.select("document").from_("text_posting").where(condition)
    return column("document").isin(query=documents)


def _placed() -> exp.Expression:
    return exp.not_(exp.column("s_ra", OBSERVATION).is_(exp.null()))


def _parsed(sql: str) -> exp.Select:
    tree = parse_one(sql, dialect="duckdb")
    assert isinstance(tree, exp.Select)
    return tree
