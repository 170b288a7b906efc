"""What every tree passes before it reaches an engine: the snapshot it reads, its most rows, the access rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from deepfield.query.lower import literal

if TYPE_CHECKING:
    from collections.abc import Collection

    from deepfield.access.policy import Readable


def guard(
    tree: exp.Query, *, versioned: Collection[str], snapshot: int | None = None, limit: int | None = None
) -> exp.Query:
    """Return the tree reading the archive as it was at a snapshot (None: now), with at most ``limit`` rows."""
    if snapshot is not None:
        for table in list(tree.find_all(exp.Table)):
            if table.name in versioned:
                table.replace(_as_it_was(table, snapshot))
    if limit is not None:
        tree.set("limit", exp.Limit(expression=literal(limit)))  # as a value: a builder would parse it as text
    return tree


def alive(table: str, snapshot: int) -> exp.Expression:
    """Return the condition that a row version was current at a snapshot."""
    begun = exp.column("seq_from", table) <= literal(snapshot)
    ended = exp.column("seq_to", table)
    return exp.and_(begun, exp.or_(ended.is_(exp.null()), ended > literal(snapshot)))


def where_readable(rule: Readable, table: str) -> exp.Expression:
    """Return the access rule as a condition on a table with ``data_release`` and ``proposal_id``.

    The same rule as ``Readable.allows``; a test holds them equal.
    """
    if rule.staff:
        return exp.true()
    released = exp.column("data_release", table) <= literal(rule.at)
    ours = [exp.column("proposal_id", table).eq(literal(program)) for program in sorted(rule.programs)]
    return exp.func("coalesce", exp.or_(released, *ours), exp.false())


def _as_it_was(table: exp.Table, snapshot: int) -> exp.Subquery:
    versions = f"{table.name}_all"
    return exp.select("*").from_(versions).where(alive(versions, snapshot)).subquery(table.alias_or_name)
