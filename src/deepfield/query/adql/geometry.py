"""Geometry in the engine's SQL: HEALPix ranges and circles skip rows, then an exact test decides.

A point is two expressions. Any other region is a list of degrees or a text as ``s_region`` has it, which the functions
of ``query.shapes`` read. Where a region is the same for all rows it is worked out here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from deepfield.model.coverage import Box, Circle, Point, Polygon
from deepfield.model.errors import InvalidQueryError
from deepfield.query.adql.meaning import FLAG, Meaning, Value, combined, text
from deepfield.query.adql.sources import CELL, FIELD, OUTLINE, RA, Cone, End, Published
from deepfield.query.adql.sources import DEC as HIDDEN_DEC
from deepfield.query.frames import UCDS
from deepfield.query.lower import double_text
from deepfield.query.regions import FIELDS, SLACK, enclosing_circle, healpix_ranges
from deepfield.query.shapes import numbers_of

if TYPE_CHECKING:
    from deepfield.model.coverage import Region
    from deepfield.query.adql.sources import Field, Source

NOTHING: Final = "0e0"
NO_NUMBERS: Final = "CAST(NULL AS DOUBLE[])"
NO_TEXT: Final = "CAST(NULL AS VARCHAR)"
_MOST_RANGES: Final = 64
_SPHERE: Final = 180.0
_TOUCH: Final = 1e-14
"""Radians (2 nanoarcseconds) within which two things touch: what rounding leaves."""
_SMALL: Final = 2.0
"""Radius in degrees up to which a region is a small piece of the sky."""
_NARROW: Final = 12 * 4**29 // 20_000
"""Cells so few that the rows among them are as quickly looked at as their ranges are."""

POINT: Final = Meaning("float64", unit="deg", ucd="pos.eq", xtype="point", arraysize="2", kind="shape")
CIRCLE: Final = Meaning("float64", unit="deg", ucd="pos.outline", xtype="circle", arraysize="3", kind="shape")
POLYGON: Final = Meaning("float64", unit="deg", ucd="pos.outline", xtype="polygon", arraysize="*", kind="shape")
REGION: Final = Meaning("string", ucd="pos.outline", xtype="adql:REGION", kind="shape")
SHAPES: Final = {"point": POINT, "circle": CIRCLE, "polygon": POLYGON}


@dataclass(frozen=True, slots=True)
class Cap:
    """A circle that holds a region, in SQL: its centre, its radius, and the cell of its centre where it is stored."""

    ra: str
    dec: str
    radius: str
    cell: str | None = None
    field: str | None = None
    """The field of view of a row's footprint, by which rows are sorted into classes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A region of each row."""

    numbers: str
    """A list of degrees, in SQL."""
    words: str = NO_TEXT
    cap: Cap | None = None
    constant: tuple[Region, ...] | None = None
    """The region, where it is the same for all rows; several are a union."""
    exact: bool = False
    """Whether the region is its cap: a point or a circle."""

    @property
    def is_point(self) -> bool:
        """Whether the region is a single place."""
        return self.exact and self.cap is not None and self.cap.radius == NOTHING


def constant(regions: tuple[Region, ...]) -> Shape:
    """Return the shape of a region that the query writes out."""
    cap = None
    if len(regions) == 1:
        (region,) = regions
        try:
            circle = enclosing_circle(region)
        except InvalidQueryError:
            circle = None
        if circle is not None:
            radius = double_text(circle.radius) if circle.radius else NOTHING
            cap = Cap(_double(circle.ra % 360.0), _double(circle.dec), radius)
        numbers = "[" + ", ".join(_double(number) for number in numbers_of(region)) + "]"
        return Shape(numbers, NO_TEXT, cap, regions, exact=isinstance(region, Point | Circle))
    return Shape(NO_NUMBERS, text(" ".join(region.to_stcs() for region in regions)), None, regions)


def point(ra: str, dec: str, cell: str | None = None) -> Shape:
    """Return the shape of a point."""
    numbers = f"CASE WHEN {ra} IS NOT NULL AND {dec} IS NOT NULL THEN [{ra}, {dec}] END"
    return Shape(numbers, NO_TEXT, Cap(ra, dec, NOTHING, cell), exact=True)


