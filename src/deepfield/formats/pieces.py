"""The loop that every writer runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepfield.formats.wire import portions
from deepfield.model.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    import pyarrow as pa

    from deepfield.model.rows import RowStream

    Chunk = Callable[[pa.RecordBatch], bytes]


def pieces(stream: RowStream, chunk: Chunk) -> Iterator[bytes]:
    """Yield the rows, a megabyte or so at a time. An error breaks off, so that nobody takes a part for the whole."""
    for batch in stream:
        for portion in portions(batch):
            yield chunk(portion)


def pieces_and_error(stream: RowStream, chunk: Chunk) -> Generator[bytes, None, str | None]:
    """Yield the rows and return what broke them off, if anything, for formats that can say so at the end."""
    try:
        yield from pieces(stream, chunk)
    except ArchiveError as error:
        return str(error)
    return None
