"""Everything that is done with one file on its own; runs in a worker process."""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from deepfield.catalogue.documents import deflate
from deepfield.ingest.blueprint import FileFacts, identify
from deepfield.ingest.footprint import wants_corners
from deepfield.ingest.journal import Written, note
from deepfield.missions.jwst.tables import tables_of
from deepfield.model.errors import ArchiveError, StorageError, UnreadableFileError
from deepfield.products.gwcs import CORNERS, gwcs_corners
from deepfield.products.preview import make_preview, preview_stem
from deepfield.products.reader import read_header
from deepfield.products.store import Store, digest, key_of

if TYPE_CHECKING:
    from deepfield.ingest.scan import Found
    from deepfield.products.header import Header

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What a place for previews or rows that takes no more bytes answers; the file is not to blame."""
SOURCE_CATALOGUE: Final = "cat"
"""The suffix of source catalogues."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rules:
    """How files are read: where previews and rows go, the store if bytes are to be copied, the operator's tables."""

    previews: Path
    lake: Path
    journal: Path
    store: str | None = None
    tables: Path | None = None
    """The folder of tables that overrule those of the mission."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One file, read: its facts, or why it was refused."""

    found: Found
    sha256: str | None = None
    facts: FileFacts | None = None
    document: bytes = b""
    """Its header document, deflated."""
    location: str = ""
    linked: bool = True
    has_preview: bool = False
    has_rows: bool = False
    """Whether rows of it wait to be part of the lake."""
    refusal: str | None = None
    storage: str | None = None
    """Why the store could not take the bytes; the whole ingest stops for that."""

    @property
    def is_product(self) -> bool:
        """Whether the file is to be filed under an observation."""
        return self.refusal is None and self.facts is not None and bool(self.location)


def read_file(rules: Rules, found: Found) -> Reading:
    """Read, identify, picture and (where rules say so) copy one file. Never raises: a file may be wrong in any way."""
    try:
        return _read(rules, found)
    except StorageError as error:
        return Reading(found, storage=error.reason)
    except ArchiveError as error:
        return Reading(found, refusal=str(error).removeprefix(f"{found.name}: "))
    except OSError as error:
        if error.errno in _FULL:
            return Reading(found, storage="its disk is full")
        return Reading(found, refusal=f"cannot be read: {error.strerror or error}")
    except Exception as error:
        log.exception("ingest.unexpected", path=found.path)
        return Reading(found, refusal=f"reading it failed: {type(error).__name__}: {error}")


def _read(rules: Rules, found: Found) -> Reading:
    path = Path(found.path)
    sha256, size = digest(path)
    header = _with_corners(path, read_header(path))
    facts = identify(header, size=size, sha256=sha256, tables=tables_of(rules.tables))
    if facts.verdict == "refused":
        return Reading(found, sha256, refusal=facts.reason or "it is no product of this archive")
    if facts.verdict == "kept" or facts.obs_id is None:
        return Reading(found, sha256, facts)
    key = None if rules.store is None else key_of(sha256, facts.filename)
    note(rules.journal, Written(sha256, key))
    has_preview = _picture(rules.previews, path, facts)
    has_rows, notes = _sources(rules, path, header, facts)
    if notes:
        header = replace(header, notes=(*header.notes, *notes))
        facts = identify(header, size=size, sha256=sha256, tables=tables_of(rules.tables))
    location = str(path) if rules.store is None else Store(rules.store).put(path, sha256, facts.filename)
    status = path.stat()
    if (size, status.st_mtime_ns) != (found.size, found.mtime_ns):
        return Reading(found, refusal="it changed while it was being read")
    document = deflate(header.to_json())
    linked = rules.store is None
    return Reading(found, sha256, facts, document, location, linked, has_preview=has_preview, has_rows=has_rows)


def _with_corners(path: Path, header: Header) -> Header:
    """Give the header the outline that its gwcs tells, where the file states none that can be believed."""
    corners = gwcs_corners(path, header) if wants_corners(header) else None
    return header if corners is None else replace(header, tree={**header.tree, CORNERS: corners})


def _picture(previews: Path, path: Path, facts: FileFacts) -> bool:
    stem = preview_stem(previews, facts.sha256)
    if stem.with_name(f"{stem.name}.png").exists():
        return True
    return make_preview(path, facts.header, stem)


def _sources(rules: Rules, path: Path, header: Header, facts: FileFacts) -> tuple[bool, tuple[str, ...]]:
    """Write the rows of a source catalogue for the lake; tell whether there are any, and what was left out."""
    if facts.suffix != SOURCE_CATALOGUE or facts.verdict != "product":
        return False, ()
    from deepfield.lake import SourceLake  # heavy: only source catalogues pay for it

    lake = SourceLake(rules.lake, tables_of(rules.tables).source_columns)
    try:
        return True, lake.read(path, header, facts.sha256)
    except UnreadableFileError as error:
        return False, (str(error),)
