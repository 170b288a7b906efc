"""Values and conditions of a query: their types are worked out and checked, and the engine's SQL is written."""

from __future__ import annotations

import operator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from deepfield.model.coverage import Box, Circle, Point, Polygon, parse_regions
from deepfield.model.errors import AdqlTypeError, InvalidValueError
from deepfield.query.adql import calls, geometry, nodes
from deepfield.query.adql.functions import DIGITS, MATHEMATICAL
from deepfield.query.adql.meaning import (
    ENGINE_TYPES,
    FLAG,
    INTEGERS,
    KIND_WORDS,
    NULL,
    Meaning,
    Value,
    as_type,
    combined,
    text,
    widest,
)
from deepfield.query.adql.sources import Published
from deepfield.query.frames import AXES, UCDS
from deepfield.query.lower import double_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from deepfield.model.coverage import Region
    from deepfield.model.tables import ColumnType
    from deepfield.query.adql.meaning import Kind
    from deepfield.query.adql.names import Scope

_INT32: Final = 2**31
_INT64: Final = 2**63
_COMPARISONS: Final = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_TURNED: Final = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_SUMS: Final = {exp.Add: ("+", operator.add), exp.Sub: ("-", operator.sub)}
_FRAMES: Final = frozenset({"", "ICRS", "UNKNOWNFRAME"})
_CASTS: Final[dict[str, ColumnType]] = {
    "CHAR": "string",
    "VARCHAR": "string",
    "SMALLINT": "int16",
    "INT": "int32",
    "BIGINT": "int64",
    "FLOAT": "float32",
    "DOUBLE": "float64",
    "TIMESTAMP": "timestamp",
}
_TIME: Final = "'%Y-%m-%dT%H:%M:%S.%f'"


