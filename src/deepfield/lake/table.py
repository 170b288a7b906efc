"""A table of the lake: Parquet files, each holding the rows of some contents, listed by a Delta log.

Rows belong to a content, the SHA-256 of the file they were read from, and are never changed. They are current while a
current artifact has these bytes, so that neither new versions nor withdrawals touch the lake.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction, RemoveAction

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from deepfield.model.tables import ColumnType, TableSchema

CONTENTS: Final = b"deepfield.contents"
"""Metadata of a Parquet file: the contents whose rows it holds, as a JSON list."""
SORT: Final = "healpix"
ROW_GROUP: Final = 122_880
_SMALL: Final = 64 << 20
"""Bytes below which a file is worth putting together with others."""
_LARGE: Final = 256 << 20
"""Bytes that a file put together may about have."""
_MANY: Final = 32
"""Small files that are let be."""
_READERS_HOURS: Final = 1
"""How long a file that was replaced stays, for those who read it."""
_SUFFIX: Final = ".parquet"

_TYPES: Final[Mapping[ColumnType, pa.DataType]] = MappingProxyType(
    {
        "string": pa.string(),
        "bool": pa.bool_(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "json": pa.string(),
        "bytes": pa.binary(),
    }
)


def arrow_schema(table: TableSchema) -> pa.Schema:
    """Return the Arrow schema of what a table keeps."""
    return pa.schema([pa.field(column.name, _TYPES[column.type], column.nullable) for column in table.stored])


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the table: its name, bytes and the contents it holds."""

    name: str
    size: int
    contents: frozenset[str]


