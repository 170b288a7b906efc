"""A region of the sky as a condition on table ``observation``: HEALPix ranges to skip rows, then the exact test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import hpgeom
import numpy as np
import pyarrow as pa
from sqlglot import exp

from deepfield.model.coverage import Box, Circle, Point, Polygon
from deepfield.model.errors import InvalidQueryError
from deepfield.query.lower import OBSERVATION, column, double, literal
from deepfield.query.outlines import Outlines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deepfield.model.coverage import Region
    from deepfield.query.engines.duckdb import Session
    from deepfield.query.filters import Match

ORDER: Final = 29
_FIELDS: Final = (0.06, 0.25, 1.0, 5.0, 360.0)
"""Upper bounds in degrees of ``s_fov`` by which footprints are sorted into classes, each searched as far as its own
largest reaches: a single huge footprint does not widen the search for all others."""
_SLACK: Final = 1e-6
"""Degrees added where leaving out is not yet final: more than rounding of ``s_fov`` can be, less than matters."""
_EXPLICIT_RADIUS: Final = 2.0
"""Degrees up to which every candidate is tested one by one; beyond, those well inside are taken by their circle."""
_FEW: Final = 64
_SKY_HITS: Final = "sky_hits"


@dataclass(frozen=True, slots=True)
class SkyCondition:
    """A condition that holds for exactly the observations that meet the region."""

    condition: exp.Expression
    total: int | None
    """How many observations hold it, where that is known already."""


@lru_cache(maxsize=512)
def healpix_ranges(ra: float, dec: float, radius: float) -> tuple[tuple[int, int], ...] | None:
    """Return ranges (first, last) of order-29 nested indices that cover a circle in degrees; None for the whole sky."""
    if radius >= 90.0:
        return None
    size = max(radius, 1e-7)
    order = max(0, min(ORDER, math.floor(math.log2(58.6 / size)) + 2))
    found = hpgeom.query_circle(
        1 << order, ra, dec, size, inclusive=True, fact=4, nest=True, lonlat=True, degrees=True,
        return_pixel_ranges=True,
    )  # fmt: skip
    shift = 2 * (ORDER - order)
    return tuple((int(first) << shift, (int(last) << shift) - 1) for first, last in np.asarray(found))


def in_ranges(ranges: tuple[tuple[int, int], ...] | None) -> exp.Expression:
    """Return the condition that ``healpix`` lies in one of the ranges."""
    if ranges is None:
        return exp.true()
    subject = column("healpix")
    parts = [subject.between(literal(first), literal(last)) for first, last in ranges]
    if len(parts) == 1:
        return parts[0]
    around = subject.between(literal(ranges[0][0]), literal(max(last for _, last in ranges)))
    return exp.and_(around, exp.or_(*parts))


def meeting(session: Session, regions: Sequence[Region], match: Match) -> SkyCondition:
    """Find the observations whose footprint (or centre) meets one of the regions."""
    parts: list[exp.Expression] = []
    numbers: set[int] = set()
    complete = True
    for region in regions:
        inside, explicit = _meeting_one(session, region, match)
        numbers.update(explicit)
        if inside is not None:
            complete = False
            parts.append(inside)
    if numbers:
        parts.append(exp.and_(_near(regions, session, match), _among(session, sorted(numbers))))
    return SkyCondition(exp.or_(*parts) if parts else exp.false(), len(numbers) if complete else None)


def _meeting_one(session: Session, region: Region, match: Match) -> tuple[exp.Expression | None, list[int]]:
    """Return a condition for what is surely inside, and the numbers of those that had to be looked at."""
    circle = _enclosing(region)
    reach = _reach(session, match)
    by_circle = isinstance(region, Circle) and circle.radius > _EXPLICIT_RADIUS
    inside: list[exp.Expression] = []
    candidates: list[exp.Select] = []
    for smallest, largest in reach:
        ranges = healpix_ranges(circle.ra, circle.dec, min(180.0, circle.radius + largest / 2 + _SLACK))
        where = exp.and_(in_ranges(ranges), _class_condition(smallest, largest, match))
        candidates.append(_candidates(where, circle, match, surely_inside=by_circle))
        if by_circle:
            inside.append(exp.and_(where.copy(), _well_inside(circle, match)))
    explicit = _exactly(session, candidates, region, match)
    return (exp.or_(*inside) if inside else None), explicit


def _enclosing(region: Region) -> Circle:
    match region:
        case Circle():
            return region
        case Point(ra, dec):
            return Circle(ra, dec, 0.0)
        case Polygon() | Box():
            circle = region.enclosing()
            if circle.radius >= 90.0:
                raise InvalidQueryError("position", region.to_stcs(), "a polygon that fits into a hemisphere")
            return circle


def _reach(session: Session, match: Match) -> list[tuple[float, float]]:
    """Return the classes of fields of view that the archive has, as (above, up to) in degrees."""
    if match == "center":
        return [(-1.0, 0.0)]
    bounds = [(-1.0, _FIELDS[0]), *pairwise(_FIELDS)]
    largest = session.largest_field
    return [(low, min(high, largest)) for low, high in bounds if low < largest] or [bounds[0]]


def _class_condition(smallest: float, largest: float, match: Match) -> exp.Expression:
    placed = exp.not_(column("s_ra").is_(exp.null()))
    if match == "center":
        return placed
    field = exp.func("coalesce", column("s_fov"), _missing_field())
    return exp.and_(placed, field > double(smallest), field <= double(largest))


def _missing_field() -> exp.Expression:
    """Return what stands for a missing field of view: nothing for a point, everything for an outline."""
    return exp.If(this=column("s_region").is_(exp.null()), true=double(0.0), false=double(360.0))


def _candidates(where: exp.Expression, circle: Circle, match: Match, *, surely_inside: bool) -> exp.Select:
    """Return the query for rows that may meet the circle, without those that surely do if asked so."""
    tree = exp.select(column("obs_number"), column("s_ra"), column("s_dec"))
    tree = tree.select(column("s_region") if match == "footprint" else exp.alias_(exp.null(), "s_region"), copy=False)
    tree = tree.from_(exp.to_table("observation", alias=OBSERVATION), copy=False).where(where, copy=False)
    if surely_inside:
        angle, half = _angle(circle), _half_field(match)
        tree = tree.where(angle - half <= double(circle.radius + _SLACK), copy=False)
        tree = tree.where(angle.copy() + half.copy() > double(circle.radius - _SLACK), copy=False)
    return tree


def _well_inside(circle: Circle, match: Match) -> exp.Expression:
    return _angle(circle) + _half_field(match) <= double(circle.radius - _SLACK)


def _half_field(match: Match) -> exp.Expression:
    if match == "center":
        return double(0.0)
    return exp.paren(exp.func("coalesce", column("s_fov"), _missing_field()) * double(0.5))


def _angle(circle: Circle) -> exp.Expression:
    """Return the angle in degrees between a row's centre and that of a circle (half-chord formula)."""
    ra, dec = math.radians(circle.ra), math.radians(circle.dec)
    alpha, delta = exp.func("radians", column("s_ra")), exp.func("radians", column("s_dec"))
    x = exp.func("cos", delta) * exp.func("cos", alpha) - double(math.cos(dec) * math.cos(ra))
    y = exp.func("cos", delta) * exp.func("sin", alpha) - double(math.cos(dec) * math.sin(ra))
    z = exp.func("sin", delta) - double(math.sin(dec))
    squares = [exp.func("pow", exp.paren(part), double(2.0)) for part in (x, y, z)]
    chord = exp.func("sqrt", squares[0] + squares[1] + squares[2])
    half = exp.func("asin", exp.func("least", double(1.0), chord * double(0.5)))
    return exp.paren(double(math.degrees(2.0)) * half)