class Expressions:
    """Reads the values of one SELECT within its scope."""

    def __init__(self, scope: Scope, *, largest_field: float) -> None:
        self.scope = scope
        self._largest_field = largest_field
        self._aggregating = False
        self._negated = False
        self.grouped: dict[str, Value] = {}
        """The expressions of GROUP BY by their SQL."""

    def subquery(self, tree: exp.Expression, *, columns: int | None) -> tuple[str, Sequence[Value]]:
        """Return a query within this one, and its columns."""
        raise NotImplementedError

    def value(self, node: exp.Expression) -> Value:
        """Return a value expression.

        Raises:
            AdqlNameError: it names what is not there.
            AdqlTypeError: a part of it has a type that cannot stand there.
        """
        reader = _VALUES.get(type(node))
        if reader is None:
            raise self.wrong(node, "a value")
        found = reader(self, node)
        if self.grouped and found.free and found.sql in self.grouped:
            found.free = frozenset()
        return found

    def condition(self, node: exp.Expression) -> Value:
        """Return a search condition."""
        reader = _CONDITIONS.get(type(node))
        if reader is None:
            raise self.wrong(node, "a condition")
        return reader(self, node)

    def number(self, node: exp.Expression) -> Value:
        return self.of_kind(node, "number")

    def of_kind(self, node: exp.Expression, *kinds: Kind) -> Value:
        """Return a value expression of one of these kinds."""
        found = self.value(node)
        if found.kind not in kinds and found.kind != "null":
            wanted = " or ".join(KIND_WORDS[kind] for kind in kinds)
            raise self.wrong(node, f"{wanted}; this is {KIND_WORDS[found.kind]}")
        return found

    def wrong(self, node: exp.Expression, expected: str) -> AdqlTypeError:
        """Return the error for a value that cannot stand where it does."""
        placed = any(inner.meta.get(nodes.LINE) for inner in node.walk())
        line, column = nodes.place(node if placed or node.parent is None else node.parent)  # a number has no place
        return AdqlTypeError(_word(node), expected, line=line, column=column)

    # Columns and literals ------------------------------------------------------------------------------------------

    def column(self, node: exp.Expression) -> Value:
        field, local = self.scope.find(node)
        if isinstance(field.source, Published):
            field.source.use(field)
        found = Value(field.sql, field.meaning, name=field.name)
        if local:
            found.free = frozenset((field,))
            found.sources = field.sources
        if found.kind == "shape":
            found.shape = geometry.of_field(field)
        return found

    def literal(self, node: exp.Expression) -> Value:
        word: str = node.this
        if node.is_string:
            return Value(text(word), Meaning.plain("string" if word.isascii() else "unicode"), constant=word)
        if word.isdigit():
            number = int(word)
            if number < _INT64:
                return Value(str(number), Meaning.plain("int32" if number < _INT32 else "int64"), constant=number)
        return Value(double_text(float(word)), Meaning.plain("float64"), constant=float(word))

    def null(self, _node: exp.Expression) -> Value:
        return Value("NULL", NULL)

    def paren(self, node: exp.Expression) -> Value:
        inner = self.value(node.this)
        if inner.shape is None and inner.constant is None:
            inner.sql = f"({inner.sql})"
        return inner

    # Arithmetic ----------------------------------------------------------------------------------------------------

    def negative(self, node: exp.Expression) -> Value:
        inner = self.number(node.this)
        constant = -inner.constant if isinstance(inner.constant, int | float) else None
        return combined(f"(-{inner.sql})", inner.meaning, (inner,), constant=constant)

    def sum(self, node: exp.Expression) -> Value:
        sign, function = _SUMS[type(node)]
        left, right, kind = self._operands(node)
        unit = left.meaning.unit if left.meaning.unit == right.meaning.unit else None
        constant = _folded(function, left, right)
        return combined(
            f"({left.sql} {sign} {right.sql})", Meaning.plain(kind, unit=unit), (left, right), constant=constant
        )

    def product(self, node: exp.Expression) -> Value:
        left, right, kind = self._operands(node)
        constant = _folded(operator.mul, left, right)
        return combined(f"({left.sql} * {right.sql})", Meaning.plain(kind), (left, right), constant=constant)

    def quotient(self, node: exp.Expression) -> Value:
        """Divide: whole numbers give a whole number (SQL 92 §6.12), and nothing is divided by 0."""
        left, right, kind = self._operands(node)
        whole = kind in INTEGERS
        constant = _folded(_whole_quotient if whole else operator.truediv, left, right)
        by = right.sql if isinstance(right.constant, int | float) and right.constant else f"nullif({right.sql}, 0)"
        sign = "//" if whole else "/"
        return combined(f"({left.sql} {sign} {by})", Meaning.plain(kind), (left, right), constant=constant)

    def _operands(self, node: exp.Expression) -> tuple[Value, Value, ColumnType]:
        left, right = self.number(node.this), self.number(node.expression)
        types = [each.meaning.type for each in (left, right) if each.kind == "number"] or ["int64"]
        kind: ColumnType = "int64" if set(types) <= INTEGERS else "float64"
        for each in (left, right):
            each.sql = as_type(each, kind)
        return left, right, kind

    def concatenation(self, node: exp.Expression) -> Value:
        left, right = self.of_kind(node.this, "text"), self.of_kind(node.expression, "text")
        kind: ColumnType = "unicode" if "unicode" in {left.meaning.type, right.meaning.type} else "string"
        return combined(f"({left.sql} || {right.sql})", Meaning.plain(kind), (left, right))

    def mathematical(self, node: exp.Expression) -> Value:
        arguments = [self.number(each) for each in node.expressions]
        name = str(node.this)
        if name == "MOD":
            return self._remainder(arguments)
        if name == "RAND":
            return Value("random()", Meaning.plain("float64"), name="rand")
        function = MATHEMATICAL[name]
        if name in DIGITS and len(arguments) == 1:
            arguments.append(Value("0", Meaning.plain("int32"), constant=0))
        same = function.result == "same" and arguments[0].kind == "number"
        kind = arguments[0].meaning.type if same else "float64"
        parts = [
            each.sql if same or (name in DIGITS and place) else as_type(each, "float64")
            for place, each in enumerate(arguments)
        ]
        unit = arguments[0].meaning.unit if function.keeps_unit and arguments else function.unit
        return combined(function.sql.format(*parts), Meaning.plain(kind, unit=unit), arguments, name=name.lower())

    def _remainder(self, arguments: Sequence[Value]) -> Value:
        kind: ColumnType = "int64" if all(each.meaning.type in INTEGERS for each in arguments) else "float64"
        left, right = (as_type(each, kind) for each in arguments)
        return combined(f"({left} % nullif({right}, 0))", Meaning.plain(kind), arguments, name="mod")

    def in_unit(self, node: exp.Expression) -> Value:
        inner = self.number(node.this)
        wanted = str(node.args["unit"].this)
        factor = conversion(inner.meaning.unit or "", wanted)
        if isinstance(factor, str):
            raise self.wrong(node.args["unit"], factor)
        meaning = Meaning.plain("float64", unit=wanted, ucd=inner.meaning.ucd, description=inner.meaning.description)
        return combined(f"({as_type(inner, 'float64')} * {double_text(factor)})", meaning, (inner,), name=inner.name)

    # Other values --------------------------------------------------------------------------------------------------

    def lower(self, node: exp.Expression) -> Value:
        inner = self.of_kind(node.this, "text")
        return combined(f"lower({inner.sql})", inner.meaning, (inner,), name=inner.name)

    def upper(self, node: exp.Expression) -> Value:
        inner = self.of_kind(node.this, "text")
        return combined(f"upper({inner.sql})", inner.meaning, (inner,), name=inner.name)

    def coalesce(self, node: exp.Expression) -> Value:
        each = [self.value(part) for part in (node.this, *node.expressions)]
        meaning = self.unified(each, (node.this, *node.expressions))
        return combined(f"coalesce({', '.join(part.sql for part in each)})", meaning, each, name=each[0].name)

    def case(self, node: exp.Expression) -> Value:
        subject = node.args.get("this")
        default = node.args.get("default")
        results = [branch.args["true"] for branch in node.args["ifs"]] + ([] if default is None else [default])
        values = [self.value(result) for result in results]
        meaning = self.unified(values, results)
        parts, tests = [], []
        for branch, value in zip(node.args["ifs"], values, strict=False):
            if subject is None:
                test = self.condition(branch.this)
            else:
                left, right = self.comparable(subject, branch.this)
                test = combined(f"{left.sql} = {right.sql}", FLAG, (left, right))
            tests.append(test)
            parts.append(f"WHEN {test.sql} THEN {value.sql}")
        otherwise = f" ELSE {values[-1].sql}" if default is not None else ""
        return combined(f"CASE {' '.join(parts)}{otherwise} END", meaning, (*tests, *values), name="case")

    def cast(self, node: exp.Expression) -> Value:
        inner = self.value(node.this)
        target = node.args["to"]
        kind = _CASTS[target.this.value]
        if inner.shape is not None or inner.kind in {"array", "bytes"}:
            raise self.wrong(node.this, f"a number, text or time to CAST; this is {KIND_WORDS[inner.kind]}")
        if kind == "timestamp":
            sql = inner.sql if inner.kind == "moment" else self.moment(node.this, inner)
            return combined(sql, Meaning.plain("timestamp"), (inner,), name=inner.name)
        if inner.kind == "moment" and kind != "string":
            raise self.wrong(node.this, "a number or text; a time becomes text, or a number by ivo_to_mjd")
        if inner.kind == "moment":
            sql = f"strftime({inner.sql}, {_TIME})"
        else:
            sql = f"CAST({inner.sql} AS {ENGINE_TYPES[kind]})"
        if target.expressions:
            sql = f"substr({sql}, 1, {int(target.expressions[0].this.this)})"
        keeps = inner.kind == "number" and kind != "string"
        meaning = Meaning.plain(
            kind,
            unit=inner.meaning.unit if keeps else None,
            ucd=inner.meaning.ucd if keeps else None,
            description=inner.meaning.description,
        )
        return combined(sql, meaning, (inner,), name=inner.name)

    def aggregate(self, node: exp.Expression) -> Value:
        name = type(node).__name__.lower()
        if self._aggregating:
            raise self.wrong(node, "a value of each row; an aggregate cannot stand within another")
        if isinstance(node.this, exp.Star):
            return Value("count(*)", _COUNT, aggregate=True, name="count")
        distinct = isinstance(node.this, exp.Distinct)
        inner_node = node.this.expressions[0] if distinct else node.this
        self._aggregating, grouped, self.grouped = True, self.grouped, {}
        inner = self.value(inner_node)
        self._aggregating, self.grouped = False, grouped
        if inner.aggregate:
            raise self.wrong(inner_node, "a value of each row; an aggregate cannot stand within another")
        words = "DISTINCT " if distinct else ""
        kind = inner.kind
        if name == "count":
            sql, meaning = f"count({words}{inner.sql})", _COUNT
        elif name in {"min", "max"}:
            if kind in {"shape", "array", "bytes"}:
                raise self.wrong(inner_node, f"a number, text or time; this is {KIND_WORDS[kind]}")
            sql, meaning = f"{name}({words}{inner.sql})", _described(inner.meaning, name)
        elif kind not in {"number", "null"}:
            raise self.wrong(inner_node, f"a number for {name.upper()}; this is {KIND_WORDS[kind]}")
        elif name == "sum" and inner.meaning.type in INTEGERS:
            sql = f"CAST(sum({words}{inner.sql}) AS BIGINT)"
            meaning = _described(inner.meaning, name).typed("int64")
        else:
            sql = f"{name}({words}{as_type(inner, 'float64')})"
            meaning = _described(inner.meaning, name).typed("float64")
        return Value(sql, meaning, sources=inner.sources, aggregate=True, name=name)

    def user_function(self, node: exp.Expression) -> Value:
        return calls.called(self, node)

    @contextmanager
    def gathering(self, *, really: bool) -> Iterator[None]:
        """Read the arguments of a function, which may be an aggregate, within which none may stand."""
        outer, self._aggregating = self._aggregating, self._aggregating or really
        yield
        self._aggregating = outer

    # Geometry ------------------------------------------------------------------------------------------------------

    def shape(self, node: exp.Expression) -> Value:
        """Return a value that is a geometry."""
        found = self.value(node)
        if found.shape is not None:
            return found
        if found.kind == "array" and found.meaning.type in {"float32", "float64"}:
            kind = {"2": "point", "3": "circle"}.get(found.meaning.arraysize or "", "polygon")
            found.shape = geometry.listed(found.sql, kind)
            return found
        raise self.wrong(node, f"a geometry; this is {KIND_WORDS[found.kind]}")

    def point_value(self, node: exp.Expression) -> Value:
        found = self.shape(node)
        assert found.shape is not None
        if not found.shape.is_point:
            raise self.wrong(node, "a point; this is another geometry")
        return found

    def point(self, node: exp.Expression) -> Value:
        self._frame(node)
        lon, lat = (self.number(node.args[name]) for name in ("lon", "lat"))
        if (degrees := _constants(lon, lat)) is not None:
            return self._fixed(node, Point, degrees, geometry.POINT)
        ra, dec = as_type(lon, "float64"), as_type(lat, "float64")
        return geometry.shaped(geometry.point(ra, dec, geometry.cell_of(lon, lat)), geometry.POINT, [lon, lat])

    def circle(self, node: exp.Expression) -> Value:
        self._frame(node)
        centre, radius = self.point_value(node.args["center"]), self.number(node.args["radius"])
        assert centre.shape is not None
        fixed = centre.shape.constant
        if fixed is not None and (sizes := _constants(radius)) is not None:
            (middle,) = fixed
            assert isinstance(middle, Point)
            return self._fixed(node, Circle, (middle.ra, middle.dec, *sizes), geometry.CIRCLE)
        if (sizes := _constants(radius)) is not None and not 0 <= sizes[0] <= 180:
            raise self.wrong(node.args["radius"], "a radius from 0 to 180 degrees")
        size = double_text(sizes[0]) if sizes is not None else as_type(radius, "float64")
        return geometry.shaped(geometry.circle(centre.shape, size), geometry.CIRCLE, [centre, radius])

    def box(self, node: exp.Expression) -> Value:
        self._frame(node)
        centre = self.point_value(node.args["center"])
        width, height = (self.number(node.args[name]) for name in ("width", "height"))
        assert centre.shape is not None
        assert centre.shape.cap is not None
        if centre.shape.constant is not None and (sizes := _constants(width, height)) is not None:
            (middle,) = centre.shape.constant
            assert isinstance(middle, Point)
            return self._fixed(node, Box, (middle.ra, middle.dec, *sizes), geometry.POLYGON)
        sizes_sql = ", ".join(as_type(each, "float64") for each in (width, height))
        sql = f"sky_box({centre.shape.cap.ra}, {centre.shape.cap.dec}, {sizes_sql})"
        return geometry.shaped(geometry.listed(sql, "polygon"), geometry.POLYGON, [centre, width, height])

    def polygon(self, node: exp.Expression) -> Value:
        self._frame(node)
        vertices = [self.point_value(each) for each in node.expressions]
        fixed = [each.shape.constant[0] for each in vertices if each.shape is not None and each.shape.constant]
        if len(fixed) == len(vertices):
            corners = tuple((each.ra, each.dec) for each in fixed if isinstance(each, Point))
            return self._fixed(node, lambda *degrees: Polygon(degrees).normalised(), corners, geometry.POLYGON)
        caps = [each.shape.cap for each in vertices if each.shape is not None and each.shape.cap is not None]
        numbers = ", ".join(f"{cap.ra}, {cap.dec}" for cap in caps)
        known = " AND ".join(f"{part} IS NOT NULL" for cap in caps for part in (cap.ra, cap.dec))
        sql = f"CASE WHEN {known} THEN [{numbers}] END"
        return geometry.shaped(geometry.listed(sql, "polygon"), geometry.POLYGON, vertices)

    def region(self, node: exp.Expression) -> Value:
        inner = self.of_kind(node.this, "text")
        if not isinstance(inner.constant, str):
            return geometry.shaped(geometry.Shape(geometry.NO_NUMBERS, inner.sql), geometry.REGION, [inner])
        try:
            regions = parse_regions(inner.constant)
        except InvalidValueError as error:
            raise self.wrong(node.this, error.expected) from None
        return geometry.shaped(geometry.constant(regions), geometry.meaning_of(regions), [inner])

    def geometry_cast(self, node: exp.Expression) -> Value:
        inner = self.value(node.this)
        kind = str(node.args["to"]).lower()
        if inner.shape is not None:
            return inner
        if isinstance(inner.constant, str):
            degrees = _numbers(inner.constant)
            if degrees is None:
                raise self.wrong(node.this, "numbers with spaces between them, in degrees")
            return self._fixed(node, _MADE[kind], degrees, geometry.SHAPES[kind])
        if inner.kind != "array":
            raise self.wrong(node.this, f"numbers to CAST as {kind.upper()}; this is {KIND_WORDS[inner.kind]}")
        return geometry.shaped(geometry.listed(inner.sql, kind), geometry.SHAPES[kind], [inner])

    def _fixed(
        self,
        node: exp.Expression,
        made: Callable[..., Region],
        degrees: Iterable[object],
        meaning: Meaning,
    ) -> Value:
        try:
            region = made(*degrees)
        except (InvalidValueError, TypeError) as error:
            expected = error.expected if isinstance(error, InvalidValueError) else "another number of degrees"
            field = f"{error.field}: " if isinstance(error, InvalidValueError) else ""
            raise self.wrong(node, f"{field}{expected}") from None
        return geometry.shaped(geometry.constant((region,)), meaning, [])

    def _frame(self, node: exp.Expression) -> None:
        """Check the coordinate system: all positions here are ICRS."""
        system = node.args.get("coordsys")
        if system is None or isinstance(system, exp.Null):
            return
        words = str(system.this).upper().split() if isinstance(system, exp.Literal) else []
        if not isinstance(system, exp.Literal) or (words and words[0] not in _FRAMES):
            raise self.wrong(system, "'ICRS', the coordinate system of this archive, or ''")

    def centroid(self, node: exp.Expression) -> Value:
        inner = self.shape(node.this)
        assert inner.shape is not None
        if inner.shape.constant is not None and len(inner.shape.constant) == 1:
            return geometry.shaped(geometry.constant((inner.shape.constant[0].centroid(),)), geometry.POINT, [inner])
        if inner.shape.exact and inner.shape.cap is not None:
            cap = inner.shape.cap
            return geometry.shaped(geometry.point(cap.ra, cap.dec, cap.cell), geometry.POINT, [inner])
        sql = f"sky_centroid({inner.shape.numbers}, {inner.shape.words})"
        return geometry.shaped(geometry.listed(sql, "point"), geometry.POINT, [inner])

    def area(self, node: exp.Expression) -> Value:
        inner = self.shape(node.this)
        assert inner.shape is not None
        sql = f"sky_area({inner.shape.numbers}, {inner.shape.words})"
        meaning = Meaning.plain("float64", unit="deg**2", ucd="phys.angArea", description="Area on the sky")
        return combined(sql, meaning, (inner,), name="area")

    def coordinate(self, node: exp.Expression) -> Value:
        inner = self.point_value(node.this)
        assert inner.shape is not None
        assert inner.shape.cap is not None
        first = isinstance(node, nodes.Coord1)
        place = inner.meaning.ucd if inner.meaning.ucd in UCDS.values() else geometry.POINT.ucd
        axis = AXES.get(str(place), ("lon", "lat"))[0 if first else 1]
        meaning = Meaning.plain("float64", unit="deg", ucd=f"{place}.{axis}")
        sql = inner.shape.cap.ra if first else inner.shape.cap.dec
        return combined(sql, meaning, (inner,), name="coord1" if first else "coord2")

    def coordsys(self, node: exp.Expression) -> Value:
        inner = self.shape(node.this)
        return combined("'ICRS'", Meaning.plain("string"), (inner,), name="coordsys")

    def distance(self, node: exp.Expression) -> Value:
        left, right = self.point_value(node.this), self.point_value(node.expression)
        assert left.shape is not None
        assert left.shape.cap is not None
        assert right.shape is not None
        assert right.shape.cap is not None
        meaning = Meaning.plain("float64", unit="deg", ucd="pos.angDistance", description="Angular distance")
        return combined(geometry.angle(left.shape.cap, right.shape.cap), meaning, (left, right), name="distance")

    def test(self, node: exp.Expression) -> Value:
        """Return CONTAINS or INTERSECTS as the number 1 or 0."""
        holds = self._holds(node, plain=True)
        name = "contains" if isinstance(node, nodes.Contains) else "intersects"
        return combined(f"CAST({holds.sql} AS INTEGER)", Meaning.plain("int32"), (holds,), name=name)

    def _holds(self, node: exp.Expression, *, plain: bool = False) -> Value:
        """Return the condition that CONTAINS or INTERSECTS asks for; ``plain`` where it may be negated."""
        left, right = self.shape(node.this), self.shape(node.expression)
        function = geometry.within if isinstance(node, nodes.Contains) else geometry.meeting
        return self._skipping(function(left, right, self._largest_field), plain=plain)

    def _skipping(self, found: Value, *, plain: bool = False) -> Value:
        if (plain or self._negated) and found.exact is not None:
            found.sql = found.exact
        return found

    # Conditions ----------------------------------------------------------------------------------------------------

    def both(self, node: exp.Expression) -> Value:
        left, right = self.condition(node.this), self.condition(node.expression)
        made = combined(f"{left.sql} AND {right.sql}", FLAG, (left, right))
        made.conjuncts = (*(left.conjuncts or (left,)), *(right.conjuncts or (right,)))
        return made

    def either(self, node: exp.Expression) -> Value:
        left, right = self.condition(node.this), self.condition(node.expression)
        return combined(f"({left.sql} OR {right.sql})", FLAG, (left, right))

    def negation(self, node: exp.Expression) -> Value:
        outer, self._negated = self._negated, True
        inner = self.condition(node.this)
        self._negated = outer
        return combined(f"NOT ({inner.sql})", FLAG, (inner,))

    def condition_in_parentheses(self, node: exp.Expression) -> Value:
        inner = self.condition(node.this)
        if inner.conjuncts or inner.cone is not None:
            return inner
        inner.sql = f"({inner.sql})"
        return inner

    def comparison(self, node: exp.Expression) -> Value:
        sign = _COMPARISONS[type(node)]
        special = self._geometrical(node.this, sign, node.expression) or self._geometrical(
            node.expression, _TURNED[sign], node.this
        )
        if special is not None:
            return special
        left, right = self.comparable(node.this, node.expression)
        return combined(f"{left.sql} {sign} {right.sql}", FLAG, (left, right))

    def _geometrical(self, left: exp.Expression, sign: str, right: exp.Expression) -> Value | None:
        """Return ``CONTAINS(…) = 1`` and ``DISTANCE(…) < r`` as the conditions that they are."""
        if isinstance(left, nodes.Contains | nodes.Intersects) and sign in {"=", "<>"}:
            wanted = right.this if isinstance(right, exp.Literal) and not right.is_string else None
            if wanted not in {"0", "1"}:
                return None
            if (wanted == "1") == (sign == "="):
                return self._holds(left)
            holds = self._holds(left, plain=True)
            return combined(f"NOT ({holds.sql})", FLAG, (holds,))
        if isinstance(left, nodes.Distance) and sign in {"<", "<="}:
            one, two, radius = self.point_value(left.this), self.point_value(left.expression), self.number(right)
            radius.sql = as_type(radius, "float64")
            return self._skipping(geometry.near(one, two, radius, sign))
        return None

    def comparable(self, left_node: exp.Expression, right_node: exp.Expression) -> tuple[Value, Value]:
        """Return two values brought to types that can be compared."""
        left, right = self.value(left_node), self.value(right_node)
        for each, node in ((left, left_node), (right, right_node)):
            if each.kind in {"shape", "array", "bytes"}:
                raise self.wrong(node, "a number, text or time; geometries are compared by CONTAINS and INTERSECTS")
        kinds = frozenset((left.kind, right.kind)) - {"null"}
        if len(kinds) < 2:
            return left, right
        if kinds not in _COMPARABLE:
            raise self.wrong(right_node, _mismatch(left, right))
        changed, change = _COMPARABLE[kinds]
        for each, node in ((left, left_node), (right, right_node)):
            if each.kind == changed:
                each.sql = change(self, node, each)
        return left, right

    def moment(self, node: exp.Expression, value: Value) -> str:
        """Return the SQL of a time that is written as text."""
        if value.kind == "null":
            return "CAST(NULL AS TIMESTAMP)"
        if value.kind != "text":
            raise self.wrong(node, f"a time such as '2026-03-01T12:00:00'; this is {KIND_WORDS[value.kind]}")
        if not isinstance(value.constant, str):
            return f"TRY_CAST({value.sql} AS TIMESTAMP)"
        try:
            moment = datetime.fromisoformat(value.constant.strip())
        except ValueError:
            raise self.wrong(node, "an ISO 8601 time (UTC) such as '2026-03-01T12:00:00'") from None
        moment = moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
        return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"

    def flag(self, node: exp.Expression, value: Value) -> str:
        word = str(value.constant).lower() if isinstance(value.constant, str) else None
        if word in {"true", "t", "1"}:
            return "true"
        if word in {"false", "f", "0"}:
            return "false"
        raise self.wrong(node, "1 or 0, or 'true' or 'false'")

    def flag_as_number(self, _node: exp.Expression, value: Value) -> str:
        return f"CAST({value.sql} AS INTEGER)"

    def between(self, node: exp.Expression) -> Value:
        subject, low = self.comparable(node.this, node.args["low"])
        again, high = self.comparable(node.this, node.args["high"])
        if again.sql == subject.sql:
            return combined(f"{subject.sql} BETWEEN {low.sql} AND {high.sql}", FLAG, (subject, low, high))
        sql = f"({subject.sql} >= {low.sql} AND {again.sql} <= {high.sql})"
        return combined(sql, FLAG, (subject, low, high))

    def like(self, node: exp.Expression) -> Value:
        left, right = self.of_kind(node.this, "text"), self.of_kind(node.expression, "text")
        word = "LIKE" if isinstance(node, exp.Like) else "ILIKE"
        return combined(f"{left.sql} {word} {right.sql}", FLAG, (left, right))

    def is_null(self, node: exp.Expression) -> Value:
        inner = self.value(node.this)
        return combined(f"{inner.sql} IS NULL", FLAG, (inner,))

    def membership(self, node: exp.Expression) -> Value:
        query = node.args.get("query")
        if query is not None:
            subject = self.value(node.this)
            sql, columns = self.subquery(query.this, columns=1)
            (column,) = columns
            if {subject.kind, column.kind} - {"null"} not in ({subject.kind}, {column.kind}, set()):
                raise self.wrong(node.this, _mismatch(column, subject))
            return combined(f"{subject.sql} IN ({sql})", FLAG, (subject,))
        pairs = [self.comparable(node.this, each) for each in node.expressions]
        subject = pairs[0][0]
        items = ", ".join(right.sql for _, right in pairs)
        return combined(f"{subject.sql} IN ({items})", FLAG, (subject, *(right for _, right in pairs)))

    def exists(self, node: exp.Expression) -> Value:
        inner = node.this.this if isinstance(node.this, exp.Subquery) else node.this
        sql, _ = self.subquery(inner, columns=None)
        return Value(f"EXISTS ({sql})", FLAG)

    def unified(self, values: Sequence[Value], places: Sequence[exp.Expression]) -> Meaning:
        """Return what several values mean in one column, and bring them to its type."""
        known = [value for value in values if value.kind != "null"]
        if not known:
            return NULL
        kinds = {value.kind for value in known}
        if kinds == {"moment", "text"}:
            for value, place in zip(values, places, strict=True):
                if value.kind == "text":
                    value.sql = self.moment(place, value)
            kinds = {"moment"}
        if len(kinds) > 1 or "shape" in kinds:
            odd = next(
                place for value, place in zip(values, places, strict=True) if value.kind != known[0].kind or value.shape
            )
            raise self.wrong(odd, f"values of one type; the first is {KIND_WORDS[known[0].kind]}")
        meaning = known[0].meaning
        if kinds == {"number"}:
            kind = widest([value.meaning.type for value in known])
            units = {value.meaning.unit for value in known if value.constant is None}
            if len(units) > 1:
                return Meaning.plain(kind)
            return meaning.typed(kind)
        if kinds == {"text"} and any(value.meaning.type == "unicode" for value in known):
            return meaning.typed("unicode")
        if kinds == {"moment"}:
            return (
                next(value.meaning for value in known if value.kind == "moment")
                if any(value.kind == "moment" for value in known)
                else Meaning.plain("timestamp")
            )
        return meaning


