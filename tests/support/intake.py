"""An archive with everything that ingest needs and nothing else, in a folder."""

from dataclasses import dataclass
from pathlib import Path

from deepfield.catalogue.database import Database
from deepfield.catalogue.observations import Observations
from deepfield.catalogue.outbox import Outbox
from deepfield.catalogue.sources import SourceFiles
from deepfield.ingest.archivist import Archivist
from deepfield.ingest.journal import Journals
from deepfield.ingest.leftovers import Leftovers
from deepfield.ingest.pipeline import Pipeline
from deepfield.lake import SourceLake
from deepfield.missions.jwst.tables import JwstTables
from deepfield.products.store import Store
from deepfield.services.audit import Audit
from deepfield.services.intake import Intake


@dataclass
class Bench:
    home: Path
    database: Database
    observations: Observations
    store: Store
    intake: Intake
    audit: Audit
    archivist: Archivist
    lake: SourceLake

    @property
    def previews(self) -> Path:
        return self.home / "previews"

    def rows(self, query: str) -> list:
        with self.database.read() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]


def open_bench(
    home: Path,
    url: str | None = None,
    *,
    workers: int = 1,
    seconds: float = 120,
    files_per_commit: int = 200,
    tables: Path | None = None,
) -> Bench:
    database = Database(url or f"sqlite:///{home / 'catalogue.sqlite'}")
    database.upgrade()
    observations, store, previews = Observations(), Store(str(home / "store")), home / "previews"
    mission = JwstTables.load(tables)
    archivist = Archivist(observations, sources := SourceFiles(), Outbox(), mission)
    lake = SourceLake(home / "lake", mission.source_columns)
    leftovers = Leftovers(database, observations, store, previews, lake)
    pipeline = Pipeline(
        database,
        observations,
        sources,
        archivist,
        leftovers,
        journals=Journals(home / "journals"),
        previews=previews,
        lake=lake,
        store_address=str(home / "store"),
        release_table=home / "release.toml",
        tables=tables,
        workers=workers,
        seconds_per_file=seconds,
        files_per_commit=files_per_commit,
    )
    intake = Intake(database, observations, pipeline, archivist, leftovers)
    return Bench(home, database, observations, store, intake, Audit(database, observations, store), archivist, lake)
