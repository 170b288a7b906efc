"""ADQL in a process of its own, so that no query can take memory, time or the interpreter from the portal.

The two processes share a control socket. For each query the server makes a pair of sockets and sends one of them over;
the question goes through it, and columns, Arrow batches and an end or error come back. Closing it stops the query.
The process is replaced when it dies; queries that it was answering end in an error.
"""

from __future__ import annotations

import json
import os
import pickle
import select
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import pyarrow as pa
import structlog

from deepfield.model.errors import ArchiveError, EngineFailureError, TimeLimitError
from deepfield.model.rows import RowStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from deepfield.model.tables import Column
    from deepfield.query.engines.adql import AdqlEngine, Answer, Question

log = structlog.get_logger(__name__)

_HEAD, _BATCH, _ERROR, _END = b"HBEZ"
_FRAME: Final = struct.Struct(">BQ")
_GRACE: Final = 5.0
"""Seconds beyond its time limit that a query may take to answer that it took too long."""
_PATIENCE: Final = 10.0
_STOP: Final = 3.0
_BADNESS: Final = "700"
"""What the kernel adds to the process when it looks for one to kill for want of memory."""


class _Head(NamedTuple):
    columns: tuple[Column, ...]
    snapshot: int
    schema: bytes


class QueryProcess:
    """The server's side: starts the process when it is first asked, and again when it has died."""

    def __init__(self, command: Sequence[str], settings: Mapping[str, Any]) -> None:
        """Take the command that ends in ``serve``, and what it is told through its standard input, as JSON."""
        self._command, self._settings = tuple(command), json.dumps(settings)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process' number while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the process, if it does not run."""
        with self._lock:
            self._started()

    def ask(self, question: Question, *, started: Callable[[Callable[[], None]], None] = lambda _: None) -> RowStream:
        """Ask a query; returns when its first rows are there.

        ``started`` is called at once with what stops the query from another thread.

        Raises:
            ArchiveError: whatever is wrong with the query, or stands against it now.
            EngineFailureError: the process died.
        """
        batches = _Batches(self._sent(question), question.seconds)
        started(batches.close)
        try:
            head = batches.head()
        except BaseException:
            batches.close()
            raise
        return RowStream(head.columns, batches, limit=question.maxrec, snapshot=head.snapshot)

    def close(self) -> None:
        """Stop the process; queries under way end in an error."""
        with self._lock:
            self._closed = True
            self._stop()

    def _sent(self, question: Question) -> socket.socket:
        ours, theirs = socket.socketpair()
        try:
            with self._lock:
                for attempt in range(2):
                    control = self._started()
                    try:
                        socket.send_fds(control, [b"q"], [theirs.fileno()])
                        break
                    except OSError:
                        self._stop()
                        if attempt:
                            raise EngineFailureError("it could not be started") from None
            ours.settimeout(_PATIENCE)
            payload = pickle.dumps(question, protocol=5)
            ours.sendall(struct.pack(">Q", len(payload)) + payload)
        except OSError:
            ours.close()
            raise EngineFailureError("it ended while it was asked") from None
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def _started(self) -> socket.socket:
        if self._closed:
            raise EngineFailureError("the archive is closing")
        if self._process is not None and self._process.poll() is None and self._control is not None:
            return self._control
        if self._process is not None:
            log.warning("queries.process_died", code=self._process.poll())
        self._stop()
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
            [*self._command, str(theirs.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(self._settings.encode())
            self._process.stdin.close()
        self._control = ours
        log.info("queries.process_started", pid=self._process.pid)
        return ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()  # tells the process to go
            self._control = None
        process, self._process = self._process, None
        if process is not None:
            try:
                process.wait(_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class _Batches:
    """What comes back of one query. May be closed from another thread, which stops it."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection, self._seconds = connection, seconds
        self._deadline = monotonic() + seconds + _GRACE
        self._schema: pa.Schema | None = None
        self._closed = False

    def head(self) -> _Head:
        kind, payload = self._frame()
        if kind == _ERROR:
            raise pickle.loads(payload)  # noqa: S301  written by our own process
        head = _Head(*pickle.loads(payload))  # noqa: S301
        self._schema = pa.ipc.read_schema(pa.py_buffer(head.schema))
        return head

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self

    def __next__(self) -> pa.RecordBatch:
        if self._closed:
            raise StopIteration
        kind, payload = self._frame()
        if kind == _BATCH:
            return pa.ipc.read_record_batch(pa.py_buffer(payload), self._schema)
        self.close()
        if kind == _ERROR:
            raise pickle.loads(payload)  # noqa: S301
        raise StopIteration

    def close(self) -> None:
        self._closed = True
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _frame(self) -> tuple[int, bytearray]:
        try:
            kind, size = _FRAME.unpack(self._read(_FRAME.size))
            return kind, self._read(size)
        except TimeoutError:
            self.close()
            raise TimeLimitError(self._seconds) from None
        except OSError:
            self.close()
            raise EngineFailureError("it ended, as happens for want of memory, or the query was stopped") from None

    def _read(self, size: int) -> bytearray:
        found = bytearray(size)
        view = memoryview(found)
        while view:
            self._connection.settimeout(max(0.001, self._deadline - monotonic()))
            count = self._connection.recv_into(view)
            if not count:
                raise ConnectionResetError
            view = view[count:]
        return found


def serve(engine: AdqlEngine, control: socket.socket) -> None:
    """The process' side: answer queries, each in a thread of its own, until the server goes."""
    with suppress(OSError):
        os.nice(5)
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123
            file.write(_BADNESS)
    while True:
        try:
            message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        except OSError:
            return
        if not message:
            return
        connection = socket.socket(fileno=descriptors[0])
        threading.Thread(target=_answer, args=(engine, connection), daemon=True).start()


def _answer(engine: AdqlEngine, connection: socket.socket) -> None:
    with connection:
        try:
            _answered(engine, connection)
        except OSError:  # nobody wants it any more
            return
        except ArchiveError as error:
            _say(connection, _ERROR, pickle.dumps(error))
        except Exception as error:
            log.exception("queries.failed")
            _say(connection, _ERROR, pickle.dumps(EngineFailureError(f"{type(error).__name__}; the log says more")))


def _answered(engine: AdqlEngine, connection: socket.socket) -> None:
    (size,) = struct.unpack(">Q", _whole(connection, 8))
    question: Question = pickle.loads(_whole(connection, size))  # noqa: S301  written by the server
    begun = monotonic()
    with engine.answer(question) as answer, _Watch(connection, answer, begun + question.seconds) as watch:
        batches = answer.batches()
        first = next(batches, None)
        schema = first.schema if first is not None else pa.schema([])
        head = _Head(answer.columns, answer.snapshot, schema.serialize().to_pybytes())
        _send(connection, _HEAD, pickle.dumps(tuple(head)))
        while first is not None and not watch.gone:
            _send(connection, _BATCH, first.serialize())
            first = next(batches, None)
        _send(connection, _END, b"")


class _Watch:
    """Cancels a query when its time is over or nobody waits for it any more."""

    def __init__(self, connection: socket.socket, answer: Answer, deadline: float) -> None:
        self._connection, self._answer, self._deadline = connection, answer, deadline
        self._read, self._write = socket.socketpair()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.gone = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._write.close()
        self._thread.join()
        self._read.close()

    def _look(self) -> None:
        waiting = max(0.0, self._deadline - monotonic())
        ready, _, _ = select.select([self._connection, self._read], [], [], waiting)
        if self._read in ready:
            return
        self.gone = self._connection in ready
        self._answer.cancel()


def _send(connection: socket.socket, kind: int, payload: bytes | pa.Buffer) -> None:
    view = memoryview(payload)
    connection.sendall(_FRAME.pack(kind, view.nbytes))
    connection.sendall(view)


def _say(connection: socket.socket, kind: int, payload: bytes) -> None:
    with suppress(OSError):
        _send(connection, kind, payload)


def _whole(connection: socket.socket, size: int) -> bytearray:
    found = bytearray(size)
    view = memoryview(found)
    while view:
        count = connection.recv_into(view)
        if not count:
            raise ConnectionResetError
        view = view[count:]
    return found


def the_command(module: str) -> tuple[str, ...]:
    """Return the command that runs a module with this interpreter."""
    return (sys.executable, "-m", module)
