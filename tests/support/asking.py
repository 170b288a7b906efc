"""A made-up archive that answers ADQL in this process, and what its answers must be, worked out row by row."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from deepfield.access.principal import ANONYMOUS
from deepfield.catalogue.database import Database
from deepfield.catalogue.feed import Feed
from deepfield.catalogue.published import load_published
from deepfield.catalogue.schema import SNAPSHOT, TABLES
from deepfield.catalogue.versions import begin_rows
from deepfield.query.engines.adql import AdqlEngine, Question, prepare
from deepfield.replica import Replica
from deepfield.services.describe import describe
from support.synthetic import NOW, observation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deepfield.model.tables import Column

Row = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """An answer, read to its end."""

    columns: tuple[Column, ...]
    table: pa.Table
    snapshot: int

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return list(zip(*(column.to_pylist() for column in self.table.columns), strict=True)) if self.columns else []

    @property
    def first(self) -> set[Any]:
        """The values of the first column."""
        return {row[0] for row in self.rows}


@dataclass(frozen=True)
class Askable:
    """A catalogue and an engine on its replica."""

    database: Database
    replica: Replica
    engine: AdqlEngine
    observations: list[Row]

    def ask(self, adql: str, **given: Any) -> Told:
        """Ask as anybody may, at ``NOW``."""
        question = {"rule": ANONYMOUS.rule(at=NOW), "base_url": "https://archive.example"} | given
        with self.engine.answer(Question(adql, **question)) as answer:
            batches = list(answer.batches())
            names = [str(number) for number in range(len(answer.columns))]
            tables = [pa.Table.from_batches([batch]).rename_columns(names) for batch in batches]
            table = pa.concat_tables(tables) if tables else pa.table({name: [] for name in names})
            return Told(answer.columns, table, answer.snapshot)

    def close(self) -> None:
        self.replica.close()
        self.database.close()


@contextmanager
def askable(folder: Path, number: int, *, seed: int = 1) -> Iterator[Askable]:
    """Make an archive of observations with a plane and a product each."""
    random = Random(seed)
    database = Database(f"sqlite:///{folder / 'catalogue.sqlite'}")
    database.upgrade()
    rows = [observation(at, random, calib_level=random.choice((1, 2, 3))) for at in range(1, number + 1)]
    file(database, rows)
    published = load_published()
    replica = Replica(
        folder / "replica.duckdb",
        Feed(database),
        memory="500MB",
        threads=1,
        keep_datasets=True,
        prepare=prepare(describe(published), readable=(str(folder),)),
    )
    replica.catch_up()
    made = Askable(database, replica, AdqlEngine(replica, published, _no_lake, authority="archive.example"), rows)
    try:
        yield made
    finally:
        made.close()


def file(database: Database, observations: list[Row]) -> int:
    """Commit observations with their planes and products; return the snapshot."""
    with database.begin() as connection:
        seq = connection.execute(SNAPSHOT.select()).one().seq + 1
        connection.execute(SNAPSHOT.update().values(seq=seq))
        begin_rows(connection, TABLES["observation"], observations, seq)
        begin_rows(connection, TABLES["plane"], [plane_of(row) for row in observations], seq)
        begin_rows(connection, TABLES["artifact"], [product_of(row) for row in observations], seq)
    return seq


def plane_of(row: Row) -> Row:
    plane = {name: row.get(name) for name in TABLES["plane"].c.keys() if name not in {"seq_from", "seq_to"}}  # noqa: SIM118
    return plane | {
        "plane_number": 100_000 + row["obs_number"],
        "product_id": "cal",
        "main_product": f"{row['obs_id']}_cal.fits",
    }


def product_of(row: Row) -> Row:
    product: Row = {name: None for name in TABLES["artifact"].c.keys() if name not in {"seq_from", "seq_to"}}  # noqa: SIM118
    return product | {
        "artifact_number": 200_000 + row["obs_number"],
        "obs_number": row["obs_number"],
        "product_id": "cal",
        "filename": f"{row['obs_id']}_cal.fits",
        "suffix": "cal",
        "extension": "fits",
        "product_type": "SCIENCE",
        "calib_level": 2,
        "description": "calibrated exposure",
        "content_type": "application/fits",
        "content_length": 4321,
        "sha256": f"{row['obs_number']:064x}",
        "version": 1,
        "data_release": row["data_release"],
        "location": "nowhere",
        "linked": False,
        "has_preview": False,
        "archived_at": NOW,
    }


def _no_lake(name: str) -> Any:
    raise AssertionError(name)
