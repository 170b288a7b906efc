"""Filters and values as parts of a sqlglot tree. No text of a user reaches SQL but as a literal of such a tree."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlglot import exp

from deepfield.query.filters import (
    ACCESS,
    WAVELENGTH,
    Between,
    Element,
    Equal,
    Like,
    Missing,
    Pattern,
    Same,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deepfield.query.filters import Filter, Scalar, Term

OBSERVATION = "o"
"""The alias under which every tree reads table ``observation``."""


def column(name: str, table: str = OBSERVATION) -> exp.Expression:
    return exp.column(name, table)


def literal(value: Scalar) -> exp.Expression:
    """Return a typed literal; decimal numbers are always doubles, whatever an engine takes ``0.1`` for."""
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, int):
        return exp.Literal.number(value)
    if isinstance(value, float):
        return double(value)
    if isinstance(value, datetime):
        text = value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
        return exp.cast(exp.Literal.string(text), "TIMESTAMP")
    return exp.Literal.string(value)


def double(value: float) -> exp.Expression:
    """Return a literal of type double that reads back as the same number."""
    if math.isinf(value):
        return exp.cast(exp.Literal.string(repr(value)), "DOUBLE")
    number = exp.Literal.number(double_text(abs(value)))
    return exp.Neg(this=number) if math.copysign(1.0, value) < 0 else number


def double_text(value: float) -> str:
    """Return a finite number as SQL of type double, for ``numeric``."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


def numeric(sql: str) -> exp.Expression:
    """Return a condition written as SQL that holds nothing but our own column names and numbers.

    A tree of a hundred comparisons takes longer to build than to run.
    """
    return exp.Var(this=sql)


def where_filter(condition: Filter, *, now: datetime) -> exp.Expression:
    """Return the condition of a filter; ``now`` decides what is public."""
    if condition.column == ACCESS:
        return _access(condition, now)
    if condition.column == WAVELENGTH:
        return _combined(condition, lambda terms: _any(_wavelength(term) for term in terms), _no_wavelength())
    return where_subject(column(condition.column), condition)


def where_subject(subject: exp.Expression, condition: Filter) -> exp.Expression:
    """Return the condition of a filter on the column of any table."""
    return _combined(condition, lambda terms: _terms(subject, terms), subject.is_(exp.null()))


def _combined(condition: Filter, lower: object, absent: exp.Expression) -> exp.Expression:
    assert callable(lower)
    parts = []
    if condition.anyof:
        parts.append(lower(condition.anyof))
    values = [term for term in condition.noneof if not isinstance(term, Missing)]
    if len(values) < len(condition.noneof):
        parts.append(exp.not_(absent))
    if values:
        parts.append(exp.or_(absent, exp.not_(exp.paren(lower(values)))))
    return exp.and_(*parts)


def _terms(subject: exp.Expression, terms: Iterable[Term]) -> exp.Expression:
    terms = list(terms)
    equal = [literal(term.value) for term in terms if isinstance(term, Equal)]
    parts = [_term(subject, term) for term in terms if not isinstance(term, Equal)]
    if equal:
        parts.append(subject.eq(equal[0]) if len(equal) == 1 else subject.isin(*equal))
    return exp.or_(*parts)


def _term(subject: exp.Expression, term: Term) -> exp.Expression:  # noqa: PLR0911  one case for each kind of term
    match term:
        case Missing():
            return subject.is_(exp.null())
        case Between(lower, upper, before):
            ends = []
            if lower is not None:
                ends.append(subject >= literal(lower))
            if upper is not None:
                ends.append(subject < literal(upper) if before else subject <= literal(upper))
            return exp.and_(*ends)
        case Like(parts):
            pattern = exp.Literal.string("%".join(_escaped(part) for part in parts))
            return exp.Escape(this=exp.ILike(this=subject.copy(), expression=pattern), expression=_backslash())
        case Equal(value):
            return subject.eq(literal(value))
        case Same(value):
            return exp.func("lower", subject.copy()).eq(literal(value.lower()))
        case Element(value, separator):
            elements = exp.Anonymous(
                this="string_split", expressions=[exp.func("lower", subject.copy()), literal(separator)]
            )
            return exp.Anonymous(this="list_contains", expressions=[elements, literal(value.lower())])
        case Pattern(expression):
            wanted = literal(f"(?is){expression}")
            return exp.Anonymous(this="regexp_full_match", expressions=[subject.copy(), wanted])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _backslash() -> exp.Expression:
    return exp.Literal.string("\\")


def _any(parts: Iterable[exp.Expression]) -> exp.Expression:
    return exp.or_(*parts)


def _wavelength(term: Term) -> exp.Expression:
    shortest, longest = column("em_min"), column("em_max")
    match term:
        case Between(lower, upper, _):
            ends = [exp.not_(_no_wavelength())]
            if lower is not None:
                ends.append(longest >= literal(lower))
            if upper is not None:
                ends.append(shortest <= literal(upper))
            return exp.and_(*ends)
        case Equal(value):
            return exp.and_(shortest <= literal(value), longest >= literal(value))
        case _:
            return _no_wavelength()


def _no_wavelength() -> exp.Expression:
    return exp.paren(exp.or_(column("em_min").is_(exp.null()), column("em_max").is_(exp.null())))


def is_public(now: datetime) -> exp.Expression:
    """Return the condition that the data are released: the rule of ``access.policy`` for anybody, never null."""
    released = column("data_release")
    return exp.and_(exp.not_(released.is_(exp.null())), released <= literal(now))


def _access(condition: Filter, now: datetime) -> exp.Expression:
    wanted = {term.value for term in condition.anyof if isinstance(term, Equal)} or {"public", "exclusive"}
    wanted -= {term.value for term in condition.noneof if isinstance(term, Equal)}
    if len(wanted) == 2:
        return exp.true()
    if not wanted:
        return exp.false()
    public = is_public(now)
    return exp.paren(public) if wanted == {"public"} else exp.not_(exp.paren(public))
