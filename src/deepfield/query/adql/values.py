"""Value expressions: numbers, strings, geometry (ADQL 2.1 Appendix A, ``<value_expression>`` and below)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from deepfield.query.adql import nodes
from deepfield.query.adql.cursor import Cursor
from deepfield.query.adql.tokens import NAME, NUMBER, QUOTED, STRING
from deepfield.query.adql.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NUMERIC, CHARACTER, SHAPE = 1, 2, 4
ANY: Final = NUMERIC | CHARACTER | SHAPE
"""What a value may be by its syntax alone: a column may be anything, a sum is a number. Flags, joined by ``|``."""

Value = tuple[exp.Expression, int]
"""A node and what it may be."""

_AGGREGATES: Final = {"AVG": exp.Avg, "COUNT": exp.Count, "MAX": exp.Max, "MIN": exp.Min, "SUM": exp.Sum}
_SUMS: Final = {"+": exp.Add, "-": exp.Sub}
_PRODUCTS: Final = {"*": exp.Mul, "/": exp.Div}
_STRINGS: Final = {"LOWER": exp.Lower, "UPPER": exp.Upper}
_TYPES: Final = {
    "CHAR": ("CHAR", CHARACTER),
    "VARCHAR": ("VARCHAR", CHARACTER),
    "SMALLINT": ("SMALLINT", NUMERIC),
    "INTEGER": ("INT", NUMERIC),
    "BIGINT": ("BIGINT", NUMERIC),
    "REAL": ("FLOAT", NUMERIC),
    "DOUBLE": ("DOUBLE", NUMERIC),
    "TIMESTAMP": ("TIMESTAMP", CHARACTER),
}
_SHAPES: Final = frozenset({"POINT", "CIRCLE", "POLYGON"})
_WITHOUT_PARENTHESES: Final = frozenset({"NULL", "CASE"})
NO_QUERY: Final = "a value; a query may stand behind FROM, IN and EXISTS"
_LARGEST: Final = 2**63 - 1
_WANTED: Final = {NUMERIC: "a number", CHARACTER: "a string", SHAPE: "a geometry"}


class Values(Cursor):
    """Reads value expressions."""

    def condition(self) -> exp.Expression:
        """Read a search condition (for ``CASE``)."""
        raise NotImplementedError

    def value(self) -> Value:
        """Read any value expression."""
        return self.value_from(self.operand())

    def value_from(self, first: Value) -> Value:
        """Read the rest of a value expression whose first operand has been read."""
        if self.kind == "||":
            return self._concatenation(first)
        if self.kind in _PRODUCTS or self.kind in _SUMS:
            first = self._sum(first)
            if self.kind == "||":
                raise self.error("an operator on numbers, or parentheses around the operation before ||")
        return first

    def typed(self, wanted: int) -> exp.Expression:
        """Read a value expression that may be a number, a string or a geometry, as wanted."""
        start = self.start
        node, kinds = self.value()
        if not kinds & wanted:
            raise self.error(_WANTED[wanted], at=start)
        return node

    def numeric(self) -> exp.Expression:
        return self.typed(NUMERIC)

    def _concatenation(self, first: Value) -> Value:
        parts = [self._demand(first, CHARACTER, "||")]
        while self.take("||"):
            start = self.start
            parts.append(self._demand(self._primary(), CHARACTER, "||", at=start))
        if self.kind in _PRODUCTS or self.kind in _SUMS:
            raise self.error("|| or the end of the string expression")
        return balanced(exp.DPipe, parts), CHARACTER

    def _sum(self, first: Value) -> Value:
        node, kinds = self._product(first)
        while self.kind in _SUMS:
            operator = _SUMS[self.kind]
            left = self._demand((node, kinds), NUMERIC, self.kind)
            self.advance()
            start = self.start
            right = self._demand(self._product(self.operand()), NUMERIC, "arithmetic", at=start)
            node, kinds = operator(this=left, expression=right), NUMERIC
        return node, kinds

    def _product(self, first: Value) -> Value:
        node, kinds = first
        while self.kind in _PRODUCTS:
            operator = _PRODUCTS[self.kind]
            left = self._demand((node, kinds), NUMERIC, self.kind)
            self.advance()
            start = self.start
            right = self._demand(self.operand(), NUMERIC, "arithmetic", at=start)
            node, kinds = operator(this=left, expression=right), NUMERIC
        return node, kinds

    def _demand(self, value: Value, wanted: int, operator: str, *, at: int | None = None) -> exp.Expression:
        node, kinds = value
        if kinds & wanted:
            return node
        side = "beside" if at is not None else "before"
        raise self.error(f"{_WANTED[wanted]} {side} {operator}", at=at)

    def operand(self) -> Value:
        """Read a primary with its sign."""
        if self.kind not in _SUMS:
            return self._primary()
        negative = self.kind == "-"
        self.advance()
        start = self.start
        node = self._demand(self._primary(), NUMERIC, "a sign", at=start)
        return (exp.Neg(this=node) if negative else node), NUMERIC

    def _primary(self) -> Value:
        kind = self.kind
        if kind in (NAME, QUOTED):
            return self._named()
        if kind == NUMBER:
            return self.number(), NUMERIC | CHARACTER
        if kind == STRING:
            return self.string(), CHARACTER
        if kind == "(":
            return self.parenthesised()
        called = self.after() == "("
        reader = _READERS.get(kind)
        if reader is not None and (called or kind in _WITHOUT_PARENTHESES):
            return reader(self)
        if called and kind in self.vocabulary.functions:
            return self._function(kind)
        if called and kind in vocabulary("2.1").functions:
            raise self.late(kind)
        if called and self.after(2) == "SELECT":
            raise self.error(NO_QUERY)
        if called and kind in self.vocabulary.reserved:
            raise self.error(f"a function of ADQL {self.vocabulary.version}", among=self._functions())
        raise self.error(f"a value{self.unless_quoted()}")

    def _functions(self) -> list[str]:
        return [*self.vocabulary.functions, *_READERS]

    def parenthesised(self) -> Value:
        """Read a value expression in parentheses."""
        self._open()
        if self.kind == "SELECT":
            raise self.error(NO_QUERY)
        node, kinds = self.value()
        self._close()
        return exp.Paren(this=node), kinds | CHARACTER if kinds & NUMERIC else kinds

    def _open(self) -> None:
        self.expect("(")
        self.enter()

    def _close(self) -> None:
        self.expect(")")
        self.leave()

    def expect_end_of_list(self) -> None:
        if self.kind != ")":
            raise self.error("a comma or )")

    def string(self) -> exp.Expression:
        """Read a string; neighbours with nothing but space or comments between are one."""
        if self.kind != STRING:
            raise self.error("a string in single quotes")
        start, text = self.start, ""
        while self.kind == STRING:
            text += self.word[1:-1].replace("''", "'")
            self.advance()
        return self.placed(exp.Literal.string(text), start)

    def number(self) -> exp.Expression:
        """Read an unsigned number; a hexadecimal one becomes decimal (ADQL 2.1)."""
        word = self.word
        if word[:2] in ("0x", "0X"):
            if not self.modern:
                raise self.late("a hexadecimal number")
            whole = int(word, 16)
            if whole > _LARGEST:
                raise self.error("a whole number of at most 63 bits")
            word = str(whole)
        elif not math.isfinite(float(word)):
            raise self.error("a number that fits into double precision")
        node = exp.Literal(this=word, is_string=False)
        self.advance()
        return node

    def digits(self, what: str) -> exp.Expression:
        """Read an unsigned whole number."""
        if self.kind != NUMBER or not self.word.isdigit():
            raise self.error(what)
        if len(self.word) > len(str(_LARGEST)) or int(self.word) > _LARGEST:
            raise self.error(f"{what} of at most 63 bits")
        node = exp.Literal(this=self.word, is_string=False)
        self.advance()
        return node

    def integer(self) -> exp.Expression:
        negative = self.kind == "-"
        if negative or self.kind == "+":
            self.advance()
        node = self.digits("a whole number")
        return exp.Neg(this=node) if negative else node

    def _named(self) -> Value:
        """Read a column, or a function that the standard does not have."""
        if self.kind == NAME and self.after() == "(":
            upper = self.word.upper()
            if upper in self.vocabulary.functions:
                return self._function(upper)
            return self._user_function()
        return self.column(), ANY

    def column(self) -> exp.Expression:
        """Read ``[[[catalog.]schema.]table.]column``."""
        parts = self.path(4, "a column")
        if self.kind == "(":
            raise self.error("a column; functions have names of one part, without quotes")
        return column(parts)

    def path(self, longest: int, what: str) -> list[exp.Identifier]:
        """Read names joined by dots."""
        parts = [self.identifier(what)]
        while self.kind == ".":
            if len(parts) == longest:
                raise self.error(f"{what} with at most {longest} parts")
            self.advance()
            parts.append(self.identifier())
        return parts

    def _arguments(self) -> list[exp.Expression]:
        self._open()
        arguments = []
        if self.kind != ")":
            arguments.append(self.value()[0])
            while self.take(","):
                arguments.append(self.value()[0])
            self.expect_end_of_list()
        self._close()
        return arguments

    def _user_function(self) -> Value:
        name = self.identifier()
        return nodes.UserFunction(this=name, expressions=self._arguments()), ANY

    def _function(self, name: str) -> Value:
        """Read a function with a plain list of arguments."""
        signature, start = self.vocabulary.functions[name], self.start
        self.advance()
        self._open()
        arguments: list[exp.Expression] = []
        for place, kind in enumerate(signature.arguments):
            if place >= signature.required and self.kind == ")":
                break
            if place:
                self._comma(name, len(signature.arguments))
            arguments.append(_ARGUMENTS[kind](self))
        if self.kind != ")":
            raise self.error(f") since {name} takes {_counted(len(signature.arguments))}")
        self._close()
        if signature.is_string:
            return self.placed(_STRINGS[name](this=arguments[0]), start), CHARACTER
        node = nodes.Mathematical(this=name, expressions=arguments)
        return self.placed(node, start), NUMERIC

    def _comma(self, name: str, count: int) -> None:
        if self.kind != ",":
            raise self.error(f"a comma, since {name} takes {_counted(count)}")
        self.advance()

    def aggregate(self) -> Value:
        name, start = self.kind, self.start
        self.advance()
        self._open()
        distinct = self.take("DISTINCT")
        if not distinct:
            self.take("ALL")
        if name == "COUNT" and self.kind == "*":
            if distinct:
                raise self.error("a value to count once each")
            self.advance()
            inner: exp.Expression = exp.Star()
        else:
            inner = self.value()[0]
        self._close()
        if distinct:
            inner = exp.Distinct(expressions=[inner])
        return self.placed(_AGGREGATES[name](this=inner), start), NUMERIC | CHARACTER

    def null(self) -> Value:
        """Read NULL, a value expression since ADQL 2.0 erratum 4."""
        self.advance()
        return exp.Null(), ANY

    def coalesce(self) -> Value:
        if not self.modern:
            raise self.late("COALESCE")
        start = self.start
        self.advance()
        self._open()
        if self.kind == ")":
            raise self.error("a value, since COALESCE takes one or more")
        first, others = self.value()[0], []
        while self.take(","):
            others.append(self.value()[0])
        self.expect_end_of_list()
        self._close()
        return self.placed(exp.Coalesce(this=first, expressions=others), start), ANY

    def cast(self) -> Value:
        if not self.modern:
            raise self.late("CAST")
        start = self.start
        self.advance()
        self._open()
        node = self.value()[0]
        self.expect("AS")
        name = self.word.upper()
        if name in _SHAPES:
            self.advance()
            self._close()
            return self.placed(nodes.GeometryCast(this=node, to=name), start), SHAPE
        if name not in _TYPES:
            names = (*_TYPES, *sorted(_SHAPES))
            raise self.error(f"a type: {', '.join(names).replace('DOUBLE', 'DOUBLE PRECISION')}", among=names)
        kind, kinds = _TYPES[name]
        self.advance()
        if name == "DOUBLE":
            self.expect("PRECISION")
        length = []
        if kinds == CHARACTER and name != "TIMESTAMP" and self.kind == "(":
            self._open()
            length.append(exp.DataTypeParam(this=self.digits("a length")))
            self._close()
        self._close()
        target = exp.DataType(this=exp.DataType.Type[kind], expressions=length, nested=False)
        return self.placed(exp.Cast(this=node, to=target), start), kinds

    def in_unit(self) -> Value:
        start = self.start
        self.advance()
        self._open()
        node = self.numeric()
        self._comma("IN_UNIT", 2)
        unit = self.string()
        self._close()
        return self.placed(nodes.InUnit(this=node, unit=unit), start), NUMERIC

    def case(self) -> Value:
        """Read CASE, an extension of ours that a caller has to ask for."""
        if "case" not in self.extensions:
            raise self.error("a value of ADQL, which has no CASE")
        start = self.start
        self.advance()
        self.enter()
        subject = None if self.kind == "WHEN" else self.value()[0]
        branches = []
        while self.take("WHEN"):
            condition = self.condition() if subject is None else self.value()[0]
            self.expect("THEN")
            branches.append(exp.If(this=condition, true=self.value()[0]))
        if not branches:
            raise self.error("WHEN")
        default = self.value()[0] if self.take("ELSE") else None
        self.expect("END")
        self.leave()
        arguments = {"this": subject, "ifs": branches, "default": default}
        return self.placed(exp.Case(**{key: each for key, each in arguments.items() if each is not None}), start), ANY

    def shape(self) -> Value:
        """Read POINT, CIRCLE, BOX or POLYGON, whose arguments mean what their number says."""
        name, start = self.kind, self.start
        self.advance()
        self._open()
        arguments = [self._argument()]
        while self.take(","):
            arguments.append(self._argument())
        self.expect_end_of_list()
        system = self._coordsys(name, arguments)
        made = _SHAPE_MAKERS[name](self, arguments)
        if made is None:
            raise self.error(_FORMS[name][self.modern], at=start)
        self._close()
        if system is not None:
            made.set("coordsys", system)
        return self.placed(made, start), SHAPE

    def _argument(self) -> Argument:
        start = self.start
        return (*self.value(), start)

    def _coordsys(self, name: str, arguments: list[Argument]) -> exp.Expression | None:
        """Take the coordinate system off the arguments: it has to be there in ADQL 2.0, and may be in ADQL 2.1."""
        node, kinds, start = arguments[0]
        is_null = isinstance(node, exp.Null) and len(arguments) % 2 == _COUNTS_WITH_SYSTEM[name]
        if self.modern:
            if not is_null and not (isinstance(node, exp.Literal) and node.is_string):
                return None
        elif not is_null and (not kinds & CHARACTER or (isinstance(node, exp.Literal) and not node.is_string)):
            raise self.error("a coordinate system, which ADQL 2.0 asks for as first argument", at=start)
        del arguments[0]
        return node

    def point(self, arguments: Sequence[Argument]) -> exp.Expression | None:
        return self._vertex(arguments) if len(arguments) == 2 else None

    def _vertex(self, pair: Sequence[Argument]) -> exp.Expression:
        lon, lat = (self._number_of(argument) for argument in pair)
        return self.placed(nodes.Point(lon=lon, lat=lat), pair[0][2])

    def _number_of(self, argument: Argument) -> exp.Expression:
        node, kinds, start = argument
        if not kinds & NUMERIC:
            raise self.error("a number", at=start)
        return node

    def _point_of(self, argument: Argument) -> exp.Expression:
        """Return what may be a point (``<coord_value>``): POINT, a column; in ADQL 2.1 CENTROID and functions too."""
        node, _, start = argument
        if isinstance(node, exp.Column | nodes.Point) or (
            self.modern and isinstance(node, nodes.Centroid | nodes.UserFunction)
        ):
            return node
        raise self.error(
            "a point: POINT(…), CENTROID(…), a function or a column" if self.modern else "POINT(…) or a column",
            at=start,
        )

    def _centered(self, arguments: Sequence[Argument], sizes: int) -> tuple[exp.Expression, ...] | None:
        """Return center and sizes of a shape given by two coordinates or, in ADQL 2.1, a point."""
        split = len(arguments) - sizes
        if split == 2:
            center = self._vertex(arguments[:2])
        elif split == 1 and self.modern:
            center = self._point_of(arguments[0])
        else:
            return None
        return (center, *(self._number_of(argument) for argument in arguments[split:]))

    def circle(self, arguments: Sequence[Argument]) -> exp.Expression | None:
        parts = self._centered(arguments, 1)
        return parts and nodes.Circle(center=parts[0], radius=parts[1])

    def box(self, arguments: Sequence[Argument]) -> exp.Expression | None:
        parts = self._centered(arguments, 2)
        return parts and nodes.Box(center=parts[0], width=parts[1], height=parts[2])

    def polygon(self, arguments: Sequence[Argument]) -> exp.Expression | None:
        count = len(arguments)
        if count % 2 == 0 and all(kinds & NUMERIC for _, kinds, _ in arguments):
            vertices = [self._vertex(arguments[place : place + 2]) for place in range(0, count, 2)]
        elif self.modern:
            vertices = [self._point_of(argument) for argument in arguments]
        else:
            return None
        return nodes.Polygon(expressions=vertices) if len(vertices) > 2 else None

    def region(self) -> Value:
        start = self.start
        self.advance()
        self._open()
        node = self.string() if self.modern else self.typed(CHARACTER)
        self._close()
        return self.placed(nodes.Region(this=node), start), SHAPE

    def of_geometry(self) -> Value:
        """Read a function of one geometry."""
        made, kinds = _OF_GEOMETRY[self.kind]
        start = self.start
        self.advance()
        self._open()
        node = self.typed(SHAPE)
        self._close()
        return self.placed(made(this=node), start), kinds

    def of_point(self) -> Value:
        """Read COORD1 or COORD2."""
        made = _OF_POINT[self.kind]
        start = self.start
        self.advance()
        self._open()
        node = self._point_of(self._argument())
        self._close()
        return self.placed(made(this=node), start), NUMERIC

    def of_two(self) -> Value:
        """Read CONTAINS or INTERSECTS."""
        name, start = self.kind, self.start
        self.advance()
        self._open()
        first = self.typed(SHAPE)
        self._comma(name, 2)
        second = self.typed(SHAPE)
        self._close()
        return self.placed(_OF_TWO[name](this=first, expression=second), start), NUMERIC

    def distance(self) -> Value:
        """Read DISTANCE of two points or, in ADQL 2.1, of four numbers."""
        start = self.start
        self.advance()
        self._open()
        arguments = [self._argument()]
        while self.take(","):
            arguments.append(self._argument())
        self.expect_end_of_list()
        if len(arguments) == 4 and self.modern:
            first, second = self._vertex(arguments[:2]), self._vertex(arguments[2:])
        elif len(arguments) == 2:
            first, second = (self._point_of(argument) for argument in arguments)
        else:
            raise self.error(_FORMS["DISTANCE"][self.modern], at=start)
        self._close()
        return self.placed(nodes.Distance(this=first, expression=second), start), NUMERIC


def column(parts: Sequence[exp.Expression]) -> exp.Expression:
    """Return the column that names joined by dots mean."""
    return exp.Column(**dict(zip(("this", "table", "db", "catalog"), reversed(parts), strict=False)))


def balanced(operator: type[exp.Expression], parts: Sequence[exp.Expression]) -> exp.Expression:
    """Join operands of an associative operator into a tree that is no deeper than it has to be."""
    row = list(parts)
    while len(row) > 1:
        odd = row[-1:] if len(row) % 2 else []
        row = [operator(this=row[place], expression=row[place + 1]) for place in range(0, len(row) - 1, 2)] + odd
    return row[0]


def _counted(count: int) -> str:
    return f"{count} argument{'' if count == 1 else 's'}" if count else "no arguments"


Argument = tuple[exp.Expression, int, int]
"""An argument, what it may be, and where it begins."""

_COUNTS_WITH_SYSTEM: Final = {"POINT": 1, "CIRCLE": 0, "BOX": 1, "POLYGON": 1}
"""Whether shapes of coordinates have an odd or even number of arguments with a coordinate system before them."""
_FORMS: Final = {
    "POINT": ("POINT(coordsys, longitude, latitude)", "POINT([coordsys,] longitude, latitude)"),
    "CIRCLE": (
        "CIRCLE(coordsys, longitude, latitude, radius)",
        "CIRCLE([coordsys,] longitude, latitude, radius) or CIRCLE([coordsys,] point, radius)",
    ),
    "BOX": (
        "BOX(coordsys, longitude, latitude, width, height)",
        "BOX([coordsys,] longitude, latitude, width, height) or BOX([coordsys,] point, width, height)",
    ),
    "POLYGON": (
        "POLYGON(coordsys, longitude, latitude, …) of three or more vertices",
        "POLYGON([coordsys,] longitude, latitude, …) or POLYGON([coordsys,] point, …) of three or more vertices",
    ),
    "DISTANCE": (
        "DISTANCE(point, point)",
        "DISTANCE(point, point) or DISTANCE(longitude, latitude, longitude, latitude)",
    ),
}
"""How functions are written, in ADQL 2.0 and in ADQL 2.1."""
_SHAPE_MAKERS: Final[dict[str, Callable[[Values, Sequence[Argument]], exp.Expression | None]]] = {
    "POINT": Values.point,
    "CIRCLE": Values.circle,
    "BOX": Values.box,
    "POLYGON": Values.polygon,
}
_OF_GEOMETRY: Final = {
    "AREA": (nodes.Area, NUMERIC),
    "CENTROID": (nodes.Centroid, SHAPE),
    "COORDSYS": (nodes.CoordSys, CHARACTER),
}
_OF_POINT: Final = {"COORD1": nodes.Coord1, "COORD2": nodes.Coord2}
_OF_TWO: Final = {"CONTAINS": nodes.Contains, "INTERSECTS": nodes.Intersects}
_ARGUMENTS: Final[dict[str, Callable[[Values], exp.Expression]]] = {
    "numeric": Values.numeric,
    "string": lambda values: values.typed(CHARACTER),
    "integer": Values.integer,
    "digits": lambda values: values.digits("a whole number without sign"),
}
_READERS: Final[dict[str, Callable[[Values], Value]]] = {
    **dict.fromkeys(_AGGREGATES, Values.aggregate),
    **dict.fromkeys(_SHAPE_MAKERS, Values.shape),
    **dict.fromkeys(_OF_GEOMETRY, Values.of_geometry),
    **dict.fromkeys(_OF_POINT, Values.of_point),
    **dict.fromkeys(_OF_TWO, Values.of_two),
    "DISTANCE": Values.distance,
    "REGION": Values.region,
    "NULL": Values.null,
    "COALESCE": Values.coalesce,
    "CAST": Values.cast,
    "IN_UNIT": Values.in_unit,
    "CASE": Values.case,
}
CONSTRUCTS: Final = frozenset(_READERS) - _WITHOUT_PARENTHESES
"""The functions that have a syntax of their own."""
