"""Reading ahead: one thread reads while another writes."""

from __future__ import annotations

import threading
from queue import Full, Queue
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")

_DEPTH: Final = 2
_PATIENCE_SECONDS: Final = 0.1


_END: Final = object()


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Reader:
    def __init__(self, items: Iterable[object]) -> None:
        self._items = items
        self._stopped = threading.Event()
        self.waiting: Final[Queue[object]] = Queue(_DEPTH)
        self._thread = threading.Thread(target=self._read, name="replica-reader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _read(self) -> None:
        try:
            for item in self._items:
                self._hand_over(item)
                if self._stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where the items are wanted
            self._hand_over(_Failure(error))
        else:
            self._hand_over(_END)

    def _hand_over(self, item: object) -> None:
        while not self._stopped.is_set():
            try:
                self.waiting.put(item, timeout=_PATIENCE_SECONDS)
            except Full:
                continue
            return


def read_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items in order while a thread of its own reads the next ones; what it raises is raised here."""
    reader = _Reader(items)
    try:
        while (item := reader.waiting.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item  # type: ignore[misc]
    finally:
        reader.stop()
