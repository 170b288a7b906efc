"""The queue of jobs on every database: made, run, stopped, recovered, removed."""

import io
import threading
from datetime import UTC, datetime, timedelta

import pytest

from deepfield.catalogue.jobs import JobQueue
from deepfield.model.errors import (
    InvalidValueError,
    JobQuotaError,
    JobStateError,
    StorageError,
    UnknownJobError,
    UnknownJobPartError,
)
from deepfield.model.jobs import Asker, JobResult
from deepfield.services.jobs import LEASE, JobLimits, Jobs
from deepfield.services.runner import Runner

VERA, CARL = Asker("vera"), Asker("carl")
ANYBODY = Asker(None, "192.0.2.7")
LIMITS = JobLimits(
    duration=timedelta(seconds=600),
    keep=timedelta(days=7),
    keep_most=timedelta(days=30),
    waiting=3,
    kept=6,
    reserve=0,
)


class Clock:
    def __init__(self):
        self.now = datetime(2026, 4, 22, 14, 35, 23, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(microseconds=1)
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def jobs(database, tmp_path, clock):
    return Jobs(database, JobQueue(), tmp_path / "jobs", limits=LIMITS, now=clock)


def make(jobs, asker=VERA, query="SELECT 1", files=None, **more):
    return jobs.create(
        "tap", asker, address="http://h/tap/async", parameters=[("QUERY", query)], files=files or {}, **more
    )


def queue(jobs, asker=VERA, **more):
    job = make(jobs, asker, **more)
    jobs.start(job, asker)
    return job


def phase(jobs, job, asker=VERA):
    return jobs.get(job.job_id, asker, kind="tap").phase


def wait_for(jobs, job, wanted, asker=VERA):
    seen = -1
    for _ in range(100):
        if phase(jobs, job, asker) == wanted:
            return jobs.get(job.job_id, asker, kind="tap")
        seen = jobs.wait_for_change(seen, 0.1)
    raise AssertionError(f"{phase(jobs, job, asker)} instead of {wanted}")


def test_a_job_reads_as_it_was_made(jobs, clock):
    made = make(jobs, files={"t": io.BytesIO(b"<VOTABLE/>")}, run_id="mine", query="SELECT 'é' -- \x7f")
    read = jobs.get(made.job_id, VERA, kind="tap")
    assert read == made
    assert (read.phase, read.run_id, read.duration) == ("PENDING", "mine", 600)
    assert read.destruction == read.created + timedelta(days=7)
    assert jobs.path(read, read.files["t"]).read_bytes() == b"<VOTABLE/>"


def test_a_job_of_an_account_is_nobody_elses_and_an_anonymous_one_opens_to_its_identifier(jobs):
    hers, open_one = make(jobs), make(jobs, ANYBODY)
    for asker in (CARL, ANYBODY):
        with pytest.raises(UnknownJobError):
            jobs.get(hers.job_id, asker, kind="tap")
    assert jobs.get(open_one.job_id, CARL, kind="tap") == open_one
    assert jobs.listed("tap", VERA) == [hers]
    assert jobs.listed("tap", CARL) == jobs.listed("tap", ANYBODY) == []
    with pytest.raises(UnknownJobError):
        jobs.get(hers.job_id, VERA, kind="soda")


def test_lists_are_filtered_by_phase_time_and_number(jobs):
    first, second, third = (make(jobs) for _ in range(3))
    jobs.abort(second)
    assert [job.job_id for job in jobs.listed("tap", VERA)] == [first.job_id, second.job_id, third.job_id]
    assert [job.job_id for job in jobs.listed("tap", VERA, phases=["ABORTED"])] == [second.job_id]
    assert [job.job_id for job in jobs.listed("tap", VERA, after=first.created)] == [second.job_id, third.job_id]
    assert [job.job_id for job in jobs.listed("tap", VERA, last=2)] == [third.job_id, second.job_id]


def test_the_queue_is_fair_between_callers_and_first_come_within_one(jobs):
    flood = [queue(jobs) for _ in range(3)]
    other, anonymous = queue(jobs, CARL), queue(jobs, ANYBODY)
    taken = [jobs.claim("w").job_id for _ in range(5)]
    assert taken[:3] == [flood[0].job_id, other.job_id, anonymous.job_id]
    assert taken[3:] == [flood[1].job_id, flood[2].job_id]
    assert jobs.claim("w") is None


def test_a_job_is_taken_once_however_many_workers_reach_for_it(jobs):
    made = {queue(jobs, Asker(f"user{n}")).job_id for n in range(12)}
    taken = []

    def take(name):
        while (job := jobs.claim(name)) is not None:
            taken.append(job.job_id)

    threads = [threading.Thread(target=take, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 12
    assert set(taken) == made


def test_a_caller_has_a_share_of_the_queue_and_of_what_is_kept(jobs):
    for _ in range(3):
        queue(jobs)
    fourth = make(jobs)
    with pytest.raises(JobQuotaError, match="queued or running"):
        jobs.start(fourth, VERA)
    queue(jobs, CARL)
    make(jobs)
    make(jobs)
    with pytest.raises(JobQuotaError, match="kept"):
        make(jobs)
    jobs.delete(fourth)
    make(jobs)


def test_anonymous_callers_share_by_their_address(jobs):
    for _ in range(6):
        make(jobs, ANYBODY)
    with pytest.raises(JobQuotaError):
        make(jobs, ANYBODY)
    make(jobs, Asker(None, "192.0.2.8"))


def test_what_waits_can_be_amended_and_nothing_later(jobs, clock):
    job = make(jobs)
    jobs.amend(job, parameters=[("QUERY", "SELECT 2"), ("MAXREC", "5")], run_id="two")
    jobs.limit(job, timedelta(days=9))
    jobs.keep_until(job, clock.now + timedelta(days=999))
    read = jobs.get(job.job_id, VERA, kind="tap")
    assert dict(read.parameters) == {"QUERY": "SELECT 2", "MAXREC": "5"}
    assert (read.run_id, read.duration) == ("two", 600)
    assert timedelta(days=29) < read.destruction - clock.now <= timedelta(days=30)
    jobs.start(job, VERA)
    with pytest.raises(JobStateError, match="QUEUED"):
        jobs.amend(job, parameters=[("QUERY", "SELECT 3")])
    with pytest.raises(JobStateError):
        jobs.limit(job, timedelta(seconds=1))


def test_a_worker_leaves_results_and_failures(jobs):
    def work(job, running):
        if dict(job.parameters)["QUERY"] == "bad":
            raise InvalidValueError("QUERY", "bad", "good")
        if dict(job.parameters)["QUERY"] == "crash":
            raise ZeroDivisionError
        path = jobs.path(job, "result")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"rows")
        return [JobResult("result", "text/csv", "result.csv", 4, rows=1)]

    good, bad, crash = queue(jobs), queue(jobs, query="bad"), queue(jobs, query="crash")
    with Runner(jobs, {"tap": work}, threads=2):
        done = wait_for(jobs, good, "COMPLETED")
        failed, crashed = wait_for(jobs, bad, "ERROR"), wait_for(jobs, crash, "ERROR")
    result, path = jobs.result(done, "result")
    assert (result.media_type, path.read_bytes()) == ("text/csv", b"rows")
    assert (done.worker, done.lease) == (None, None)
    assert done.created < done.queued < done.started < done.ended
    with pytest.raises(UnknownJobPartError):
        jobs.result(done, "../result")
    assert "good" in failed.error.message
    assert crashed.error.transient
    assert "Zero" not in crashed.error.message


@pytest.mark.parametrize("how", ["abort", "delete"])
def test_stopping_a_job_stops_its_work_at_once_from_any_process(database, tmp_path, clock, jobs, how):
    begun, stopped = threading.Event(), threading.Event()

    def work(job, running):
        running.on_stop(stopped.set)
        begun.set()
        assert stopped.wait(20)
        return []

    elsewhere = Jobs(database, JobQueue(), tmp_path / "jobs", limits=LIMITS, now=clock)
    job = queue(jobs)
    with Runner(jobs, {"tap": work}, threads=1):
        assert begun.wait(20)
        getattr(elsewhere, how)(elsewhere.get(job.job_id, VERA, kind="tap"))
        assert stopped.wait(20)
        if how == "abort":
            assert wait_for(jobs, job, "ABORTED").results == ()
        else:
            with pytest.raises(UnknownJobError):
                jobs.get(job.job_id, VERA, kind="tap")
        again = queue(jobs)
        wait_for(jobs, again, "COMPLETED")


def test_a_job_that_runs_longer_than_it_may_is_an_error(jobs):
    stopped = threading.Event()

    def work(job, running):
        running.on_stop(stopped.set)
        assert stopped.wait(20)
        raise InterruptedError

    job = make(jobs)
    jobs.limit(job, timedelta(seconds=1))
    jobs.start(job, VERA)
    with Runner(jobs, {"tap": work}, threads=1):
        assert "longer than the 1 s" in wait_for(jobs, job, "ERROR").error.message


def test_a_job_whose_worker_stops_is_run_by_the_next(jobs):
    begun, stopped = threading.Event(), threading.Event()

    def endless(job, running):
        running.on_stop(stopped.set)
        begun.set()
        assert stopped.wait(20)
        raise InterruptedError

    job = queue(jobs)
    with Runner(jobs, {"tap": endless}, threads=1):
        assert begun.wait(20)
    assert phase(jobs, job) == "QUEUED"
    with Runner(jobs, {"tap": lambda _job, _running: []}, threads=1):
        wait_for(jobs, job, "COMPLETED")


def test_a_job_whose_worker_was_killed_runs_once_more_and_then_is_an_error(jobs, clock):
    job = queue(jobs)
    for attempt in (1, 2):
        assert jobs.claim("killed").attempts == attempt
        assert jobs.tidy() == 0
        clock.now += LEASE + timedelta(seconds=1)
        assert jobs.tidy() == 1
    failed = jobs.get(job.job_id, VERA, kind="tap")
    assert (failed.phase, failed.error.transient) == ("ERROR", True)


def test_a_worker_that_comes_back_late_changes_nothing(jobs, clock):
    job = queue(jobs)
    late = jobs.claim("late")
    clock.now += LEASE + timedelta(seconds=1)
    jobs.tidy()
    current = jobs.claim("current")
    jobs.complete(late, "late", [])
    assert phase(jobs, job) == "EXECUTING"
    jobs.complete(current, "current", [])
    assert phase(jobs, job) == "COMPLETED"


def test_jobs_and_results_are_gone_when_their_time_is_over(jobs, clock, tmp_path):
    job = make(jobs, files={"t": io.BytesIO(b"x")})
    jobs.keep_until(job, clock.now + timedelta(hours=1))
    jobs.tidy()
    assert (tmp_path / "jobs" / job.job_id).is_dir()
    clock.now += timedelta(hours=2)
    with pytest.raises(UnknownJobError):
        jobs.get(job.job_id, VERA, kind="tap")
    assert jobs.tidy() == 1
    assert not (tmp_path / "jobs" / job.job_id).exists()


def test_uploads_leave_the_disk_its_reserve(database, tmp_path):
    full = JobLimits(timedelta(1), timedelta(1), timedelta(1), waiting=1, kept=1, reserve=2**62)
    jobs = Jobs(database, JobQueue(), tmp_path / "jobs", limits=full)
    with pytest.raises(StorageError):
        make(jobs, files={"t": io.BytesIO(b"x")})
