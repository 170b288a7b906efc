"""An atheris harness for uploaded VOTables: ``python tests/fuzz/votable.py [CORPUS] [libFuzzer options]``.

Whatever the bytes, they are refused in words that name the table, or they are a table that comes back as it was when it
is written and read again.
"""

import io
import sys

import atheris

with atheris.instrument_imports(include=["deepfield.formats.votable", "deepfield.formats.uploads"]):
    from deepfield.formats.document import Document
    from deepfield.formats.registry import find_format
    from deepfield.formats.uploads import UploadLimits, read_upload
    from deepfield.model.errors import InvalidUploadError, UploadTooLargeError
    from deepfield.model.rows import RowStream

LIMITS = UploadLimits(rows=200, bytes=1 << 16, columns=20)
AGAIN = UploadLimits(rows=200, bytes=1 << 20, columns=20)
WRITERS = [find_format(f"application/x-votable+xml;serialization={name}") for name in ("TABLEDATA", "BINARY2")]


def read(data: bytes, limits: UploadLimits = LIMITS):
    """Return a table, or None for a refusal."""
    refusal = None
    try:
        return read_upload(io.BytesIO(data), "mine", limits)
    except (InvalidUploadError, UploadTooLargeError) as error:
        refusal = error
    assert "mine" in str(refusal)
    return None


def one(data: bytes) -> None:
    writer = WRITERS[data[:1] == b"\n"]
    # only what begins as XML is read here: Parquet and FITS are other people's readers
    table = read(b"<" + data[1:])
    if table is None:
        return
    assert table.rows.num_columns == len(table.columns)
    written = b"".join(writer.write(RowStream(table.columns, table.rows.to_batches()), Document()))
    again = read(written, AGAIN)
    assert again is not None, written
    assert [(each.name, each.type, each.arraysize) for each in again.columns] == [
        (each.name, each.type, each.arraysize) for each in table.columns
    ], written
    assert again.rows.num_rows == table.rows.num_rows, written


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