_COUNT: Final = Meaning.plain("int64", ucd="meta.number", description="Number of rows")


@lru_cache(maxsize=256)
def conversion(unit: str, wanted: str) -> float | str:
    """Return what a number in a unit is multiplied by to be in another one, or what is wrong with that."""
    from astropy import units

    if not unit:
        return "a value whose unit is known"
    try:
        return float(units.Unit(unit, format="vounit").to(units.Unit(wanted, format="vounit")))
    except units.UnitConversionError:
        return f"a unit that {unit} can be brought to"
    except (ValueError, TypeError):
        return "a unit as VOUnits writes it, such as 'arcsec' or 'um'"


def _described(meaning: Meaning, function: str) -> Meaning:
    described = f"{function.upper()} of: {meaning.description}" if meaning.description else ""
    return Meaning.plain(meaning.type, unit=meaning.unit, ucd=meaning.ucd, description=described)


def _folded(function: Callable[[float, float], float], left: Value, right: Value) -> float | None:
    one, two = left.constant, right.constant
    if isinstance(one, int | float) and isinstance(two, int | float):
        try:
            return function(one, two)
        except (ZeroDivisionError, OverflowError):
            return None
    return None


def _whole_quotient(left: float, right: float) -> float:
    return int(left / right)


def _constants(*values: Value) -> tuple[float, ...] | None:
    found = tuple(float(value.constant) for value in values if isinstance(value.constant, int | float))
    return found if len(found) == len(values) else None


