"""Rows to VOTable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pybase64 import b64encode

from deepfield.formats.pieces import pieces_and_error
from deepfield.formats.texts import VOTABLE, lines, table_cells
from deepfield.formats.votable.binary import Packer
from deepfield.formats.votable.document import closing, opening
from deepfield.formats.wire import conform

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from deepfield.formats.document import Document
    from deepfield.model.rows import RowStream


def write_tabledata(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write rows as text cells. A null and an empty text look the same (VOTable 1.4 §4.7 has no other way)."""
    yield f"{opening(stream, document)}<DATA><TABLEDATA>\n".encode()

    def chunk(batch: pa.RecordBatch) -> bytes:
        texts = table_cells(batch, stream.columns, VOTABLE)
        return bytes(lines(texts, opening="<TR><TD>", separator="</TD><TD>", closing="</TD></TR>\n"))

    error = yield from pieces_and_error(stream, chunk)
    yield f"</TABLEDATA></DATA>\n{closing(stream, document, error)}".encode()


def write_binary2(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write rows as BINARY2: every null is told apart."""
    return _write_binary(stream, document, "BINARY2", flags=True)


def write_binary(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write rows as BINARY: a missing integer is the value that its FIELD declares as null.

    Raises:
        InvalidValueError: an integer is the very value that stands for a missing one.
    """
    return _write_binary(stream, document, "BINARY", flags=False)


def _write_binary(stream: RowStream, document: Document, name: str, *, flags: bool) -> Iterator[bytes]:
    yield f'{opening(stream, document, magic=not flags)}<DATA><{name}><STREAM encoding="base64">\n'.encode()
    packer = Packer(stream.columns, flags=flags)
    rest = b""

    def chunk(batch: pa.RecordBatch) -> bytes:
        nonlocal rest
        packed = packer.pack(conform(batch, stream.columns))
        first = min(-len(rest) % 3, len(packed))
        begun = rest + packed[:first]
        if len(begun) % 3:  # still too few for three
            rest = begun
            return b"\n"
        whole = first + (len(packed) - first) // 3 * 3
        rest = bytes(packed[whole:])
        return b"".join((b64encode(begun), b64encode(packed[first:whole]), b"\n"))

    error = yield from pieces_and_error(stream, chunk)
    tail = b64encode(rest).decode() if rest else ""
    yield f"{tail}</STREAM></{name}></DATA>\n{closing(stream, document, error)}".encode()
