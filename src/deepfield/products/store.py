"""Where the bytes of products live: a folder, or an object store through fsspec.

A location is what the catalogue remembers of a file's place. It is either a key of the store,
``<first two of sha256>/<sha256>/<file name>``, for bytes that were copied into it, or the absolute path of a linked
file that stays where its operator keeps it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from deepfield.model.errors import InvalidValueError, StorageError, UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 1 << 20
_KEY = re.compile(r"(?P<head>[0-9a-f]{2})/(?P<sha256>(?P=head)[0-9a-f]{62})/(?P<filename>[^/\\\x00-\x1f]+)")
_INCOMING = "incoming"


def digest(path: Path) -> tuple[str, int]:
    """Return the SHA-256 (hexadecimal) and the size in bytes of a file, read once in bounded memory."""
    checksum, size = hashlib.sha256(), 0
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            checksum.update(view[:count])
            size += count
    return checksum.hexdigest(), size


def key_of(sha256: str, filename: str) -> str:
    """Return the key under which the store keeps these bytes.

    Raises:
        InvalidValueError: the checksum or the file name cannot be one; no key ever leaves the store's folder.
    """
    key = f"{sha256[:2]}/{sha256}/{filename}"
    return _checked(key)


def _checked(key: str) -> str:
    match = _KEY.fullmatch(key)
    if match is None or match["filename"] in {".", ".."}:
        raise InvalidValueError("location", key, "<first two of sha256>/<sha256>/<plain file name>")
    return key


class Store:
    """Product files by content. Writing is atomic: a key holds all of its bytes or does not exist.

    ``address`` is a folder or any address that fsspec understands (``s3://bucket/prefix``, ``memory://``).
    Opening and asking for the status also take the absolute path of a linked file; writing and removing never do.
    """

    def __init__(self, address: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(address)
        self._local = isinstance(self._files, LocalFileSystem)

    def put(self, path: Path, sha256: str, filename: str) -> str:
        """Copy a file into the store and return its location; the same bytes are stored once.

        Raises:
            UnreadableFileError: the bytes read are not those that the checksum was taken of.
            StorageError: the store cannot take the file, for instance because its disk is full; nothing is left behind.
        """
        key = key_of(sha256, filename)
        try:
            if not self._holds(key, path.stat().st_size):
                if self._local:
                    self._put_local(path, sha256, key)
                else:
                    self._put_remote(path, sha256, key)
        except OSError as error:
            reason = "its disk is full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else str(error)
            raise StorageError(filename, reason) from error
        return key

    def remove(self, location: str) -> None:
        """Remove a stored file; nothing happens where there is none.

        Raises:
            InvalidValueError: the location is not a key of the store. Linked files are never removed.
        """
        address = self._address(_checked(location))
        if not self._local:
            if self._files.exists(address):
                self._files.rm_file(address)
            return
        path = Path(address)
        path.unlink(missing_ok=True)
        for folder in path.parents[:2]:
            try:
                folder.rmdir()
            except OSError:
                return

    def stat(self, location: str) -> tuple[int, int | None] | None:
        """Return size in bytes and modification time in nanoseconds (None where the store keeps none), or None."""
        if (path := self._path(location)) is not None:
            try:
                status = path.stat()
            except OSError:
                return None
            return (status.st_size, status.st_mtime_ns) if path.is_file() else None
        try:
            return int(self._files.info(self._address(_checked(location)))["size"]), None
        except FileNotFoundError:
            return None

    def open(self, location: str) -> IO[bytes]:
        """Open a location for reading.

        Raises:
            FileNotFoundError: nothing is there.
        """
        if (path := self._path(location)) is not None:
            return path.open("rb", buffering=0)
        stream: IO[bytes] = self._files.open(self._address(_checked(location)), "rb")
        return stream

    def local_path(self, location: str) -> Path | None:
        """Return the path of a location on this machine, or None when it lives in an object store."""
        return self._path(location)

    def locations(self) -> Iterator[str]:
        """Yield every key of the store, in no particular order; half-written files have none."""
        if not self._files.exists(self._root):
            return
        for address in self._files.find(self._root):
            key = address.removeprefix(self._root).lstrip("/")
            if _KEY.fullmatch(key):
                yield key

    def sweep(self, *, older_than: timedelta = timedelta(days=1)) -> int:
        """Remove what killed writers left half-written longer ago than this; return how many files that were."""
        limit, swept = datetime.now(UTC) - older_than, 0
        for part in self._files.glob(self._address(f"{_INCOMING}/*.part")):
            if self._files.modified(part) < limit:
                self._files.rm_file(part)
                swept += 1
        return swept

    def _address(self, key: str) -> str:
        return f"{self._root.rstrip('/')}/{key}"

    def _path(self, location: str) -> Path | None:
        path = Path(location)
        if path.is_absolute():
            return path
        return Path(self._address(_checked(location))) if self._local else None

    def _holds(self, key: str, size: int) -> bool:
        status = self.stat(key)
        return status is not None and status[0] == size

    def _put_local(self, path: Path, sha256: str, key: str) -> None:
        target = Path(self._address(key))
        part = Path(self._address(_part_name()))
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb", buffering=0) as sink:
                _copy(path, sink, sha256)
                os.fsync(sink.fileno())
            _move_into(target, part)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        for folder in target.parents[:3]:
            _sync_folder(folder)

    def _put_remote(self, path: Path, sha256: str, key: str) -> None:
        part = self._address(_part_name())
        try:
            with self._files.open(part, "wb") as sink:
                _copy(path, sink, sha256)
            self._files.mv(part, self._address(key))
        except BaseException:
            if self._files.exists(part):
                self._files.rm_file(part)
            raise


def _part_name() -> str:
    return f"{_INCOMING}/{secrets.token_hex(8)}.part"


def _move_into(target: Path, part: Path) -> None:
    while True:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.replace(target)
        except FileNotFoundError:  # somebody removed the last product of this folder, and the folder, in between
            if not part.exists():
                raise
        else:
            return


def _copy(path: Path, sink: Any, sha256: str) -> None:
    checksum = hashlib.sha256()
    with path.open("rb", buffering=0) as source:
        while chunk := source.read(CHUNK):
            checksum.update(chunk)
            view = memoryview(chunk)
            while view:
                view = view[sink.write(view) :]
    if checksum.hexdigest() != sha256:
        raise UnreadableFileError(path.name, "it changed while it was being copied")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