def circle(centre: Shape, radius: str) -> Shape:
    """Return the shape of a circle around a point."""
    assert centre.cap is not None
    ra, dec = centre.cap.ra, centre.cap.dec
    known = " AND ".join(f"{part} IS NOT NULL" for part in (ra, dec, radius))
    numbers = f"CASE WHEN {known} THEN [{ra}, {dec}, {radius}] END"
    return Shape(numbers, NO_TEXT, Cap(ra, dec, radius, centre.cap.cell), exact=True)


def listed(numbers: str, shape: str) -> Shape:
    """Return the shape of a column that holds points, circles or polygons as lists."""
    match shape:
        case "point":
            return Shape(numbers, NO_TEXT, Cap(f"{numbers}[1]", f"{numbers}[2]", NOTHING), exact=True)
        case "circle":
            return Shape(numbers, NO_TEXT, Cap(f"{numbers}[1]", f"{numbers}[2]", f"{numbers}[3]"), exact=True)
        case _:
            return Shape(numbers)


def of_field(field: Field) -> Shape:
    """Return the shape of a column with geometry."""
    if field.meaning.type not in {"string", "unicode"}:
        return listed(field.sql, field.meaning.shape)
    source = field.source
    if field.hidden == "region" and isinstance(source, Published):
        cap = Cap(
            source.place(RA), source.place(HIDDEN_DEC), f"{source.place(FIELD)} * 5e-1", source.place(CELL),
            source.place(FIELD),
        )  # fmt: skip
        outline = source.place(OUTLINE)
        return Shape(outline, f"CASE WHEN {outline} IS NULL THEN {field.sql} END", cap)
    return Shape(NO_NUMBERS, field.sql)


def shaped(shape: Shape, meaning: Meaning, parts: list[Value]) -> Value:
    """Return a value with a shape."""
    sql = shape.words if shape.numbers == NO_NUMBERS else shape.numbers
    made = combined(sql, meaning, parts)
    made.shape = shape
    return made


def meaning_of(regions: tuple[Region, ...]) -> Meaning:
    """Return what a region means that a query writes out."""
    if len(regions) > 1:
        return REGION
    match regions[0]:
        case Point():
            return POINT
        case Circle():
            return CIRCLE
        case Polygon() | Box():
            return POLYGON


def in_frame(meaning: Meaning, frame: str) -> Meaning:
    """Return what a geometry means in a frame: an outline is one in any of them."""
    return replace(meaning, ucd=UCDS[frame]) if meaning.ucd == POINT.ucd else meaning


def cell_of(lon: Value, lat: Value) -> str | None:
    """Return the stored cell of a point that is a row's own place."""
    if len(lon.free) == len(lat.free) == 1:
        (one,), (two,) = lon.free, lat.free
        if one.source is two.source and (one.hidden, two.hidden) == ("ra", "dec") and isinstance(one.source, Published):
            return one.source.place(CELL) if (lon.sql, lat.sql) == (one.sql, two.sql) else None
    return None


def angle(first: Cap, second: Cap) -> str:
    """Return the angle in degrees between the centres of two caps (half-chord formula), null where one is."""
    chord = _chord(first, second)
    degrees = [part for cap in (first, second) for part in (cap.ra, cap.dec) if not _is_number(part)]
    or_null = f" + 0e0 * ({' + '.join(degrees)})" if degrees else ""  # the engine's least() passes over nulls
    return f"({double_text(math.degrees(2.0))} * asin(least(1e0, sqrt({chord}) * 5e-1){or_null}))"


def _apart(first: Cap, second: Cap, operator: str, radius: str) -> str:
    """Return the condition that two places are within a radius; a known one is compared without inverse functions."""
    if not _is_number(radius):
        return f"{angle(first, second)} {operator} {radius}"
    half = math.radians(min(float(radius.strip("()")), _SPHERE)) / 2
    limit = 4.0 * math.sin(half + _TOUCH / 2) ** 2 * (1.0 + 1e-15)
    if float(radius.strip("()")) < 0:
        limit = -1.0
    return f"{_chord(first, second)} {operator} {_double(limit)}"


