"""A searchable archive of made-up observations, and what a search of them must find, worked out row by row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any

from deepfield.catalogue.database import Database
from deepfield.catalogue.feed import Feed
from deepfield.catalogue.targets import TargetListStore
from deepfield.query.engines.duckdb import DuckEngine
from deepfield.replica import Replica
from deepfield.services.resolve import Resolve
from deepfield.services.search import Search
from deepfield.services.targets import TargetLists
from support.synthetic import NOW, commit, observation

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Searchable:
    """A catalogue with its replica and the services over it."""

    database: Database
    replica: Replica
    engine: DuckEngine
    resolve: Resolve
    targets: TargetLists
    search: Search

    def rows(self, snapshot: int | None = None) -> list[Row]:
        """Read the observations from the catalogue by plain SQL."""
        alive = "seq_to IS NULL"
        if snapshot is not None:
            alive = f"seq_from <= {snapshot} AND (seq_to IS NULL OR seq_to > {snapshot})"
        with self.database.read() as connection:
            found = connection.exec_driver_sql(f"SELECT * FROM observation WHERE {alive}").mappings()
            return [typed(dict(row)) for row in found]

    def close(self) -> None:
        self.replica.close()
        self.database.close()


def make_archive(folder: Path, number: int, *, seed: int = 1) -> Searchable:
    """Make an archive in three commits: half the rows, the other half, and new versions of some."""
    random = Random(seed)
    database = Database(f"sqlite:///{folder / 'catalogue.sqlite'}")
    database.upgrade()
    replica = Replica(folder / "replica.duckdb", Feed(database), memory="500MB", threads=1)
    rows = [observation(at, random) for at in range(1, number + 1)]
    commit(database, rows[: number // 2])
    replica.catch_up()
    commit(database, rows[number // 2 :])
    revised = rows[:: max(1, number // 50)]
    replica.catch_up()
    commit(database, [observation(row["obs_number"], random) for row in revised], ended=versions(database, revised))
    replica.catch_up()
    engine = DuckEngine(replica)
    resolve = Resolve(engine)
    targets = TargetLists(database, TargetListStore(), resolve, now=lambda: NOW)
    search = Search(engine, resolve, targets, max_page=20_000, now=lambda: NOW)
    return Searchable(database, replica, engine, resolve, targets, search)


def versions(database: Database, rows: Iterable[Row]) -> list[Row]:
    """Return the current versions of these rows."""
    numbers = ", ".join(str(row["obs_number"]) for row in rows)
    with database.read() as connection:
        query = f"SELECT obs_number, seq_from FROM observation WHERE seq_to IS NULL AND obs_number IN ({numbers})"
        return [dict(row) for row in connection.exec_driver_sql(query).mappings()]


def typed(row: Row) -> Row:
    for name in ("moving_target", "is_tso"):
        row[name] = None if row[name] is None else bool(row[name])
    for name in ("data_release", "archived_at", "modified_at"):
        row[name] = None if row[name] is None else datetime.fromisoformat(row[name])
    row["access"] = "public" if row["data_release"] is not None and row["data_release"] <= NOW else "exclusive"
    return row


def in_order(rows: Iterable[Row], keys: Iterable[tuple[str, bool]]) -> list[int]:
    """Return the numbers of rows sorted by (column, descending) keys, missing values last, ties by number."""
    ordered = sorted(rows, key=lambda row: row["obs_number"])
    for name, descending in reversed(list(keys)):
        have = [row for row in ordered if row[name] is not None]
        have.sort(key=lambda row: row[name], reverse=descending)
        ordered = have + [row for row in ordered if row[name] is None]
    return [row["obs_number"] for row in ordered]


def separation(row: Row, ra: float, dec: float) -> float:
    """Return the angle in degrees between a row's centre and a position (Vincenty's formula)."""
    a, d, b, e = (math.radians(value) for value in (row["s_ra"], row["s_dec"], ra, dec))
    across = math.hypot(
        math.cos(e) * math.sin(b - a), math.cos(d) * math.sin(e) - math.sin(d) * math.cos(e) * math.cos(b - a)
    )
    return math.degrees(math.atan2(across, math.sin(d) * math.sin(e) + math.cos(d) * math.cos(e) * math.cos(b - a)))
