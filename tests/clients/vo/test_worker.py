"""Servers and a worker as processes of their own: jobs go from one to the other, and outlive both."""

import os
import re
import signal
import subprocess

import httpx
import pytest

from support.archive import write_products
from support.command import DEEPFIELD

QUERY = "SELECT obs_id FROM ivoa.ObsCore"


@pytest.fixture
def home(tmp_path):
    write_products(tmp_path / "products")
    environment = os.environ | {"DEEPFIELD_HOME": str(tmp_path / "home"), "DEEPFIELD_WORKERS": "1"}
    subprocess.run([DEEPFIELD, "ingest", tmp_path / "products"], env=environment, check=True, capture_output=True)
    started = []

    def start(*command):
        process = subprocess.Popen([DEEPFIELD, *command], env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        for line in process.stdout:
            if found := re.search(r"http://\S+|worker runs", line):
                return process, found.group().rstrip("/")
        raise AssertionError(f"{command} ended with {process.wait()}")

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=30)


def wait_for(job, phases):
    for _ in range(30):
        found = httpx.get(job, params={"WAIT": "5"}, timeout=30, trust_env=False).text
        if (phase := re.search(r"<uws:phase>(\w+)", found).group(1)) in phases:
            return phase, found
    raise AssertionError(found)


def test_jobs_are_run_by_a_worker_and_survive_the_server(home):
    server, address = home("serve", "--port", "0", "--no-worker")
    job = httpx.post(
        f"{address}/tap/async",
        data={"LANG": "ADQL", "QUERY": QUERY, "RESPONSEFORMAT": "csv", "PHASE": "RUN"},
        trust_env=False,
    ).headers["Location"]
    assert httpx.get(f"{job}/phase", trust_env=False).text == "QUEUED"
    home("worker")
    phase, document = wait_for(job, {"COMPLETED", "ERROR"})
    assert phase == "COMPLETED", document
    server.send_signal(signal.SIGKILL)
    server.wait(timeout=30)
    _, again = home("serve", "--port", "0", "--no-worker")
    rows = httpx.get(job.replace(address, again) + "/results/result", trust_env=False)
    assert len(rows.text.splitlines()) == 1 + 4 * 2