def _chord(first: Cap, second: Cap) -> str:
    """Return the square of the chord between the centres of two caps on the unit sphere."""
    one, two = _vector(first.ra, first.dec), _vector(second.ra, second.dec)
    return " + ".join(f"pow({a} - {b}, 2)" for a, b in zip(one, two, strict=True))


def within(inner: Value, outer: Value, largest_field: float) -> Value:
    """Return the condition that one region lies in another (ADQL 2.1 §4.2.12)."""
    first, second = _shape(inner), _shape(outer)
    if first.is_point:
        return _near(inner, outer, largest_field)
    test = f"sky_within({first.numbers}, {first.words}, {second.numbers}, {second.words})"
    return _tested(inner, outer, test, largest_field)


def meeting(left: Value, right: Value, largest_field: float) -> Value:
    """Return the condition that two regions have a point in common (ADQL 2.1 §4.2.13)."""
    return _near(left, right, largest_field)


def near(left: Value, right: Value, radius: Value, operator: str) -> Value:
    """Return the condition that two points are within a radius of each other, as ``DISTANCE(…) < radius`` says."""
    first, second = _shape(left).cap, _shape(right).cap
    assert first is not None
    assert second is not None
    limit = float(radius.constant) if isinstance(radius.constant, int | float) else None
    exact = _apart(first, second, operator, radius.sql if limit is None else _double(limit))
    return _condition(exact, left, right, limit, radius=radius.sql, others=(radius,))


def _near(left: Value, right: Value, largest_field: float) -> Value:
    first, second = _shape(left), _shape(right)
    if first.exact and second.exact:
        assert first.cap is not None
        assert second.cap is not None
        one, two = first.cap.radius, second.cap.radius
        radius = two if one == NOTHING else one if two == NOTHING else f"({one} + {two})"
        limits = [_radius(each) for each in (first, second)]
        limit = None if None in limits else sum(each for each in limits if each is not None)
        exact = _apart(first.cap, second.cap, "<=", radius if limit is None else _double(limit))
        return _condition(exact, left, right, limit, radius=radius)
    test = f"sky_meet({first.numbers}, {first.words}, {second.numbers}, {second.words})"
    return _tested(left, right, test, largest_field)


def _tested(left: Value, right: Value, test: str, largest_field: float) -> Value:
    """Return a condition that looks closely at those rows alone whose caps reach each other."""
    first, second = _shape(left).cap, _shape(right).cap
    if first is None or second is None:
        return combined(test, FLAG, (left, right))
    radius = f"{first.radius} + {second.radius}"
    exact = f"CASE WHEN {angle(first, second)} > {radius} + {double_text(SLACK)} THEN false ELSE {test} END"
    limits = [_radius(_shape(each)) if cap.field is None else largest_field / 2 for each, cap in _ends(left, right)]
    limit = None if None in limits else sum(each for each in limits if each is not None)
    reach = f"({radius} + {double_text(SLACK)})" if limit is None else double_text(limit + SLACK)
    return _condition(exact, left, right, limit, radius=reach, largest_field=largest_field)


def _ends(left: Value, right: Value) -> tuple[tuple[Value, Cap], ...]:
    return tuple((each, cap) for each in (left, right) if (cap := _shape(each).cap) is not None)


def _condition(
    exact: str,
    left: Value,
    right: Value,
    limit: float | None,
    *,
    radius: str,
    largest_field: float = 0.0,
    others: tuple[Value, ...] = (),
) -> Value:
    """Return an exact condition with what skips rows before it, and with what makes a join of it."""
    first, second = _shape(left), _shape(right)
    assert first.cap is not None
    assert second.cap is not None
    parts, small = [exact], False
    for fixed, moving in ((first, second), (second, first)):
        assert moving.cap is not None
        if fixed.constant is not None and moving.cap.cell is not None and limit is not None:
            parts = [*_ranges(fixed.constant[0], moving.cap, limit, largest_field), exact]
            small = enclosing_circle(fixed.constant[0]).radius <= _SMALL
    made = combined(
        " AND ".join(parts) if len(parts) == 1 else f"({' AND '.join(parts)})", FLAG, (left, right, *others)
    )
    made.exact, made.small = exact, small
    if first.constant is None and second.constant is None:
        made.cone = Cone(
            End(first.cap.ra, first.cap.dec, first.cap.cell, left.sources),
            End(second.cap.ra, second.cap.dec, second.cap.cell, right.sources),
            radius,
            limit,
            _radius_sources(first, second, left, right, others) if limit is None else frozenset(),
        )
    return made


