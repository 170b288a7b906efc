"""Many places at once: which observations meet any of them, and which place each observation meets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import hpgeom
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp, parse_one

from deepfield.model.coverage import to_vectors
from deepfield.model.errors import InvalidQueryError
from deepfield.model.tables import Column
from deepfield.query.lower import OBSERVATION, column, numeric
from deepfield.query.outlines import Outlines
from deepfield.query.regions import LOOK_PREFIX, LOOKS, ORDER, SLACK, half_field, in_class, reach_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from deepfield.query.engines.duckdb import Session
    from deepfield.query.filters import Match
    from deepfield.query.regions import Reach
    from deepfield.query.scope import Scope

HIT: Final = "m"
"""Alias of what is known of a match, in trees of a search for targets."""
MATCHED: Final[Mapping[str, Column]] = {
    each.name: each
    for each in (
        Column(
            "matched_target",
            "string",
            "The nearest target of the list that the observation matches, as the list calls it",
            caption="Target of the list",
            ucd="meta.id",
        ),
        Column(
            "target_separation",
            "float64",
            "Angle from that target to the centre of the observation",
            caption="Separation",
            unit="arcsec",
            ucd="pos.angDistance",
        ),
        Column(
            "matched_targets",
            "int32",
            "How many targets of the list the observation matches",
            caption="Targets matched",
            ucd="meta.number",
        ),
    )
}
"""Columns that a search for the targets of a list has beside those of the observations."""
MOST_RADIUS: Final = 10.0
"""Degrees."""
MOST_PAIRS: Final = 2_000_000
"""Observations by targets that may lie near each other, before the exact test."""
_TABLE: Final = "target_matches"
_PAIRS: Final = "target_pairs"
_NEAR: Final = "target_cells"
_STEP: Final = 100_000
"""Pairs tested at a time, which bounds memory."""
_WIDTH: Final = 58.6
"""Degrees of a HEALPix cell of order 0."""
_ARCSEC: Final = 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The places of a list, ICRS degrees, and how far around each is searched."""

    list_id: str
    names: tuple[str, ...]
    ra: NDArray[np.float64]
    dec: NDArray[np.float64]
    radius: float
    """Degrees."""

    @property
    def key(self) -> tuple[str, float]:
        """What tells two of them apart: a list never changes."""
        return self.list_id, self.radius


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """The observations that meet targets."""

    rows: pa.Table
    """``obs_number`` and the columns ``MATCHED``, one row for each observation."""
    pairs: pa.Table
    """``obs_number`` and ``target``, the place of the target among them; one row for each that meet."""

    def offer(self, session: Session) -> None:
        """Let trees of a session join them."""
        session.offer(_TABLE, self.rows)

    def join(self, tree: exp.Select) -> exp.Select:
        """Return the tree restricted to the observations that meet targets."""
        on = exp.column("obs_number", HIT).eq(column("obs_number"))
        return tree.join(exp.to_table(_TABLE, alias=HIT), on=on, join_type="inner", copy=False)


def find_matches(session: Session, targets: Targets, match: Match) -> Matches:
    """Find the observations whose footprint (or centre) meets a circle around one of the targets.

    Raises:
        InvalidQueryError: so many observations lie so near to so many targets that it would take too long.
    """
    numbers, target, away = _pairs_nearby(session, targets, match)
    if match == "footprint" and len(numbers):
        met = _meet(session, targets, numbers, target)
        numbers, target, away = numbers[met], target[met], away[met]
    order = np.lexsort((target, away, numbers))
    numbers, target, away = numbers[order], target[order], away[order]
    found, first, counts = np.unique(numbers, return_index=True, return_counts=True)
    names = pa.array(targets.names, pa.string())
    rows = {
        "obs_number": found,
        "matched_target": names.take(pa.array(target[first])),
        "target_separation": away[first] * _ARCSEC,
        "matched_targets": counts.astype(np.int32),
    }
    return Matches(pa.table(rows), pa.table({"obs_number": numbers, "target": target}))


def count_by_target(session: Session, scope: Scope, matches: Matches, number: int) -> list[int]:
    """Count for each of so many targets the observations of a scope that meet it."""
    session.offer(_PAIRS, matches.pairs)
    on = exp.column("obs_number", "p").eq(column("obs_number"))
    tree = scope.select().join(exp.to_table(_PAIRS, alias="p"), on=on, join_type="inner", copy=False)
    target = exp.column("target", "p")
    tree = tree.select(target, exp.alias_(exp.Count(this=exp.Star()), "n"), copy=False).group_by(target.copy())
    rows = session.run(tree)
    counts = np.zeros(number, dtype=np.int64)
    counts[rows["target"].to_numpy()] = rows["n"].to_numpy()
    found: list[int] = counts.tolist()
    return found