class LakeTable:
    """One Delta table in a folder.

    Any process may write the file of a content and read; ``add``, ``remove`` and ``compact`` ask that their caller
    holds the catalogue's writers' lock, so that one at a time appends to the log.
    """

    def __init__(self, folder: Path, table: TableSchema) -> None:
        self.folder: Final = folder
        self.table: Final = table
        self.schema: Final = arrow_schema(table)
        self._known: dict[str, Part] = {}

    def files(self) -> tuple[Path, ...]:
        """Return the Parquet files that hold the rows now; they can be read for an hour whatever happens."""
        delta = self._open()
        return () if delta is None else tuple(self.folder / name for name in sorted(_names(delta)))

    def path_of(self, content: str) -> Path:
        """Return where the file of a content is written, before it is added."""
        return self.folder / f"{content}{_SUFFIX}"

    def write(self, content: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Write the file of a content, each batch sorted by itself, and return its rows; readable once it is added.

        Safe from several processes at once. A file that is there is left alone.
        """
        path = self.path_of(content)
        if path.exists():
            return int(pq.read_metadata(path).num_rows)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        schema = self.schema.with_metadata({CONTENTS: json.dumps([content]).encode()})
        rows = 0
        try:
            with pq.ParquetWriter(part, schema, compression="zstd") as writer:
                for batch in batches:
                    table = pa.Table.from_batches([batch], self.schema).sort_by(SORT)
                    writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=ROW_GROUP)
                    rows += batch.num_rows
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return rows

    def holds(self, content: str) -> bool:
        """Tell whether the rows of a content are in the table, or its file waits to be added."""
        return self.path_of(content).exists() or content in self.contents()

    def contents(self) -> frozenset[str]:
        """Return every content that has rows (or none to give) in the table."""
        return frozenset().union(*(part.contents for part in self._parts()))

    def add(self, contents: Iterable[str]) -> int:
        """Let the rows of written contents be part of the table; return how many contents are new."""
        there = self.contents()
        names = [self.path_of(content).name for content in sorted(set(contents) - there)]
        if names:
            self._commit([self._added(name) for name in names], [])
        return len(names)

    def remove(self, contents: Collection[str]) -> int:
        """Take contents out of the table and remove their files; return how many there were."""
        gone = set(contents)
        removed: set[str] = set()
        fewer: list[Part] = []
        for part in self._parts():
            if part.contents <= gone:
                fewer.append(part)
            elif part.contents & gone:
                self._rewrite([part], part.contents - gone)
            removed |= part.contents & gone
        if fewer:
            self._commit([], fewer)
        waiting = {path.name for path in self.folder.glob(f"*{_SUFFIX}")} if gone else set()
        for content in gone:
            path = self.path_of(content)
            if path.name in waiting:
                path.unlink(missing_ok=True)
                removed.add(content)
        return len(removed)

    def sweep(self) -> int:
        """Remove half-written files; asks that nobody writes. Returns how many there were."""
        parts = list(self.folder.glob(".*.part"))
        for part in parts:
            part.unlink(missing_ok=True)
        return len(parts)

    def compact(self, *, many: int = _MANY) -> int:
        """Where there are more than ``many`` small files, put some together, sorted by position; return how many.

        Call it until there are none, each time under the lock for itself.
        """
        small = [part for part in self._parts() if part.size < _SMALL]
        delta = self._open()
        if len(small) <= many or delta is None:
            return 0
        group: list[Part] = []
        for part in small:
            if sum(each.size for each in group) < _LARGE:
                group.append(part)
        self._rewrite(group, frozenset().union(*(part.contents for part in group)))
        delta.update_incremental()
        delta.vacuum(_READERS_HOURS, dry_run=False, enforce_retention_duration=False)
        return len(group)

    def _open(self) -> DeltaTable | None:
        return DeltaTable(self.folder) if (self.folder / "_delta_log").is_dir() else None

    def _parts(self) -> list[Part]:
        delta = self._open()
        if delta is None:
            return []
        names = _names(delta)
        for name in names - self._known.keys():
            path = self.folder / name
            said = json.loads((pq.read_metadata(path).metadata or {})[CONTENTS])
            self._known[name] = Part(name, path.stat().st_size, frozenset(said))
        return [self._known[name] for name in sorted(names)]

    def _added(self, name: str) -> AddAction:
        path = self.folder / name
        status, footer = path.stat(), pq.read_metadata(path)
        statistics = {"numRecords": footer.num_rows, **_extremes(footer, self.schema.get_field_index(SORT))}
        return AddAction(name, status.st_size, {}, int(status.st_mtime * 1000), True, json.dumps(statistics))  # noqa: FBT003

    def _commit(self, added: Sequence[AddAction], removed: Sequence[Part], *, changes: bool = True) -> None:
        delta = self._open()
        if delta is None:
            delta = DeltaTable.create(
                self.folder, self.schema, name=self.table.name, description=self.table.description
            )
        now = int(time.time() * 1000)
        gone = [RemoveAction(part.name, changes, now, size=part.size) for part in removed]
        delta.create_write_transaction([*added, *gone], "append", self.schema)

    def _rewrite(self, parts: Sequence[Part], contents: frozenset[str]) -> None:
        """Write the rows of some contents of these files into one new file, which takes their place."""
        name = f"{secrets.token_hex(16)}{_SUFFIX}"
        wanted = ", ".join(f"'{content}'" for content in sorted(contents))
        files = ", ".join("'" + str(self.folder / part.name).replace("'", "''") + "'" for part in parts)
        with duckdb.connect(
            config={"memory_limit": "1GB", "temp_directory": str(self.folder / ".spill")}
        ) as connection:
            rows = connection.sql(
                f"SELECT * FROM read_parquet([{files}]) WHERE sha256 IN ({wanted}) ORDER BY {SORT}, sha256, row_number"
            )
            schema = self.schema.with_metadata({CONTENTS: json.dumps(sorted(contents)).encode()})
            part_file = self.folder / f".{name}.part"
            try:
                with pq.ParquetWriter(part_file, schema, compression="zstd") as writer:
                    for batch in rows.to_arrow_reader(ROW_GROUP):
                        table = pa.Table.from_batches([batch]).cast(self.schema)
                        writer.write_table(table.replace_schema_metadata(schema.metadata))
                part_file.replace(self.folder / name)
            finally:
                part_file.unlink(missing_ok=True)
        self._commit([self._added(name)], parts)


def _names(delta: DeltaTable) -> set[str]:
    return {Path(uri).name for uri in delta.file_uris()}


def _extremes(footer: pq.FileMetaData, column: int) -> dict[str, dict[str, int]]:
    """Return least and largest position, which let an engine pass over the file."""
    found = [footer.row_group(group).column(column).statistics for group in range(footer.num_row_groups)]
    known = [each for each in found if each is not None and each.has_min_max]
    if not known:
        return {}
    return {
        "minValues": {SORT: min(each.min for each in known)},
        "maxValues": {SORT: max(each.max for each in known)},
    }