def _numbers(words: str) -> tuple[float, ...] | None:
    try:
        return tuple(float(word) for word in words.replace(",", " ").split())
    except ValueError:
        return None


def _polygon_of(*degrees: float) -> Polygon:
    if len(degrees) % 2:
        raise InvalidValueError("polygon", degrees, "pairs of longitude and latitude")
    return Polygon(tuple(zip(degrees[::2], degrees[1::2], strict=True))).normalised()


def _mismatch(left: Value, right: Value) -> str:
    one, two = KIND_WORDS[left.kind], KIND_WORDS[right.kind]
    hint = ""
    if {left.kind, right.kind} == {"number", "text"}:
        number = left if left.kind == "number" else right
        quoted = f"'{number.constant}'" if number.constant is not None else "in single quotes"
        hint = f"; write a text {quoted}" if number is right else "; write a number without quotes"
    return f"{one}, as what it is compared with; this is {two}{hint}"


def _word(node: exp.Expression) -> str:
    """Return what an error calls a part of a query."""
    if isinstance(node, exp.Paren | exp.Neg):
        return _word(node.this)
    if isinstance(node, exp.Column):
        return ".".join(part.name for part in node.parts)
    if isinstance(node, exp.Literal):
        return str(node.this)
    if isinstance(node, nodes.UserFunction):
        return str(node.this.name)
    if isinstance(node, nodes.Mathematical):
        return str(node.this)
    return type(node).__name__.upper()


