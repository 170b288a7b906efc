"""A table on its way from an engine to a reader: columns at once, rows in Arrow batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from deepfield.model.tables import Column


class RowStream:
    """Rows to be read once, in batches whose columns stand in the order of ``columns``.

    ``batches`` may be a generator; it is closed with the stream, so that a reader who goes away stops the query. It
    may raise an ArchiveError on the way: formats that can tell so write it after the rows, others break off.

    To learn whether ``limit`` cuts the rows, hand in an engine that would deliver at least one row more.
    """

    def __init__(
        self,
        columns: Iterable[Column],
        batches: Iterable[pa.RecordBatch],
        *,
        limit: int | None = None,
        snapshot: int | None = None,
    ) -> None:
        self.columns: Final[tuple[Column, ...]] = tuple(columns)
        self.limit: Final = limit
        self.snapshot: Final = snapshot
        self.rows = 0
        """How many rows have been read."""
        self.overflow = False
        """Whether there were more rows than ``limit``; known when the rows have been read."""
        self._batches = iter(batches)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Read the batches, none of them empty, and close the stream."""
        try:
            for batch in self._batches:
                room = batch.num_rows if self.limit is None else self.limit - self.rows
                if batch.num_rows > room:
                    batch, self.overflow = batch.slice(0, room), True  # noqa: PLW2901  the rest is not wanted
                self.rows += batch.num_rows
                if batch.num_rows:
                    yield batch
                if self.overflow:
                    return
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the engine, also when nothing was read."""
        if close := getattr(self._batches, "close", None):
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
