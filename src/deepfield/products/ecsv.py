"""The rows of ECSV text (APE 6), which are read from the beginning, in pieces."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, Protocol

import pyarrow as pa
from pyarrow import csv as pa_csv
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PIECE_BYTES: Final = 4 << 20
MISSING: Final = ("", "--")
"""What stands for a missing value; quoted as well, since between spaces nothing cannot stand bare."""


class ForwardStream(Protocol):
    """Bytes that are read once, forwards."""

    def read(self, count: int, /) -> bytes:
        """Return the next bytes; fewer at the end."""


def read_batches(
    stream: ForwardStream, types: Mapping[str, pa.DataType], *, missing: Sequence[str] = MISSING
) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a file's rows, in order, a few megabytes at a time.

    Args:
        stream: the file from its beginning, header included.
        types: the columns to read and the types to read them as.
        missing: the texts that stand for missing values.

    Raises:
        pyarrow.ArrowException: a row is not as the types say.
        KeyError: there is no such column.
    """
    body = io.BufferedReader(_Body(stream))
    names = body.peek(1 << 16).split(b"\n", 1)[0]
    reader = pa_csv.open_csv(
        pa.PythonFile(body, mode="r"),
        read_options=pa_csv.ReadOptions(block_size=_PIECE_BYTES, use_threads=False),
        parse_options=pa_csv.ParseOptions(
            delimiter="," if b"," in names and b" " not in names.strip() else " ", newlines_in_values=True
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=types, include_columns=list(types), null_values=list(missing), strings_can_be_null=True,
            true_values=["True", "true", "1"], false_values=["False", "false", "0"],
        ),
    )  # fmt: skip
    yield from (batch for batch in reader if batch.num_rows)


class _Body(io.RawIOBase):
    """What follows the comments at the head of a text, from the line with the names on."""

    def __init__(self, stream: ForwardStream) -> None:
        super().__init__()
        self._stream = stream
        self._rest = self._behind_header()

    def _behind_header(self) -> bytes:
        held = b""
        while chunk := self._stream.read(1 << 16):
            held = (held + chunk).lstrip(b"\r\n")
            while held.startswith(b"#") and b"\n" in held:
                held = held.partition(b"\n")[2].lstrip(b"\r\n")
            if held and not held.startswith(b"#"):
                return held
            held = held[:1]  # of a comment that goes on, its mark is enough
        return b""

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        taken, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        if not taken:
            taken = self._stream.read(len(view))
        view[: len(taken)] = taken
        return len(taken)
