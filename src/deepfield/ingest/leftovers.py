"""Removes what no product refers to: previews, copies and rows of ingests that died, and of what was withdrawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from deepfield.catalogue.numbers import hold_writers, in_chunks
from deepfield.ingest.journal import Written
from deepfield.products.preview import preview_stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from deepfield.catalogue.database import Database
    from deepfield.catalogue.observations import Observations
    from deepfield.ingest.reading import Reading
    from deepfield.lake import LakeTable
    from deepfield.products.store import Store


class Leftovers:
    """Looks at bytes outside the database under the writers' lock, so that no ingest is about to refer to them."""

    def __init__(
        self, database: Database, observations: Observations, store: Store, previews: Path, lake: LakeTable
    ) -> None:
        self._database, self._observations = database, observations
        self._store, self._previews, self._lake = store, previews, lake

    def remove(self, written: Iterable[Written], *, parts: bool = False) -> int:
        """Remove those previews and copies that no version of a current product refers to; return how many.

        Rows in the lake go where no product ever had their content: those of withdrawn products are history.
        ``parts`` also removes half-written files; it asks that no other ingest is running.
        """
        removed = sum(self._remove_chunk(chunk, parts=parts) for chunk in in_chunks(written))
        return removed + (self._store.sweep(older_than=timedelta(0)) + self._lake.sweep() if parts else 0)

    def remove_versions(self, checksums: Iterable[str]) -> int:
        """Remove the previews and copies of these contents, as far as no current product refers to them."""
        wanted = set(checksums)
        with self._database.read() as connection:
            written = [
                Written(checksum, location)
                for checksum, location in sorted(self._observations.copies(connection, wanted))
            ]
        return self.remove([*written, *(Written(checksum, None) for checksum in sorted(wanted))])

    def still_there(self, batch: Sequence[Reading]) -> list[Reading]:
        """Refuse readings whose copies or rows were removed since they were made; called under the writers' lock."""
        return [reading if self._is_there(reading) else _gone(reading) for reading in batch]

    def _is_there(self, reading: Reading) -> bool:
        if reading.has_rows and not self._lake.holds(reading.sha256 or ""):
            return False
        if reading.linked or not reading.location:
            return True
        path = self._store.local_path(reading.location)
        return path is None or path.exists()

    def _remove_chunk(self, chunk: Sequence[Written], *, parts: bool) -> int:
        removed = 0
        with self._database.begin() as connection:
            hold_writers(connection)
            checksums = {each.sha256 for each in chunk}
            alive = self._observations.referenced(connection, checksums)
            contents = {checksum for checksum, _ in alive}
            removed += self._lake.remove(checksums - self._observations.known_contents(connection, checksums))
            for checksum in checksums:
                removed += self._remove_previews(checksum, whole=checksum not in contents, parts=parts)
            for each in chunk:
                if each.location is not None and (each.sha256, each.location) not in alive:
                    removed += self._store.stat(each.location) is not None
                    self._store.remove(each.location)
        return removed

    def _remove_previews(self, checksum: str, *, whole: bool, parts: bool) -> int:
        stem = preview_stem(self._previews, checksum)
        paths = [stem.with_name(f"{stem.name}{ending}") for ending in (".png", ".thumb.png")] if whole else []
        if parts:
            paths += stem.parent.glob(f".{stem.name}.*.part")
        present = [path for path in paths if path.exists()]
        for path in present:
            path.unlink(missing_ok=True)
        return len(present)


def _gone(reading: Reading) -> Reading:
    return replace(reading, location="", refusal="its copy was removed meanwhile; ingest it again")
