"""Bytes of a file, plain or gzip, read forwards within bounds."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO, Literal, Self

from deepfield.model.errors import UnreadableFileError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

UNPACKED_LIMIT = 4 << 30
"""Bytes that a gzip file may unpack to before it is given up; no JWST product is larger."""

_CHUNK = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"


class ByteSource:
    """A file opened for reading forwards, unpacked on the way where its content is gzip.

    Memory stays at a few blocks whatever the file declares. Use as a context manager.

    Raises:
        UnreadableFileError: the gzip stream is damaged, nested, or unpacks beyond the limit.
    """

    def __init__(self, path: Path, *, unpacked_limit: int = UNPACKED_LIMIT) -> None:
        self._limit = unpacked_limit
        self.name = path.name
        self.packed_size = path.stat().st_size
        self._file: BinaryIO = path.open("rb")
        self._unpacker: zlib._Decompress | None = None
        self._buffer = b""
        self._position = 0
        self.compression: Literal["gzip"] | None = None
        if self._file.read(2) == _GZIP_MAGIC:
            self.compression = "gzip"
            self._unpacker = zlib.decompressobj(wbits=31)
        self._file.seek(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """Bytes of content behind the reader."""
        return self._position

    @property
    def size(self) -> int | None:
        """Bytes of content; None for gzip, which does not say."""
        return None if self.compression else self.packed_size

    def peek(self, count: int) -> bytes:
        """Return the next bytes without passing them; fewer at the end."""
        self._fill(count)
        return self._buffer[:count]

    def read(self, count: int) -> bytes:
        """Return the next bytes; fewer at the end."""
        self._fill(count)
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        self._position += len(taken)
        return taken

    def skip(self, count: int) -> int:
        """Pass bytes unread and return how many there were."""
        if self._unpacker is None:
            there = max(0, min(count, self.packed_size - self._position))
            held = min(there, len(self._buffer))
            self._buffer = self._buffer[held:]
            if there > held:
                self._file.seek(there - held, 1)
            self._position += there
            return there
        skipped = 0
        while skipped < count:
            block = self.read(min(_CHUNK, count - skipped))
            if not block:
                break
            skipped += len(block)
        return skipped

    def _fill(self, count: int) -> None:
        if len(self._buffer) >= count:
            return
        pieces = [self._buffer]
        held = len(self._buffer)
        while held < count:
            piece = self._next(count - held)
            if not piece:
                break
            pieces.append(piece)
            held += len(piece)
        self._buffer = b"".join(pieces)

    def _next(self, wanted: int) -> bytes:
        if self._unpacker is None:
            return self._file.read(max(wanted, _CHUNK))
        if self._position + len(self._buffer) > self._limit:
            raise UnreadableFileError(self.name, f"the gzip content unpacks to more than {self._limit >> 20} MiB")
        return self._unpack(self._unpacker)

    def _unpack(self, unpacker: zlib._Decompress) -> bytes:
        while True:
            if unpacker.eof:
                rest = unpacker.unused_data or self._file.read(_CHUNK)
                if not rest.startswith(_GZIP_MAGIC):  # padding after the last member is ignored, as gzip does
                    return b""
                unpacker = self._unpacker = zlib.decompressobj(wbits=31)
                packed = rest
            else:
                packed = unpacker.unconsumed_tail or self._file.read(_CHUNK)
                if not packed:
                    raise UnreadableFileError(self.name, "the gzip stream ends before its end mark: truncated")
            try:
                unpacked = unpacker.decompress(packed, _CHUNK)
            except zlib.error as error:
                raise UnreadableFileError(self.name, f"the gzip stream is damaged: {error}") from error
            if unpacked:
                return unpacked
