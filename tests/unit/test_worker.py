"""What runs beside requests goes on after a failure and stops when told."""

import threading
from datetime import timedelta

from structlog.testing import capture_logs

from deepfield import worker
from deepfield.worker import Repeated


def test_a_task_is_repeated_until_its_block_ends():
    seen = threading.Semaphore(0)
    with Repeated("task", seen.release, timedelta(milliseconds=1)) as task:
        assert all(seen.acquire(timeout=5) for _ in range(3))
    assert not task._thread.is_alive()


def test_a_failure_is_logged_and_tried_again(monkeypatch):
    monkeypatch.setattr(worker, "PAUSE", timedelta(milliseconds=1))
    done = threading.Event()
    outcomes = iter([ZeroDivisionError("first"), None])

    def act():
        outcome = next(outcomes, None)
        if outcome:
            raise outcome
        done.set()

    with capture_logs() as lines, Repeated("task", act, timedelta(milliseconds=1)):
        assert done.wait(timeout=5)
    assert [line["event"] for line in lines] == ["task.failed"]
