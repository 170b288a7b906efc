"""The nodes that ADQL has beyond SQL. All else in a tree are sqlglot's own nodes, in the shapes sqlglot gives them.

A node of this module must be lowered before an engine sees the tree: no generator knows it.
"""

from __future__ import annotations

from typing import ClassVar, Final

from sqlglot import exp

LINE: Final = "line"
COLUMN: Final = "col"


class Node(exp.Expression, exp.Func):  # type: ignore[misc]
    """What all nodes of this module are: an expression, written as a function."""


class Geometry(Node):
    """A value with a shape on the sky. ``coordsys`` holds the string literal or ``exp.Null`` where one is given."""


class Point(Geometry):
    """``POINT([coordsys,] lon, lat)``: degrees."""

    arg_types: ClassVar = {"coordsys": False, "lon": True, "lat": True}


class Circle(Geometry):
    """``CIRCLE([coordsys,] lon, lat, radius)``, or with a point in place of the two coordinates: degrees.

    ``center`` is a ``Point`` (also where two coordinates are given) or any other expression with a point as value.
    """

    arg_types: ClassVar = {"coordsys": False, "center": True, "radius": True}


class Box(Geometry):
    """``BOX([coordsys,] lon, lat, width, height)``, or with a point in place of the two coordinates: degrees."""

    arg_types: ClassVar = {"coordsys": False, "center": True, "width": True, "height": True}


class Polygon(Geometry):
    """``POLYGON([coordsys,] lon, lat, lon, lat, lon, lat…)`` or of points: ``expressions`` are three or more vertices.

    A pair of coordinates is a ``Point``; another vertex is an expression with a point as value.
    """

    arg_types: ClassVar = {"coordsys": False, "expressions": True}


class Region(Geometry):
    """``REGION(text)``: a shape in STC-S; ``this`` is a string expression, in ADQL 2.1 a literal."""

    arg_types: ClassVar = {"this": True}


class Centroid(Geometry):
    """``CENTROID(geometry)``: the point in the middle of ``this``."""

    arg_types: ClassVar = {"this": True}


class GeometryCast(Geometry):
    """``CAST(this AS POINT | CIRCLE | POLYGON)``: ``to`` is the upper-case name of the type."""

    arg_types: ClassVar = {"this": True, "to": True}


class Area(Node):
    """``AREA(geometry)``: square degrees."""

    arg_types: ClassVar = {"this": True}


class Coord1(Node):
    """``COORD1(point)``: degrees."""

    arg_types: ClassVar = {"this": True}


class Coord2(Node):
    """``COORD2(point)``: degrees."""

    arg_types: ClassVar = {"this": True}


class CoordSys(Node):
    """``COORDSYS(geometry)``: the name of its coordinate system, a string."""

    arg_types: ClassVar = {"this": True}


class Distance(Node):
    """``DISTANCE(point, point)``: degrees. The form of four numbers holds two ``Point`` nodes as well."""

    arg_types: ClassVar = {"this": True, "expression": True}


class Contains(Node):
    """``CONTAINS(this, expression)``: 1 where the first geometry lies within the second, else 0."""

    arg_types: ClassVar = {"this": True, "expression": True}


class Intersects(Node):
    """``INTERSECTS(this, expression)``: 1 where the geometries overlap, else 0."""

    arg_types: ClassVar = {"this": True, "expression": True}


class InUnit(Node):
    """``IN_UNIT(this, 'unit')``: a number in another unit; ``unit`` is a string literal."""

    arg_types: ClassVar = {"this": True, "unit": True}


class Mathematical(Node):
    """A mathematical or trigonometrical function of ADQL 2.1 §2.3: ``this`` is its upper-case name.

    ``expressions`` are the arguments, their number as ``functions.toml`` has it.
    """

    arg_types: ClassVar = {"this": True, "expressions": False}


class UserFunction(Node):
    """A user-defined function: ``this`` is an ``exp.Identifier`` with the name as written, never quoted.

    The grammar knows no list of them: whether one exists, and takes these arguments, is for resolution to say.
    """

    arg_types: ClassVar = {"this": True, "expressions": False}


def place(node: exp.Expression) -> tuple[int, int]:
    """Return line and column, from 1, where a node of a parsed query begins, or else where its nearest ancestor does.

    A column or table with several names is where its last name is. A node that was made later has no place of its own;
    without placed ancestors the answer is (1, 1).
    """
    for inner in node.walk(bfs=False):
        if inner.meta.get(LINE):
            return inner.meta[LINE], inner.meta[COLUMN]
    ancestor = node.parent
    while ancestor is not None:
        if ancestor.meta.get(LINE):
            return ancestor.meta[LINE], ancestor.meta[COLUMN]
        ancestor = ancestor.parent
    return 1, 1
