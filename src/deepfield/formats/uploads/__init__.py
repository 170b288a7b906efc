"""Tables that come with a query: read from what people have, bounded, as fast as they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from deepfield.formats.uploads.delimited import read_csv, read_ecsv
from deepfield.formats.uploads.fits import read_fits
from deepfield.formats.uploads.parquet import read_parquet
from deepfield.formats.uploads.source import Readable, Source, UploadLimits
from deepfield.formats.votable.reading import read_votable
from deepfield.formats.wire import schema_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepfield.model.rows import RowStream
    from deepfield.model.tables import Column

__all__ = ["READ", "UploadLimits", "Uploaded", "open_upload", "read_upload"]

READ: Final = ("VOTable 1.0 to 1.5 (TABLEDATA, BINARY, BINARY2)", "CSV", "ECSV", "Parquet", "FITS binary table")
"""What is read, each also packed by gzip. The content tells which it is, whatever the request says."""
_MAGIC: Final[tuple[tuple[bytes, Callable[[Source], RowStream]], ...]] = (
    (b"PAR1", read_parquet),
    (b"SIMPLE  =", read_fits),
    (b"# %ECSV", read_ecsv),
    (b"\xff\xfe", read_votable),
    (b"\xfe\xff", read_votable),
    (b"\0<", read_votable),
    (b"<", read_votable),
)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A table as it was sent."""

    columns: tuple[Column, ...]
    rows: pa.Table
    """Its columns stand in the order of ``columns``."""


def open_upload(content: Readable, name: str, limits: UploadLimits) -> RowStream:
    """Return the columns of a table, and its rows as they are read.

    Raises:
        InvalidUploadError: the table cannot be read: naming it, and the column and row where these are known. The
            stream raises the same for its rows.
        UploadTooLargeError: it exceeds one of the limits; so does the stream.
    """
    source = Source(content, name, limits)
    head = source.peek().removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    read = next((read for magic, read in _MAGIC if head.startswith(magic)), read_csv)
    return read(source)


def read_upload(content: Readable, name: str, limits: UploadLimits) -> Uploaded:
    """Read a table as a whole.

    Raises:
        InvalidUploadError: as ``open_upload``.
        UploadTooLargeError: as ``open_upload``.
    """
    with open_upload(content, name, limits) as stream:
        return Uploaded(stream.columns, pa.Table.from_batches(list(stream), schema_of(stream.columns)))
