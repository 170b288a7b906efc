import os
import signal
import time
from pathlib import Path

from deepfield.ingest.crew import Crew, Lost


def work(task):
    if task == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "exit":
        os._exit(3)
    if task.startswith("/") and Path(task).exists():
        Path(task).unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "sleep":
        time.sleep(60)
    return task.upper()


def test_a_worker_that_dies_loses_its_own_task_alone():
    results = dict(Crew(work, size=2, seconds=30).run(["a", "kill", "b", "exit", "c", "d"]))
    lost = {task: result.reason for task, result in results.items() if isinstance(result, Lost)}
    assert {task: result for task, result in results.items() if task not in lost} == {t: t.upper() for t in "abcd"}
    assert "SIGKILL" in lost["kill"]
    assert "exit code 3" in lost["exit"]


def test_a_task_that_takes_too_long_is_given_up():
    results = dict(Crew(work, size=2, seconds=2).run(["sleep", "a", "b"]))
    assert "longer than 2 s" in results["sleep"].reason
    assert (results["a"], results["b"]) == ("A", "B")


def test_no_tasks_start_no_process():
    assert list(Crew(work, size=2, seconds=1).run([])) == []


def test_leaving_early_ends_the_workers():
    crew = Crew(work, size=2, seconds=30)
    for _ in crew.run(["a", "sleep"]):
        break
    assert crew._workers == []


def test_a_task_whose_worker_was_killed_by_chance_is_done_by_another(tmp_path):
    flag = tmp_path / "flag"
    flag.touch()
    assert dict(Crew(work, size=1, seconds=30).run([str(flag), "b"])) == {str(flag): str(flag).upper(), "b": "B"}
