"""Calls of user-defined functions: which one is meant, and what its arguments may be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from deepfield.model.errors import AdqlNameError, AdqlTypeError
from deepfield.query.adql import geometry, nodes
from deepfield.query.adql.functions import FRAMES, MATHEMATICAL, MOST_BINS, NAMES, USER_DEFINED
from deepfield.query.adql.meaning import INTEGERS, Meaning, as_type, combined
from deepfield.query.adql.names import closest_of
from deepfield.query.frames import turned_region

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlglot import exp

    from deepfield.query.adql.expressions import Expressions
    from deepfield.query.adql.functions import Argument, UserDefined
    from deepfield.query.adql.meaning import Value

_FINEST: Final = 29


def called(reads: Expressions, node: exp.Expression) -> Value:
    """Return the value of a call.

    Raises:
        AdqlNameError: there is no function of this name.
        AdqlTypeError: it takes other arguments.
    """
    name = node.this.name
    known = [each for each in USER_DEFINED if each.name == name.lower()]
    line, column = nodes.place(node)
    if not known:
        closest = closest_of(name, [*NAMES, *MATHEMATICAL])
        raise AdqlNameError(name, "a function of ADQL or of this archive", line=line, column=column, closest=closest)
    fitting = [each for each in known if len(each.arguments) == len(node.expressions)]
    if not fitting:
        forms = " or ".join(each.form for each in known)
        raise AdqlTypeError(name, f"the arguments of {forms}", line=line, column=column)
    return _value(reads, fitting[0], node)


def _value(reads: Expressions, function: UserDefined, node: exp.Expression) -> Value:
    with reads.gathering(really=function.aggregate):
        arguments = [
            _ARGUMENTS[wanted](reads, each, function)
            for wanted, each in zip(function.arguments, node.expressions, strict=True)
        ]
    if function.name == "ivo_healpix_index" and (cell := _stored_cell(arguments)):
        return combined(cell, Meaning.plain(function.type, ucd=function.ucd), arguments, name=function.name)
    sql = function.sql.format(*(each.sql for each in arguments))
    if function.shape == "point":
        return geometry.shaped(geometry.listed(sql, "point"), geometry.POINT, arguments)
    if function.shape == "same":
        return _turned(sql, arguments)
    meaning = Meaning.plain(function.type, unit=function.unit, ucd=function.ucd, description=function.description)
    if function.arraysize is not None:
        meaning = replace(meaning, arraysize=function.arraysize, kind="array")
    made = combined(sql, meaning, arguments, name=function.name)
    if function.aggregate:
        made.free, made.aggregate = frozenset(), True
    return made


def _turned(sql: str, arguments: Sequence[Value]) -> Value:
    """Return a geometry in another frame."""
    start, end, inner = arguments
    assert inner.shape is not None
    frames = str(start.constant), str(end.constant)
    if inner.shape.constant is not None:
        regions = tuple(turned_region(each, *frames) for each in inner.shape.constant)
        meaning = geometry.in_frame(geometry.meaning_of(regions), frames[1])
        return geometry.shaped(geometry.constant(regions), meaning, [inner])
    kind = "point" if inner.shape.is_point else "circle" if inner.shape.exact else "polygon"
    return geometry.shaped(geometry.listed(sql, kind), geometry.in_frame(geometry.SHAPES[kind], frames[1]), [inner])


def _stored_cell(arguments: Sequence[Value]) -> str | None:
    """Return the HEALPix index of an order that a stored one gives."""
    order = arguments[0].constant
    if not isinstance(order, int) or not 0 <= order <= _FINEST:
        return None
    if len(arguments) == 3:
        cell = geometry.cell_of(arguments[1], arguments[2])
    else:
        shape = arguments[1].shape
        cell = shape.cap.cell if shape is not None and shape.cap is not None else None
    return None if cell is None else f"({cell} >> {2 * (_FINEST - order)})"


# What arguments may be ----------------------------------------------------------------------------------------------


def _integer(reads: Expressions, node: exp.Expression, function: UserDefined) -> Value:
    found = reads.number(node)
    if found.kind == "number" and found.meaning.type not in INTEGERS:
        raise reads.wrong(node, f"a whole number, for {function.form}")
    found.sql = as_type(found, "int64")
    return found


def _count(reads: Expressions, node: exp.Expression, _function: UserDefined) -> Value:
    found = reads.value(node)
    if not isinstance(found.constant, int) or not 1 <= found.constant <= MOST_BINS:
        raise reads.wrong(node, f"a whole number from 1 to {MOST_BINS}, written out")
    return found


def _number(reads: Expressions, node: exp.Expression, _function: UserDefined) -> Value:
    found = reads.number(node)
    found.sql = as_type(found, "float64")
    return found


def _moment(reads: Expressions, node: exp.Expression, _function: UserDefined) -> Value:
    found = reads.value(node)
    if found.kind != "moment":
        found.sql = reads.moment(node, found)
    return found


def _point(reads: Expressions, node: exp.Expression, _function: UserDefined) -> Value:
    found = reads.point_value(node)
    assert found.shape is not None
    assert found.shape.cap is not None
    found.sql = f"{found.shape.cap.ra}, {found.shape.cap.dec}"
    return found


def _interval(reads: Expressions, node: exp.Expression, _function: UserDefined) -> Value:
    return reads.of_kind(node, "array")


def _frame(reads: Expressions, node: exp.Expression, _function: UserDefined) -> Value:
    found = reads.value(node)
    if found.constant not in FRAMES:
        raise reads.wrong(node, f"a reference frame, written out: one of {', '.join(FRAMES)}")
    return found


def _geometry(reads: Expressions, node: exp.Expression, _function: UserDefined) -> Value:
    found = reads.shape(node)
    assert found.shape is not None
    if found.shape.constant is None and found.shape.words != geometry.NO_TEXT:
        raise reads.wrong(node, "a point, circle or polygon; this may be a union of them")
    found.sql = found.shape.numbers
    return found


def _text(reads: Expressions, node: exp.Expression, _function: UserDefined) -> Value:
    return reads.of_kind(node, "text")


_ARGUMENTS: Final[dict[Argument, Callable[[Expressions, exp.Expression, UserDefined], Value]]] = {
    "integer": _integer,
    "count": _count,
    "number": _number,
    "moment": _moment,
    "point": _point,
    "interval": _interval,
    "frame": _frame,
    "geometry": _geometry,
    "text": _text,
}
