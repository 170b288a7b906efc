"""Floods, bombs and clients that go away: refused or bounded, and the server answers the next one."""

import io
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import parse_single_table

from support.vo import running_service

SLOW = (
    "SELECT COUNT(*) AS n FROM TAP_SCHEMA.columns AS a, TAP_SCHEMA.columns AS b, TAP_SCHEMA.columns AS c, TAP_SCHEMA.columns AS d"
    " WHERE a.description || b.description || c.description || d.description LIKE '%nothing of this kind%'"
)
QUICK = "SELECT TOP 1 obs_id FROM ivoa.ObsCore"


@pytest.fixture(scope="module")
def small(products, tmp_path_factory):
    """A service with narrow limits."""
    limits = {"upload_rows": 200_000, "upload_mb": 16, "tap_seconds": 2, "job_seconds": 2, "upload_private": False}
    with running_service(tmp_path_factory.mktemp("small"), products, **limits) as service:
        yield service


def ask(service, query, files=None, **parameters):
    return service.client.post(f"{service.tap}/sync", data={"LANG": "ADQL", "QUERY": query, **parameters}, files=files)


def still_answers(service):
    return ask(service, QUICK).status_code == 200


def parquet(rows):
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": np.arange(rows), "ra": np.linspace(0, 360, rows, endpoint=False)}), sink)
    return sink.getvalue()


def test_a_million_rows_are_read_where_they_may_and_refused_where_not(service, small):
    table = parquet(1_000_000)
    files = {"t": ("t.parquet", table)}
    query = "SELECT COUNT(*) AS n, MAX(n) AS m FROM TAP_UPLOAD.t"
    answer = ask(service, query, files=files, UPLOAD="t,param:t")
    assert answer.status_code == 200, answer.text
    row = parse_single_table(io.BytesIO(answer.content)).array[0]
    assert (row["n"], row["m"]) == (1_000_000, 999_999)
    refused = ask(small, query, files=files, UPLOAD="t,param:t")
    assert refused.status_code == 413
    assert "200000 rows" in refused.text
    assert still_answers(small)


def test_a_request_that_never_ends_is_cut_at_the_limit(small):
    def flood():
        yield b'--x\r\nContent-Disposition: form-data; name="t"; filename="t"\r\n\r\n'
        for _ in range(64):
            yield bytes(1 << 20)

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    try:
        status = small.client.post(f"{small.tap}/sync", content=flood(), headers=kind).status_code
    except httpx.WriteError:  # the server said its word and closed while more was coming
        status = 413
    assert status == 413
    assert still_answers(small)


def test_a_query_beyond_its_time_is_an_error_and_the_next_is_answered(small):
    answer = ask(small, SLOW)
    assert answer.status_code == 504
    assert "longer than 2 s" in answer.text
    assert still_answers(small)


def test_a_job_beyond_its_time_is_an_error_and_one_that_is_aborted_stops(small, service):
    made = small.client.post(f"{small.tap}/async", data={"LANG": "ADQL", "QUERY": SLOW, "PHASE": "RUN"})
    late = small.client.get(made.headers["Location"], params={"WAIT": "50", "PHASE": "QUEUED"})
    late = small.client.get(made.headers["Location"], params={"WAIT": "50", "PHASE": "EXECUTING"})
    assert "<uws:phase>ERROR</uws:phase>" in late.text
    assert "longer than" in late.text
    made = service.client.post(f"{service.tap}/async", data={"LANG": "ADQL", "QUERY": SLOW, "PHASE": "RUN"})
    job = made.headers["Location"]
    service.client.get(job, params={"WAIT": "20", "PHASE": "QUEUED"})
    service.client.post(f"{job}/phase", data={"PHASE": "ABORT"})
    assert service.client.get(f"{job}/phase").text == "ABORTED"
    assert runs_nothing(service)
    service.client.delete(job)


def runs_nothing(service):
    """Whether the process that answers queries comes to rest."""
    for _ in range(100):
        before = cpu(service)
        time.sleep(0.2)
        if cpu(service) - before < 0.05:
            return True
    return False


def cpu(service):
    stat = Path(f"/proc/{service.archive.tables._process.pid}/stat").read_text()
    return sum(map(int, stat.rpartition(")")[2].split()[11:13])) / 100


def test_a_client_that_goes_away_stops_its_query(service):
    place = urlsplit(service.tap)
    body = urlencode({"LANG": "ADQL", "QUERY": SLOW}).encode()
    with socket.create_connection((place.hostname, place.port)) as connection:
        connection.sendall(
            b"POST /tap/sync HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        before = cpu(service)
        while cpu(service) - before < 0.2:
            time.sleep(0.05)
    assert runs_nothing(service)


def test_slow_queries_leave_the_portal_its_threads(small):
    threads = [threading.Thread(target=ask, args=(small, SLOW)) for _ in range(20)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            assert small.client.get("/health").status_code == 200
            assert small.client.get("/api/v1/observations").status_code == 200
    finally:
        for thread in threads:
            thread.join()
    assert still_answers(small)


def test_an_upload_from_inside_the_network_is_not_fetched(small):
    answer = ask(small, "SELECT * FROM TAP_UPLOAD.t", UPLOAD=f"t,{small.tap}/tables")
    assert answer.status_code == 400
    assert "not a public host" in answer.text
