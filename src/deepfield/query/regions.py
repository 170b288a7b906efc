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
from deepfield.query.lower import OBSERVATION, double_text, numeric
from deepfield.query.outlines import Outlines, distances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from deepfield.model.coverage import Region
    from deepfield.query.engines.duckdb import Session
    from deepfield.query.filters import Match

ORDER: Final = 29
FIELDS: Final = (0.3, 1.0, 5.0, 360.0)
"""Upper bounds in degrees of ``s_fov`` by which footprints are sorted into classes, each searched as far as its own
largest reaches: a single huge footprint does not widen the search for all others."""
SLACK: Final = 1e-6
"""Degrees added where leaving out is not yet final: more than rounding of ``s_fov`` can be, less than matters."""
_EXPLICIT_RADIUS: Final = 2.0
"""Degrees up to which every candidate is tested one by one; beyond, those well inside are taken by their circle."""
_FEW: Final = 500
_MOST_CLUSTERS: Final = 8
_SKY_HITS: Final = "sky_hits"
_O: Final = OBSERVATION
FIELD: Final = f"coalesce({_O}.s_fov, CASE WHEN {_O}.s_region IS NULL THEN 0e0 ELSE 36e1 END)"
"""The field of view; where it is missing, a point has none and an outline may have any."""
LOOK_PREFIX: Final = "look_"
LOOKS: Final = (
    f"{_O}.s_ra AS {LOOK_PREFIX}ra",
    f"{_O}.s_dec AS {LOOK_PREFIX}dec",
    f"{FIELD} AS {LOOK_PREFIX}field",
    f"{_O}.outline AS {LOOK_PREFIX}vertices",
    f"CASE WHEN {_O}.outline IS NULL THEN {_O}.s_region END AS {LOOK_PREFIX}text",
)
"""What the exact test looks at: the columns that candidates need beside those asked for."""


@dataclass(frozen=True, slots=True)
class Reach:
    """A class of fields of view in degrees: above one bound, up to another; None where the class is open."""

    above: float | None
    largest: float
    until: float | None


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
    order = max(0, min(ORDER, math.floor(math.log2(58.6 / size)) + 1))
    found = hpgeom.query_circle(
        1 << order, ra, dec, size, inclusive=True, fact=4, nest=True, lonlat=True, degrees=True,
        return_pixel_ranges=True,
    )  # fmt: skip
    shift = 2 * (ORDER - order)
    return tuple((int(first) << shift, (int(last) << shift) - 1) for first, last in np.asarray(found))


def meeting(session: Session, regions: Sequence[Region], match: Match) -> SkyCondition:
    """Find the observations whose footprint (or centre) meets one of the regions."""
    inside: list[str] = []
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for region in regions:
        candidates, surely = _candidates(session, region, match)
        met = meets(candidates, (region,), match)
        found.append((candidates["obs_number"].to_numpy()[met], candidates["healpix"].to_numpy()[met]))
        inside += surely
    numbers, first = np.unique(np.concatenate([each for each, _ in found]), return_index=True)
    indices = np.concatenate([each for _, each in found])[first]
    parts = list(inside)
    if len(numbers):
        parts.append(_among(session, numbers, indices))
    condition = numeric(f"({' OR '.join(parts)})") if parts else exp.false()
    return SkyCondition(condition, None if inside else len(numbers))


def worth_looking_at(session: Session, regions: Sequence[Region], match: Match) -> exp.Expression | None:
    """Return the condition for all rows that may meet the regions, few where these are small; None where one is not."""
    parts: list[str] = []
    for region in regions:
        circle = enclosing_circle(region)
        if circle.radius > _EXPLICIT_RADIUS:
            return None
        reach = reach_of(session, match)
        parts += [f"{_within(circle, each)} AND {_may_reach(circle, match)}" for each in reach]
    return numeric("(" + " OR ".join(f"({part})" for part in parts) + ")")


def meets(rows: pa.Table, regions: Sequence[Region], match: Match) -> NDArray[np.bool_]:
    """Tell which rows meet one of the regions; ``rows`` has the columns ``LOOKS``."""
    met = np.zeros(rows.num_rows, dtype=np.bool_)
    if rows.num_rows == 0:
        return met
    ra, dec, fields = (rows[f"{LOOK_PREFIX}{name}"].to_numpy() for name in ("ra", "dec", "field"))
    for region in regions:
        circle = enclosing_circle(region)
        half = 0.0 if match == "center" else fields / 2
        near = np.flatnonzero(distances(ra, dec, circle) <= circle.radius + half + SLACK)
        if match == "center":
            outlines = Outlines.points(ra[near], dec[near])
        else:
            texts, vertices = (_column(rows, name).take(pa.array(near)) for name in ("text", "vertices"))
            outlines = Outlines.stored(vertices, texts, ra[near], dec[near])
        met[near] |= outlines.meet(region)
    return met