def _exactly(session: Session, candidates: Iterable[exp.Select], region: Region, match: Match) -> list[int]:
    """Return the numbers of the candidates that meet the region."""
    rows = pa.concat_tables([session.run(tree) for tree in candidates])
    if rows.num_rows == 0:
        return []
    ra, dec = rows["s_ra"].to_numpy(), rows["s_dec"].to_numpy()
    texts = rows["s_region"].to_pylist() if match == "footprint" else [None] * rows.num_rows
    met = Outlines.read(texts, ra, dec).meet(region)
    found: list[int] = rows["obs_number"].to_numpy()[met].tolist()
    return found


def _near(regions: Sequence[Region], session: Session, match: Match) -> exp.Expression:
    """Return a condition on ``healpix`` that all found rows hold, so that the engine skips the rest of the table."""
    farthest = max(largest for _, largest in _reach(session, match))
    circles = [_enclosing(region) for region in regions]
    ranges = [
        healpix_ranges(circle.ra, circle.dec, min(180.0, circle.radius + farthest / 2 + _SLACK)) for circle in circles
    ]
    return exp.paren(exp.or_(*(in_ranges(each) for each in ranges)))


def _among(session: Session, numbers: list[int]) -> exp.Expression:
    subject = column("obs_number")
    if len(numbers) <= _FEW:
        return subject.isin(*(literal(number) for number in numbers))
    session.offer(_SKY_HITS, pa.table({"obs_number": pa.array(numbers, pa.int64())}))
    return subject.isin(query=exp.select("obs_number").from_(_SKY_HITS))
