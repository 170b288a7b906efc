"""What runs beside requests goes on after a failure and stops when told."""

import threading
from datetime import timedelta

from structlog.testing import capture_logs

from deepfield import worker
from deepfield.bootstrap import build
from deepfield.config import Settings
from deepfield.worker import Repeated, tasks


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


def test_the_periodic_work_of_an_archive_can_be_done(tmp_path):
    with build(Settings(home=tmp_path), searchable=False) as archive:
        done = {task.name: task.action() for task in tasks(archive)}
    assert done == {"announce_releases": 0, "tidy_jobs": 0, "sweep_access_log": 0, "sweep_store": 0}