def _column(rows: pa.Table, name: str) -> pa.Array:
    column = rows[f"{LOOK_PREFIX}{name}"]
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _candidates(session: Session, region: Region, match: Match) -> tuple[pa.Table, list[str]]:
    """Return the rows to be looked at one by one, and conditions for those that surely meet the region."""
    circle = enclosing_circle(region)
    by_circle = isinstance(region, Circle) and circle.radius > _EXPLICIT_RADIUS
    inside: list[str] = []
    alternatives: list[str] = []
    for each in reach_of(session, match):
        where = _within(circle, each)
        angle, half = angle_to(circle), half_field(match)
        if by_circle:
            inside.append(f"({where} AND {angle} + {half} <= {circle.radius - SLACK!r})")
            where += f" AND {angle} + {half} > {circle.radius - SLACK!r}"
        alternatives.append(f"{where} AND {_may_reach(circle, match)}")
    columns = ", ".join((f"{_O}.obs_number", f"{_O}.healpix", *LOOKS))
    return session.run_numeric(columns, "observation", alternatives), inside


def enclosing_circle(region: Region) -> Circle:
    """Return a circle that holds a region.

    Raises:
        InvalidQueryError: it would be no cap smaller than a hemisphere.
    """
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


def reach_of(session: Session, match: Match) -> list[Reach]:
    """Return the classes of fields of view that the archive has."""
    if match == "center":
        return [Reach(None, 0.0, None)]
    largest = session.largest_field
    bounds = [(low, high) for low, high in pairwise((0.0, *FIELDS)) if low < largest] or [(0.0, 0.0)]
    return [Reach(low or None, min(high, largest), None if high >= largest else high) for low, high in bounds]


def in_class(reach: Reach) -> tuple[str, ...]:
    """Return the conditions that a row is of a class."""
    above = () if reach.above is None else (f"{FIELD} > {reach.above!r}",)
    return above if reach.until is None else (*above, f"{FIELD} <= {reach.until!r}")


def _within(circle: Circle, reach: Reach) -> str:
    """Return the condition that a row of a class may meet a circle, by its HEALPix index."""
    parts = [*in_class(reach)]
    ranges = healpix_ranges(circle.ra, circle.dec, min(180.0, circle.radius + reach.largest / 2 + SLACK))
    if ranges is None:
        parts.append(f"{_O}.s_ra IS NOT NULL")
    else:
        parts.append(f"{_O}.healpix BETWEEN {ranges[0][0]} AND {ranges[-1][1]}")
        parts.append("(" + " OR ".join(f"{_O}.healpix BETWEEN {first} AND {last}" for first, last in ranges) + ")")
    return " AND ".join(parts)


def _may_reach(circle: Circle, match: Match) -> str:
    """Return the condition that a row's own circle reaches another, but for rounding."""
    return f"{angle_to(circle)} <= {circle.radius + SLACK!r} + {half_field(match)}"


def half_field(match: Match) -> str:
    """Return how far from its centre a row may be met, in degrees."""
    return "0e0" if match == "center" else f"{FIELD} * 5e-1"


def angle_to(circle: Circle, *, ra_column: str = f"{_O}.s_ra", dec_column: str = f"{_O}.s_dec") -> str:
    """Return the angle in degrees between a row's position and the centre of a circle (half-chord formula)."""
    ra, dec = math.radians(circle.ra), math.radians(circle.dec)
    alpha, delta = f"radians({ra_column})", f"radians({dec_column})"
    x = f"pow(cos({delta}) * cos({alpha}) - ({double_text(math.cos(dec) * math.cos(ra))}), 2)"
    y = f"pow(cos({delta}) * sin({alpha}) - ({double_text(math.cos(dec) * math.sin(ra))}), 2)"
    z = f"pow(sin({delta}) - ({double_text(math.sin(dec))}), 2)"
    return f"({double_text(math.degrees(2.0))} * asin(least(1e0, sqrt({x} + {y} + {z}) * 5e-1)))"


def _among(session: Session, numbers: NDArray[np.int64], indices: NDArray[np.int64]) -> str:
    """Return the condition that a row is one of these, with what lets the engine skip the rest of the table."""
    near = _clusters(np.sort(indices))
    if len(numbers) <= _FEW:
        return f"({near} AND {_O}.obs_number IN ({', '.join(map(str, numbers.tolist()))}))"
    session.offer(_SKY_HITS, pa.table({"obs_number": numbers}))
    return f"({near} AND {_O}.obs_number IN (SELECT obs_number FROM {_SKY_HITS}))"


def _clusters(indices: NDArray[np.int64]) -> str:
    """Return a condition that covers sorted HEALPix indices by a few ranges, split at the widest gaps."""
    gaps = np.diff(indices)
    cuts = np.sort(np.argsort(gaps)[-(_MOST_CLUSTERS - 1) :]) if len(gaps) else np.array([], dtype=np.int64)
    starts, ends = indices[np.r_[0, cuts + 1]], indices[np.r_[cuts, len(indices) - 1]]
    ranges = (f"{_O}.healpix BETWEEN {start} AND {end}" for start, end in zip(starts, ends, strict=True))
    return "(" + " OR ".join(ranges) + ")"
