"""Opening products to look inside: for those who may, while they are what was ingested, and so many at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from deepfield.model.errors import BusyError, NothingToShowError, StaleFileError
from deepfield.products.layout import open_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from deepfield.access.policy import Readable
    from deepfield.products.header import Header
    from deepfield.products.layout import FitsFile
    from deepfield.services.delivery import Deliveries, Delivery
    from deepfield.services.holdings import Holdings

AT_ONCE: Final = 4
"""Products that are read at the same time; others wait."""
PATIENCE: Final = 30.0
"""Seconds to wait."""
_MOST_NAMED: Final = 8

Kept = TypeVar("Kept")


class Opening:
    """Opens products. All that looks inside one comes through here, so the access rule is asked once for all."""

    def __init__(self, deliveries: Deliveries, holdings: Holdings) -> None:
        self._deliveries, self._holdings = deliveries, holdings
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def find(self, filename: str, *, rule: Readable, version: int | None = None) -> Delivery:
        """Return a product ready to be opened.

        Raises:
            UnknownProductError, RetiredProductError, AccessDeniedError, StaleFileError: as ``Deliveries.find`` does.
        """
        return self._deliveries.find(filename, rule=rule, version=version)

    def header(self, delivery: Delivery) -> Header:
        """Return what the archive knows of a product since its ingest."""
        return self._holdings.header(delivery.filename, version=delivery.version)

    @contextmanager
    def stream(self, delivery: Delivery) -> Iterator[IO[bytes]]:
        """Open the bytes of a product for seeking.

        Raises:
            StaleFileError: the file is gone or no longer what was ingested.
            BusyError: too many others are read, for too long.
        """
        if not self._room.acquire(timeout=PATIENCE):
            raise BusyError(AT_ONCE)
        try:
            with delivery.open() as opened:
                try:
                    yield opened
                except OSError as error:
                    raise StaleFileError(delivery.filename, f"cannot be read ({error.strerror or error})") from error
        finally:
            self._room.release()

    @contextmanager
    def fits(self, delivery: Delivery, what: str) -> Iterator[FitsFile]:
        """Open a FITS product whose structure is then known; ``what`` says what is looked for in it.

        Raises:
            NothingToShowError: it is no FITS file.
            UnreadableFileError: it is not as FITS asks.
            StaleFileError, BusyError: as ``stream`` does.
        """
        header = self.header(delivery)
        if header.container != "fits":
            raise NothingToShowError(delivery.filename, what, holds=f"it is a file of the kind {header.container}")
        with self.stream(delivery) as stream:
            yield open_layout(stream, delivery.filename)


def nothing(file: FitsFile, what: str) -> NothingToShowError:
    """Return the error that says what a file holds instead."""
    named = [f"{unit.part.name or 'unnamed'} ({unit.part.kind})" for unit in file.units[:_MOST_NAMED]]
    more = f" and {len(file.units) - _MOST_NAMED} more HDUs" if len(file.units) > _MOST_NAMED else ""
    return NothingToShowError(file.name, what, holds=f"it holds {', '.join(named)}{more}")


class Remembered(Generic[Kept]):
    """What was found out of the last few contents, by checksum. Asks no access rule: ask before."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._values: OrderedDict[str, Kept] = OrderedDict()

    def get(self, sha256: str, make: Callable[[], Kept]) -> Kept:
        """Return what is known of a content, finding it out where it is not."""
        with self._lock:
            if sha256 in self._values:
                self._values.move_to_end(sha256)
                return self._values[sha256]
        value = make()
        with self._lock:
            self._values[sha256] = value
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value
