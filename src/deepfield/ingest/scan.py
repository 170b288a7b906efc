"""Finds files: recursively, each exactly once, never caught in a loop of links."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Found:
    """A file that can be read, or a place where one should be and cannot."""

    path: str
    """Absolute, as it was met; links in it are not resolved."""
    size: int = 0
    mtime_ns: int = 0
    problem: str | None = None
    """Why it cannot be read, in words."""

    @property
    def name(self) -> str:
        return os.path.basename(self.path)  # noqa: PTH119  a Path for each of millions of files is slow


def scan(paths: Iterable[Path]) -> list[Found]:
    """Find every file under these paths, ordered by file name so that the files of an observation are neighbours.

    A file reached in several ways (overlapping paths, links) is found once, by the way that has no link if there is
    one. Folders and files that cannot be read, links that lead nowhere or in a circle and things that are no files are
    found with their ``problem``.
    """
    walk = _Walk()
    found = [file for path in paths for file in walk.visit(Path(os.path.abspath(path)))]  # noqa: PTH100  keeps links
    found += walk.follow()
    return sorted(found, key=lambda file: (file.name, file.path))


class _Walk:
    def __init__(self) -> None:
        self._folders: set[tuple[int, int]] = set()
        self._files: set[str] = set()
        self._links: list[Path] = []

    def visit(self, path: Path) -> Iterator[Found]:
        """Find files without following links, which are put by for later."""
        try:
            status = path.lstat()
        except OSError as error:
            yield _problem(path, _reason(error))
            return
        if stat.S_ISLNK(status.st_mode):
            self._links.append(path)
        elif stat.S_ISDIR(status.st_mode):
            yield from self._folder(path, status)
        else:
            yield from self._file(path, status, str(path))

    def follow(self) -> Iterator[Found]:
        """Follow the links that were put by, and those met on the way."""
        while self._links:
            yield from self._link(self._links.pop(0))

    def _link(self, path: Path) -> Iterator[Found]:
        try:
            target = path.resolve(strict=True)
            status = target.stat()
        except (OSError, RuntimeError) as error:  # resolve() calls a circle of links a RuntimeError
            yield _problem(path, _reason(error))
            return
        if not stat.S_ISDIR(status.st_mode):
            yield from self._file(path, status, str(target))
        elif path.parent.resolve().is_relative_to(target):
            yield _problem(path, f"a link that leads back to {target}, which holds it")
        else:
            yield from self._folder(path, status)

    def _folder(self, path: Path, status: os.stat_result) -> Iterator[Found]:
        identity = (status.st_dev, status.st_ino)
        if identity in self._folders:
            return
        self._folders.add(identity)
        try:
            with os.scandir(path) as entries:
                names = sorted(entry.name for entry in entries)
        except OSError as error:
            yield _problem(path, _reason(error))
            return
        for name in names:
            yield from self.visit(path / name)

    def _file(self, path: Path, status: os.stat_result, real: str) -> Iterator[Found]:
        if real in self._files:
            return
        self._files.add(real)
        if not stat.S_ISREG(status.st_mode):
            yield _problem(path, "not a file but a device, pipe or socket")
        elif not _is_text(path):
            yield _problem(path, "its path is not text in UTF-8; rename it")
        else:
            yield Found(str(path), size=status.st_size, mtime_ns=status.st_mtime_ns)


def _problem(path: Path, problem: str) -> Found:
    """Return a place without a file that can be read; bytes of its path that are no text are written as escapes."""
    return Found(str(path).encode("utf-8", "backslashreplace").decode(), problem=problem)


def _is_text(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return (
            "nothing is there" if not isinstance(error.filename, str) else "nothing is there, or a link leads nowhere"
        )
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, RuntimeError) or (isinstance(error, OSError) and error.errno == errno.ELOOP):
        return "a link that leads in a circle"
    return str(error)