def _pairs_nearby(
    session: Session, targets: Targets, match: Match
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Return the pairs whose circles reach each other: observation, target, and the angle between them in degrees.

    Joined by HEALPix cells, a class of fields of view at a time.
    """
    vectors = to_vectors(list(zip(targets.ra.tolist(), targets.dec.tolist(), strict=True)))
    found: list[pa.Table] = []
    room = MOST_PAIRS
    for reach in reach_of(session, match):
        cells, shift = _cells(targets, reach)
        at = cells["target"].to_numpy()
        for axis, values in zip("xyz", vectors.T, strict=True):
            cells = cells.append_column(axis, pa.array(values[at]))
        session.offer(_NEAR, cells)
        rows = session.run(_pairs_tree(reach, shift, targets.radius, match), limit=room + 1)
        if rows.num_rows > room:
            raise InvalidQueryError(
                "targets",
                targets.list_id,
                f"fewer targets or a smaller radius: more than {MOST_PAIRS} times an observation lies near a target",
            )
        room -= rows.num_rows
        found.append(rows)
    pairs = pa.concat_tables(found)
    angles = np.degrees(2.0 * np.arcsin(np.minimum(1.0, np.sqrt(pairs["chord2"].to_numpy()) / 2.0)))
    return pairs["obs_number"].to_numpy(), pairs["target"].to_numpy(), angles


def _cells(targets: Targets, reach: Reach) -> tuple[pa.Table, int]:
    """Return the cells that hold what may meet each target, and by how many bits they are coarser than the index."""
    size = targets.radius + reach.largest / 2 + SLACK
    order = min(ORDER, math.floor(math.log2(_WIDTH / (2.0 * size))))
    places = np.arange(len(targets.ra), dtype=np.int32)
    if order < 0:  # a single cell that is the whole sky
        return pa.table({"target": places, "cell": np.zeros(len(places), dtype=np.int64)}), 2 * ORDER + 4
    around = [
        hpgeom.query_circle(
            1 << order, ra, dec, size, inclusive=True, fact=4, nest=True, lonlat=True, degrees=True
        )
        for ra, dec in zip(targets.ra.tolist(), targets.dec.tolist(), strict=True)
    ]  # fmt: skip
    counts = [len(each) for each in around]
    cells = np.concatenate(around) if around else np.zeros(0)
    return pa.table({"target": np.repeat(places, counts), "cell": cells.astype(np.int64)}), 2 * (ORDER - order)


def _pairs_tree(reach: Reach, shift: int, radius: float, match: Match) -> exp.Select:
    # made of our own names and numbers
    placed = " AND ".join((f"{OBSERVATION}.s_ra IS NOT NULL", *in_class(reach)))
    ra, dec = f"radians({OBSERVATION}.s_ra)", f"radians({OBSERVATION}.s_dec)"
    far = f"least(18e1, {radius + SLACK!r} + {half_field(match)})"
    tree = parse_one(
        "SELECT s.obs_number, c.target, "
        "(s.x - c.x) * (s.x - c.x) + (s.y - c.y) * (s.y - c.y) + (s.z - c.z) * (s.z - c.z) AS chord2 "
        f"FROM (SELECT {OBSERVATION}.obs_number, {OBSERVATION}.healpix >> {shift} AS cell, "
        f"cos({dec}) * cos({ra}) AS x, cos({dec}) * sin({ra}) AS y, sin({dec}) AS z, "
        f"2e0 * sin(radians({far}) / 2e0) AS far FROM observation AS {OBSERVATION} WHERE {placed}) AS s "
        f"JOIN {_NEAR} AS c ON s.cell = c.cell "
        "WHERE (s.x - c.x) * (s.x - c.x) + (s.y - c.y) * (s.y - c.y) + (s.z - c.z) * (s.z - c.z) <= s.far * s.far",
        dialect="duckdb",
    )
    assert isinstance(tree, exp.Select)
    return tree


def _meet(
    session: Session, targets: Targets, numbers: NDArray[np.int64], target: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Test each pair exactly."""
    distinct = np.unique(numbers)
    session.offer(_PAIRS, pa.table({"obs_number": distinct}))
    looks = parse_one(
        f"SELECT {OBSERVATION}.obs_number FROM observation AS {OBSERVATION} "
        f"WHERE {OBSERVATION}.obs_number IN (SELECT obs_number FROM {_PAIRS})",
        dialect="duckdb",
    )
    assert isinstance(looks, exp.Select)
    rows = session.run(looks.select(*(numeric(look) for look in LOOKS), copy=False))
    rows = rows.sort_by("obs_number").combine_chunks()
    ra, dec = (rows[f"{LOOK_PREFIX}{name}"].to_numpy() for name in ("ra", "dec"))
    vertices, texts = (rows[f"{LOOK_PREFIX}{name}"].combine_chunks() for name in ("vertices", "text"))
    places = np.searchsorted(rows["obs_number"].to_numpy(), numbers)
    met = np.zeros(len(numbers), dtype=np.bool_)
    for start in range(0, len(numbers), _STEP):
        own, theirs = places[start : start + _STEP], target[start : start + _STEP]
        taken = pa.array(own)
        outlines = Outlines.stored(pc.take(vertices, taken), pc.take(texts, taken), ra[own], dec[own])
        met[start : start + _STEP] = outlines.meet_circles(targets.ra[theirs], targets.dec[theirs], targets.radius)
    return met
