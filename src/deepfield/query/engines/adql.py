"""ADQL to Arrow by DuckDB, on a replica that keeps datasets."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import sqltype

from deepfield.model.errors import (
    ArchiveError,
    InvalidQueryError,
    InvalidValueError,
    MemoryLimitError,
    RebuildingError,
    TimeLimitError,
)
from deepfield.query import frames, sexagesimal, shapes
from deepfield.query.adql.resolve import FEW_ROWS, upload_name
from deepfield.query.adql.sources import Circumstances
from deepfield.query.adql.translate import Translation, Translator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from deepfield.access.policy import Readable
    from deepfield.catalogue.published import PublishedTable
    from deepfield.model.tables import Column
    from deepfield.query.adql.sources import LakeFiles
    from deepfield.query.adql.vocabulary import Version
    from deepfield.replica import Replica

DESCRIBED: Final = "described"
"""The database in memory that holds what TAP_SCHEMA says."""
_BATCH_ROWS: Final = 16_384
_PATIENCE: Final = 10.0
"""Seconds to wait for a replica that is being built."""
_FULL: Final = re.compile(r"out of memory|temp_directory|no space left|failed to offload", re.IGNORECASE)
_DAMAGE: Final = (duckdb.FatalException, duckdb.IOException, duckdb.SerializationException)
_FUNCTIONS: Final[tuple[tuple[str, Callable[..., pa.Array], tuple[str, ...], str], ...]] = (
    ("sky_meet", shapes.meet, ("DOUBLE[]", "VARCHAR", "DOUBLE[]", "VARCHAR"), "BOOLEAN"),
    ("sky_within", shapes.within, ("DOUBLE[]", "VARCHAR", "DOUBLE[]", "VARCHAR"), "BOOLEAN"),
    ("sky_area", shapes.area, ("DOUBLE[]", "VARCHAR"), "DOUBLE"),
    ("sky_centroid", shapes.centroid, ("DOUBLE[]", "VARCHAR"), "DOUBLE[]"),
    ("sky_box", shapes.box, ("DOUBLE", "DOUBLE", "DOUBLE", "DOUBLE"), "DOUBLE[]"),
    ("sky_cell", shapes.cell, ("BIGINT", "DOUBLE", "DOUBLE"), "BIGINT"),
    ("sky_cells", shapes.cells_around, ("BIGINT", "DOUBLE", "DOUBLE", "DOUBLE"), "BIGINT[]"),
    ("sky_moved", shapes.moved, ("DOUBLE",) * 8, "DOUBLE[]"),
    ("sky_propagated", shapes.propagated, ("DOUBLE",) * 8, "DOUBLE[]"),
    ("sky_turned", frames.turned, ("DOUBLE[]", "VARCHAR", "VARCHAR"), "DOUBLE[]"),
    ("hours_as_degrees", sexagesimal.hours, ("VARCHAR",), "DOUBLE"),
    ("degrees_as_degrees", sexagesimal.degrees, ("VARCHAR",), "DOUBLE"),
    ("sky_cell_centre", shapes.cell_centre, ("BIGINT", "BIGINT"), "DOUBLE[]"),
)


@dataclass(frozen=True, slots=True)
class Upload:
    """A table that comes with a query."""

    columns: tuple[Column, ...]
    rows: pa.Table
    """Its columns stand in the order of ``columns``."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query with all that its answer depends on."""

    adql: str
    rule: Readable
    base_url: str
    """Address of the archive, for links in the rows."""
    version: Version = "2.1"
    maxrec: int | None = None
    snapshot: int | None = None
    seconds: float = 60.0
    at_least: int = 0
    """A snapshot that the answer must not be older than."""
    uploads: Mapping[str, Upload] = field(default_factory=dict)


def prepare(
    described: Mapping[str, pa.Table], *, readable: Sequence[str], scratch: str = "1GB"
) -> Callable[[duckdb.DuckDBPyConnection], None]:
    """Return what makes a fresh connection ready: functions, TAP_SCHEMA, and no way out but to ``readable`` folders.

    Queries may use ``scratch`` bytes of disk for what exceeds their memory.
    """

    def ready(connection: duckdb.DuckDBPyConnection) -> None:
        for name, function, parameters, result in _FUNCTIONS:
            connection.create_function(
                name,
                function,
                [sqltype(each) for each in parameters],
                sqltype(result),
                type="arrow",
                null_handling="special",
            )
        connection.execute(f"ATTACH ':memory:' AS {DESCRIBED}")
        for name, rows in described.items():
            connection.register("described_rows", rows)
            connection.execute(f'CREATE TABLE {DESCRIBED}."{name}" AS SELECT * FROM described_rows')
            connection.unregister("described_rows")
        folders = ", ".join("'" + folder.replace("'", "''") + "'" for folder in readable)
        connection.execute(f"SET max_temp_directory_size = '{scratch}'")
        connection.execute(f"SET allowed_directories = [{folders}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")

    return ready


