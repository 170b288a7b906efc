"""Worker processes that read files, one at a time each, and may die without taking the ingest along."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Lost:
    """A task whose workers died, two in a row, or that took too long."""

    reason: str


@dataclass(slots=True)
class _Worker(Generic[Task]):
    process: SpawnProcess
    pipe: Connection
    task: Task | None = None
    again: bool = False
    """Whether another worker died on the task before."""
    deadline: float = 0.0


class Crew(Generic[Task, Result]):
    """Runs ``work(task)`` in spawned processes.

    A worker that dies, whatever killed it, is replaced and its task tried once more, since the fault may not have been
    the task's. A task that kills its worker twice, or takes longer than ``seconds``, is lost alone. ``work`` must be
    importable by name, and tasks and results must pickle.
    """

    def __init__(self, work: Callable[[Task], Result], *, size: int, seconds: float) -> None:
        self._work, self._size, self._seconds = work, max(1, size), seconds
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker[Task]] = []
        self._again: list[Task] = []

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Result | Lost]]:
        """Yield each task with its result, or with how it was lost, as they are done.

        Tasks are taken from the iterable only as workers become free.
        """
        waiting = iter(tasks)
        try:
            while self._hand_out(waiting):
                yield from self._collect()
        finally:
            self._dismiss()

    def _hand_out(self, waiting: Iterator[Task]) -> bool:
        """Give every free worker a task, hiring where there are too few; return whether anybody works."""
        free = [worker for worker in self._workers if worker.task is None]
        while free or len(self._workers) < self._size:
            again = bool(self._again)
            task = self._again.pop() if again else next(waiting, None)
            if task is None:
                break
            self._start(free.pop() if free else self._hire(), task, again=again)
        return any(worker.task is not None for worker in self._workers)

    def _hire(self) -> _Worker[Task]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(self._work, theirs), daemon=True)
        process.start()
        theirs.close()
        worker: _Worker[Task] = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _start(self, worker: _Worker[Task], task: Task, *, again: bool) -> None:
        worker.task, worker.again, worker.deadline = task, again, time.monotonic() + self._seconds
        try:
            worker.pipe.send(task)
        except OSError:
            return  # dead already: the next look at its pipe tells

    def _collect(self) -> Iterator[tuple[Task, Result | Lost]]:
        busy = [worker for worker in self._workers if worker.task is not None]
        rest = min(worker.deadline for worker in busy) - time.monotonic()
        ready = set(wait([worker.pipe for worker in busy], timeout=max(0.0, rest)))
        for worker in busy:
            task = worker.task
            assert task is not None
            if worker.pipe in ready:
                result = self._receive(worker)
                if isinstance(result, Lost) and not worker.again:
                    self._again.append(task)
                else:
                    yield task, result
            elif time.monotonic() >= worker.deadline:
                self._replace(worker)
                yield task, Lost(f"reading it took longer than {self._seconds:g} s")

    def _receive(self, worker: _Worker[Task]) -> Result | Lost:
        try:
            result: Result = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(timeout=5)
            self._replace(worker)
            return Lost(f"the process that read it died ({_cause(worker.process.exitcode)})")
        worker.task = None
        return result

    def _replace(self, worker: _Worker[Task]) -> None:
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()

    def _dismiss(self) -> None:
        for worker in self._workers:
            worker.pipe.close()
            if worker.task is not None:
                worker.process.kill()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()


def _cause(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return signal.Signals(-exitcode).name
    return f"exit code {exitcode}"


def _serve(work: Callable[[Any], Any], pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(work(task))


def _leave_with_parent() -> None:
    """End this process with its parent, so that a killed ingest leaves nobody writing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
