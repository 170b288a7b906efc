"""Files in one file, as a stream: zip and tar. Nothing is held but one piece, and the size is known beforehand."""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

CHUNK: Final = 1 << 19
BLOCK: Final = 512
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Member:
    """A file to be packed. Its bytes are read when its turn comes; they must be ``size`` of them."""

    path: str
    """Relative, with ``/`` between folders."""
    size: int
    modified: datetime
    """UTC."""
    open: Callable[[], IO[bytes]]

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes in pieces of bounded size.

        Raises:
            EOFError: the file ended early.
        """
        left = self.size
        with self.open() as stream:
            while left:
                piece = stream.read(min(CHUNK, left))
                if not piece:
                    raise EOFError(f"{self.path} ended {left} bytes early")
                left -= len(piece)
                yield piece


def zip_size(members: Sequence[Member]) -> int:
    """Return how long ``zip_stream`` will be, in bytes (APPNOTE 6.3.10 §4.3, with ZIP64 in each local header)."""
    offset, directory = 0, 0
    for member in members:
        name = len(member.path.encode())
        large = (2 if member.size > zipfile.ZIP64_LIMIT else 0) + (offset > zipfile.ZIP64_LIMIT)
        directory += 46 + name + (4 + 8 * large if large else 0)
        offset += 30 + name + 20 + member.size + 24
    many = len(members) > zipfile.ZIP_FILECOUNT_LIMIT
    far = offset > zipfile.ZIP64_LIMIT or directory > zipfile.ZIP64_LIMIT
    return offset + directory + 22 + (76 if many or far else 0)


def zip_stream(members: Sequence[Member]) -> Iterator[bytes]:
    """Yield a zip file of these members, stored as they are: FITS data hardly shrink."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for member in members:
            at = member.modified
            moment = (at.year, at.month, at.day, at.hour, at.minute, at.second)
            info = zipfile.ZipInfo(member.path, max(_EARLIEST, moment))
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=True) as target:
                for piece in member.pieces():
                    target.write(piece)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


def tar_size(members: Sequence[Member]) -> int:
    """Return how long ``tar_stream`` will be, in bytes."""
    return sum(len(_tar_head(member)) + -(-member.size // BLOCK) * BLOCK for member in members) + 2 * BLOCK


def tar_stream(members: Sequence[Member]) -> Iterator[bytes]:
    """Yield a tar file of these members (POSIX.1-2001, pax)."""
    for member in members:
        yield _tar_head(member)
        yield from member.pieces()
        if padding := -member.size % BLOCK:
            yield bytes(padding)
    yield bytes(2 * BLOCK)


def gzip_stream(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield these bytes compressed by gzip (RFC 1952), lightly: the network should wait for it nowhere."""
    squeeze = zlib.compressobj(level=1, wbits=31)
    for piece in pieces:
        if squeezed := squeeze.compress(piece):
            yield squeezed
    yield squeeze.flush()


def _tar_head(member: Member) -> bytes:
    info = tarfile.TarInfo(member.path)
    info.size, info.mtime, info.mode = member.size, int(member.modified.timestamp()), 0o644
    return info.tobuf(tarfile.PAX_FORMAT)


class _Sink(io.RawIOBase):
    """Takes what is written until it is taken away again. It cannot seek, so that nothing is ever patched."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, piece: bytes, /) -> int:  # type: ignore[override]
        self._held.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        held, self._held = b"".join(self._held), []
        return held
