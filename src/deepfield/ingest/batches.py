"""Cuts a stream of readings into batches, each of which becomes one transaction."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deepfield.ingest.reading import Reading

FILES: Final = 200
DOCUMENT_BYTES: Final = 24 << 20
SECONDS: Final = 5.0


def batches(readings: Iterable[Reading], *, files: int = FILES) -> Iterator[list[Reading]]:
    """Yield lists of at most ``files`` readings in which no file name comes twice.

    A second version of a file waits for a later batch, since a transaction gives each product one new version. A batch
    ends when it is large, when its header documents are, or after some seconds, so that the archive fills visibly.
    """
    batch: list[Reading] = []
    later: list[Reading] = []
    names: set[str] = set()
    size, started = 0, time.monotonic()
    for reading in readings:
        name = reading.facts.filename if reading.facts else None
        if name in names:
            later.append(reading)
            continue
        batch.append(reading)
        names |= {name} if name is not None else set()
        size += len(reading.document)
        if len(batch) >= files or size >= DOCUMENT_BYTES or time.monotonic() - started >= SECONDS:
            yield batch
            batch, names, size, started = [], set(), 0, time.monotonic()
    if batch:
        yield batch
    if later:
        yield from batches(later, files=files)
