"""The store of what files say of their making and their parts, by content.

Sets of reference files and lists of parts are the same for many products, so each distinct one is kept once, under a
digest of what it holds.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from deepfield.catalogue.schema import CONTENT, PART, REFERENCE_FILE
from deepfield.catalogue.versions import Row, current_rows, revise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Table

    from deepfield.model.observation import Artifact, Part, ReferenceFile

_DIGEST_CHARACTERS: Final = 32


def save_contents(connection: Connection, seq: int, artifacts: Iterable[Artifact]) -> bool:
    """Keep what the files of these artifacts say; tell whether anything was new under snapshot ``seq``.

    Bytes never change what they say, but a later release may read more of them: what differs is replaced.
    """
    files = {artifact.sha256: artifact for artifact in artifacts}
    wanted: dict[tuple[Any, ...], Row] = {}
    references: dict[str, list[Row]] = {}
    parts: dict[str, list[Row]] = {}
    for sha256, file in files.items():
        named = _kept([_reference_row(each) for each in file.references], "reference_set", references)
        listed = _kept([_part_row(each) for each in file.parts], "part_set", parts)
        row = {"sha256": sha256, "crds_ctx": file.crds_ctx, "reference_set": named, "part_set": listed}
        wanted[(sha256,)] = row
    _add_sets(connection, REFERENCE_FILE, "reference_set", references, seq)
    _add_sets(connection, PART, "part_set", parts, seq)
    return bool(revise(connection, CONTENT, current_rows(connection, CONTENT, "sha256", files), wanted, seq))


def undescribed(connection: Connection, checksums: Iterable[str]) -> set[str]:
    """Return those contents of which nothing is kept."""
    wanted = set(checksums)
    return wanted - {sha256 for (sha256,) in current_rows(connection, CONTENT, "sha256", wanted)}


def _kept(rows: Sequence[Row], name: str, into: dict[str, list[Row]]) -> str | None:
    """Put the rows of a set under their digest, and return it."""
    if not rows:
        return None
    text = json.dumps(rows, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    into[digest] = [{name: digest, **row} for row in rows]
    return digest


def _add_sets(connection: Connection, table: Table, name: str, sets: Mapping[str, Sequence[Row]], seq: int) -> None:
    known = {row[name] for row in current_rows(connection, table, name, sets).values()}
    key = [column.name for column in table.primary_key.columns][:-1]
    new = [row for digest, rows in sets.items() if digest not in known for row in rows]
    revise(connection, table, {}, {tuple(row[column] for column in key): row for row in new}, seq)


def _reference_row(file: ReferenceFile) -> Row:
    return {"keyword": file.keyword, "reference_type": file.type, "filename": file.filename}


def _part_row(part: Part) -> Row:
    return {
        "hdu": part.number,
        "name": part.name,
        "version": part.version,
        "kind": part.kind,
        "shape": " ".join(str(length) for length in reversed(part.shape)),
        "dtype": part.dtype,
        "column_names": list(part.columns),
    }
