"""The bytes of an upload, unpacked and counted."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from deepfield.model.errors import InvalidUploadError, UploadTooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK: Final = 1 << 20


class Readable(Protocol):
    """Anything that gives bytes, fewer than asked for only at its end, if at all."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What a table may measure. ``bytes`` counts what is left when it has been unpacked."""

    rows: int = 1_000_000
    bytes: int = 256 << 20
    columns: int = 1000


class Source:
    """The bytes of one table, unpacked if they are gzip's, never more than the limit.

    Raises:
        UploadTooLargeError: on reading past the limit.
        InvalidUploadError: on reading a damaged gzip stream.
    """

    def __init__(self, content: Readable, table: str, limits: UploadLimits) -> None:
        self.table: Final = table
        self.limits: Final = limits
        self._content = content
        self._left = limits.bytes
        self._ahead = content.read(BLOCK)
        self._unpack: Callable[[int], bytes] = self._plain
        if self._ahead[:2] == b"\x1f\x8b":
            self._inflate = zlib.decompressobj(wbits=31)
            self._unpack = self._unzipped
        self._head = b""

    def peek(self) -> bytes:
        """Return the first bytes and leave them to be read."""
        self._head = self._head or self.read()
        return self._head

    def read(self, size: int = BLOCK) -> bytes:
        """Return the next bytes, up to ``size`` of them; nothing at the end."""
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        data = self._unpack(size)
        self._left -= len(data)
        if self._left < 0:
            raise UploadTooLargeError(self.table, self.limits.bytes)
        return data

    def read_all(self) -> bytes:
        """Return everything there is, for formats that begin at their end."""
        return b"".join(iter(self.read, b""))

    def check_rows(self, rows: int) -> None:
        """Raise if a table of so many rows is too large."""
        if rows > self.limits.rows:
            raise UploadTooLargeError(self.table, self.limits.rows, "rows")

    def check_columns(self, columns: int) -> None:
        """Raise if a table of so many columns is too large."""
        if columns > self.limits.columns:
            raise UploadTooLargeError(self.table, self.limits.columns, "columns")

    def _plain(self, size: int) -> bytes:
        if not self._ahead:
            return self._content.read(size)
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return data

    def _unzipped(self, size: int) -> bytes:
        """Return unpacked bytes: so many at a time, however small the packed ones are."""
        while True:
            if self._inflate.eof:
                packed = self._inflate.unused_data or self._plain(size)
                if not packed.startswith(b"\x1f\x8b"):
                    return b""
                self._inflate = zlib.decompressobj(wbits=31)
            else:
                packed = self._inflate.unconsumed_tail or self._plain(size)
            try:
                data = self._inflate.decompress(packed, size)
            except zlib.error as error:
                raise InvalidUploadError(self.table, f"gzip: {error}", "an undamaged gzip stream") from None
            if data:
                return data
            if not packed and not self._inflate.eof:
                raise InvalidUploadError(self.table, "gzip without its end", "an undamaged gzip stream")