class AdqlEngine:
    """Runs ADQL on the replica of this process."""

    def __init__(
        self,
        replica: Replica,
        tables: Mapping[str, PublishedTable],
        lake: Callable[[str], LakeFiles],
        *,
        authority: str,
    ) -> None:
        self._replica, self._tables, self._lake, self._authority = replica, tables, lake, authority
        self._translator = Translator()

    @contextmanager
    def answer(self, question: Question) -> Iterator[Answer]:
        """Translate a query and open it; its rows are read within the block.

        Raises:
            AdqlError: the query is wrong.
            InvalidQueryError: the snapshot lies in the future.
            RebuildingError: the replica has nothing to read yet.
        """
        if self._replica.wait(min(question.seconds, _PATIENCE)) and self._replica.snapshot < question.at_least:
            self._replica.catch_up()
        with self._replica.cursor() as cursor:
            newest: int = cursor.execute("SELECT snapshot FROM replica_state").fetchall()[0][0]
            if question.snapshot is not None and not 0 <= question.snapshot <= newest:
                raise InvalidQueryError("SNAPSHOT", question.snapshot, f"a whole number from 0 to {newest}")
            given = Circumstances(
                tables=self._tables,
                rule=question.rule,
                past=None if question.snapshot in {None, newest} else question.snapshot,
                largest_field=self._replica.largest_field(cursor, newest),
                lake=self._lake,
                uploads={name: upload.columns for name, upload in question.uploads.items()},
            )
            translation = self._translator.translate(
                question.adql, given=given, version=question.version, maxrec=question.maxrec
            )
            for number, upload in enumerate(question.uploads.values()):
                cursor.register(upload_name(number), _offered(upload))
            values = {
                "now": question.rule.at.replace(tzinfo=None),
                "base_url": question.base_url,
                "authority": self._authority,
            }
            asked = {name: value for name, value in values.items() if name in translation.parameters}
            snapshot = newest if question.snapshot is None else question.snapshot
            yield Answer(
                cursor,
                self._replica.distrust,
                translation,
                values=asked,
                snapshot=snapshot,
                seconds=question.seconds,
            )


class Answer:
    """A translated query, its rows yet to be read."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        distrust: Callable[[], None],
        translation: Translation,
        *,
        values: Mapping[str, Any],
        snapshot: int,
        seconds: float,
    ) -> None:
        self.columns: Final = translation.columns
        self.snapshot: Final = snapshot
        self._cursor, self._distrust = cursor, distrust
        self._sql, self._few, self._most = translation.sql, translation.few, translation.most
        self._values, self._seconds = dict(values), seconds
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Stop the query at once, from another thread."""
        self._cancelled.set()
        self._cursor.interrupt()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Run the query and yield its rows as they come.

        Raises:
            TimeLimitError: it was cancelled.
            MemoryLimitError: it needs more memory than there is.
            InvalidQueryError: a value cannot be worked out, such as a text that is no number in a CAST.
            RebuildingError: the replica turned out to be damaged; it is being rebuilt.
        """
        try:
            if not self._cancelled.is_set():
                yield from self._run()
        except (duckdb.Error, pa.ArrowException, InvalidValueError) as error:
            if not self._cancelled.is_set():
                raise self._meant(error) from error
        if self._cancelled.is_set():
            raise TimeLimitError(self._seconds)

    def _run(self) -> Iterator[pa.RecordBatch]:
        """Run the query: few rows at once, which plans it only once, and others as a stream.

        Where few can be expected they are asked for as such first; if that was wrong, the query begins anew.
        """
        at_once = self._sql if self._most is not None and self._most <= FEW_ROWS else self._few
        if at_once is not None:
            rows = self._cursor.execute(at_once, self._values or None).to_arrow_table()
            if at_once is not self._few or rows.num_rows <= FEW_ROWS:
                yield from rows.to_batches(_BATCH_ROWS)
                return
            del rows
            if self._cancelled.is_set():
                return
        parameters = {"params": self._values} if self._values else {}
        yield from self._cursor.sql(self._sql, **parameters).to_arrow_reader(_BATCH_ROWS)

    def _meant(self, error: Exception) -> ArchiveError:
        """Return what an error of the engine means for who asked."""
        sentence = str(error).splitlines()[0][:300]
        if isinstance(error, duckdb.OutOfMemoryException) or _FULL.search(str(error)):
            return MemoryLimitError()
        if isinstance(error, _DAMAGE):
            self._distrust()
            return RebuildingError(0.0)
        return InvalidQueryError("QUERY", sentence, "values that can be worked out for every row")


def _offered(upload: Upload) -> pa.Table:
    """Return an upload's rows under the names that queries use inside, NaN as no value."""
    columns = [_without_nan(column) for column in upload.rows.columns]
    return pa.table(columns, names=[f"c{number}" for number in range(len(columns))])


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column