def _radius_sources(
    first: Shape, second: Shape, left: Value, right: Value, others: tuple[Value, ...]
) -> frozenset[Source]:
    found: frozenset[Source] = frozenset().union(*(other.sources for other in others))
    for shape, value in ((first, left), (second, right)):
        if _radius(shape) is None:
            found |= value.sources
    return found


def _ranges(region: Region, cap: Cap, limit: float, largest_field: float) -> list[str]:
    """Return conditions on the cell of a cap that it can reach a region, by classes of the field of view."""
    circle_ = enclosing_circle(region)
    assert cap.cell is not None
    if cap.field is None:
        return list(cell_conditions(cap.cell, circle_.ra % 360.0, circle_.dec, min(_SPHERE, limit + SLACK)))
    bounds = [(low, high) for low, high in pairwise((0.0, *FIELDS)) if low < largest_field] or [(0.0, 0.0)]
    classes: list[str] = []
    widest: tuple[str, ...] = ()
    for low, high in bounds:
        reach = circle_.radius + min(high, largest_field) / 2 + SLACK
        inside = cell_conditions(cap.cell, circle_.ra % 360.0, circle_.dec, min(_SPHERE, reach))
        widest = inside[:1]
        parts = [f"{cap.field} > {double_text(low)}"] if low else []
        parts += [f"{cap.field} <= {double_text(high)}"] if high < largest_field else []
        classes.append(" AND ".join((*parts, *inside[-1:])) or "true")
    if len(classes) == 1:
        return [*widest, *(each for each in classes if each not in (*widest, "true"))]
    return [*widest, "(" + " OR ".join(f"({each})" for each in classes) + ")"]


@lru_cache(maxsize=512)
def cell_conditions(cell: str, ra: float, dec: float, radius: float) -> tuple[str, ...]:
    """Return conditions that a cell (order 29) may be in a circle: the span of ranges, and the ranges; none for all."""
    ranges = healpix_ranges(ra, dec, radius)
    if ranges is None or not ranges:
        return ()
    span = f"{cell} BETWEEN {ranges[0][0]} AND {ranges[-1][1]}"
    if len(ranges) == 1 or len(ranges) > _MOST_RANGES or ranges[-1][1] - ranges[0][0] < _NARROW:
        return (span,)
    return span, "(" + " OR ".join(f"{cell} BETWEEN {first} AND {last}" for first, last in ranges) + ")"


def _radius(shape: Shape) -> float | None:
    """Return the radius of the cap where it is known."""
    if shape.is_point:
        return 0.0
    if shape.constant is not None and len(shape.constant) == 1:
        return enclosing_circle(shape.constant[0]).radius
    if shape.cap is not None:
        return float(shape.cap.radius) if _is_number(shape.cap.radius) else None
    return None


def _shape(value: Value) -> Shape:
    assert value.shape is not None
    return value.shape


def _is_number(sql: str) -> bool:
    try:
        float(sql.strip("()"))
    except ValueError:
        return False
    return True


def _vector(ra: str, dec: str) -> tuple[str, str, str]:
    if not (_is_number(ra) and _is_number(dec)):
        return (
            f"cos(radians({dec})) * cos(radians({ra}))",
            f"cos(radians({dec})) * sin(radians({ra}))",
            f"sin(radians({dec}))",
        )
    alpha, delta = (math.radians(float(part.strip("()"))) for part in (ra, dec))
    x, y, z = math.cos(delta) * math.cos(alpha), math.cos(delta) * math.sin(alpha), math.sin(delta)
    return _double(x), _double(y), _double(z)


def _double(value: float) -> str:
    return double_text(value) if value >= 0 else f"({double_text(value)})"