_MADE: Final[dict[str, Callable[..., Region]]] = {"point": Point, "circle": Circle, "polygon": _polygon_of}
_COMPARABLE: Final[dict[frozenset[Kind], tuple[Kind, Callable[[Expressions, exp.Expression, Value], str]]]] = {
    frozenset(("moment", "text")): ("text", Expressions.moment),
    frozenset(("flag", "number")): ("flag", Expressions.flag_as_number),
    frozenset(("flag", "text")): ("text", Expressions.flag),
}
"""By the kinds of two values: which of them is brought to the other, and how."""
_VALUES: Final[dict[type, Callable[[Expressions, exp.Expression], Value]]] = {
    exp.Column: Expressions.column,
    exp.Literal: Expressions.literal,
    exp.Null: Expressions.null,
    exp.Paren: Expressions.paren,
    exp.Neg: Expressions.negative,
    exp.Add: Expressions.sum,
    exp.Sub: Expressions.sum,
    exp.Mul: Expressions.product,
    exp.Div: Expressions.quotient,
    exp.DPipe: Expressions.concatenation,
    exp.Lower: Expressions.lower,
    exp.Upper: Expressions.upper,
    exp.Coalesce: Expressions.coalesce,
    exp.Case: Expressions.case,
    exp.Cast: Expressions.cast,
    exp.Count: Expressions.aggregate,
    exp.Sum: Expressions.aggregate,
    exp.Avg: Expressions.aggregate,
    exp.Min: Expressions.aggregate,
    exp.Max: Expressions.aggregate,
    nodes.Mathematical: Expressions.mathematical,
    nodes.UserFunction: Expressions.user_function,
    nodes.InUnit: Expressions.in_unit,
    nodes.Point: Expressions.point,
    nodes.Circle: Expressions.circle,
    nodes.Box: Expressions.box,
    nodes.Polygon: Expressions.polygon,
    nodes.Region: Expressions.region,
    nodes.GeometryCast: Expressions.geometry_cast,
    nodes.Centroid: Expressions.centroid,
    nodes.Area: Expressions.area,
    nodes.Coord1: Expressions.coordinate,
    nodes.Coord2: Expressions.coordinate,
    nodes.CoordSys: Expressions.coordsys,
    nodes.Distance: Expressions.distance,
    nodes.Contains: Expressions.test,
    nodes.Intersects: Expressions.test,
}
_CONDITIONS: Final[dict[type, Callable[[Expressions, exp.Expression], Value]]] = {
    exp.And: Expressions.both,
    exp.Or: Expressions.either,
    exp.Not: Expressions.negation,
    exp.Paren: Expressions.condition_in_parentheses,
    **dict.fromkeys(_COMPARISONS, Expressions.comparison),
    exp.Between: Expressions.between,
    exp.Like: Expressions.like,
    exp.ILike: Expressions.like,
    exp.Is: Expressions.is_null,
    exp.In: Expressions.membership,
    exp.Exists: Expressions.exists,
}
