"""What is wanted and what it comes down to, whichever archive is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from deepfield.model.errors import TransferError
from deepfield.model.layouts import plain_name

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Wanted:
    """A selection: files by name, observations, searches (``instrument_name=NIRCAM&text=nebula``)."""

    products: tuple[str, ...] = ()
    observations: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    everything: bool = False
    """Not only the recommended products of observations and searches."""
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Narrow to these values, by ``suffix``, ``extension``, ``product_type``, ``calib_level`` or ``detector``."""
    layout: str = "observation"


@dataclass(frozen=True, slots=True)
class Remote:
    """A file that can be fetched."""

    path: str
    """Relative, where the layout puts it."""
    url: str
    size: int | None = None
    """Bytes; None where the archive does not say."""
    sha256: str | None = None
    """None where the archive publishes none: then size alone is verified."""

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A product that cannot be had, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a selection comes down to."""

    remotes: tuple[Remote, ...]
    unavailable: tuple[Unavailable, ...] = ()

    @property
    def size(self) -> int:
        """Bytes, as far as they are known."""
        return sum(remote.size or 0 for remote in self.remotes)


def safe_path(path: str) -> str:
    """Return a relative path that an archive named, which must not leave the folder it is put under.

    Raises:
        TransferError: it is none.
    """
    parts = PurePosixPath(path).parts
    if not parts or any(part != plain_name(part) for part in parts):
        raise TransferError(path, "the archive names a path that is not plain and relative")
    return path
