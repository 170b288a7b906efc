"""Sources that pipelines found in images, within a region, as far as the access rule allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepfield.query.sources import sources_within

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa

    from deepfield.access.policy import Readable
    from deepfield.lake import LakeTable
    from deepfield.model.coverage import Region
    from deepfield.model.tables import TableSchema
    from deepfield.query.engines.duckdb import DuckEngine


@dataclass(frozen=True, slots=True)
class FoundSources:
    """Sources as they were at a snapshot."""

    snapshot: int
    table: pa.Table
    truncated: bool
    """Whether there are more than were asked for."""


class Sources:
    """Answers questions about table ``source``."""

    def __init__(self, engine: DuckEngine, lake: LakeTable) -> None:
        self._engine, self._lake = engine, lake

    @property
    def schema(self) -> TableSchema:
        """The description of the table."""
        return self._lake.table

    def files(self) -> tuple[Path, ...]:
        """Return the Parquet files that hold the rows now; they can be read for an hour."""
        return self._lake.files()

    def within(
        self,
        region: Region,
        *,
        rule: Readable,
        columns: Sequence[str] | None = None,
        limit: int = 10_000,
        snapshot: int | None = None,
    ) -> FoundSources:
        """Return at most ``limit`` sources in a region (ICRS), in order of their HEALPix indices.

        Sources without a position are in no region. Without ``columns`` all of them are returned.

        Raises:
            UnknownColumnError: a column is none of the table.
            InvalidQueryError: the snapshot lies in the future, or the region is too large.
            RebuildingError: the replica has nothing to read yet.
        """
        wanted = tuple(self.schema.column(name).name for name in columns or self.schema.names)
        with self._engine.session(snapshot) as session:
            found = sources_within(
                session, self.schema, self.files(), region, rule, columns=wanted, limit=limit + 1, past=session.past
            )
            return FoundSources(session.snapshot, found.slice(0, limit), found.num_rows > limit)
