"""UWS 1.1 over HTTP: every address of a job, and every document valid."""

import threading

import pytest

from support.xsd import check

UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
QUERY = "SELECT TOP 3 obs_id FROM ivoa.ObsCore ORDER BY obs_id"


@pytest.fixture
def make(http, tap):
    """Make jobs, and delete them at the end."""
    made = []

    def make(query=QUERY, **parameters):
        answer = http.post(f"{tap}/async", data={"LANG": "ADQL", "QUERY": query, "RESPONSEFORMAT": "csv", **parameters})
        assert answer.status_code == 303, answer.text
        made.append(answer.headers["Location"])
        return made[-1]

    yield make
    for job in made:
        http.delete(job)


def job_of(http, address, **params):
    root = check(http.get(address, params=params).content)
    return {element.tag.removeprefix(UWS): element for element in root}


def phase_of(http, address):
    return http.get(f"{address}/phase").text


def ended(http, address):
    for _ in range(20):
        job = job_of(http, address, WAIT="5")
        if job["phase"].text not in {"PENDING", "QUEUED", "EXECUTING"}:
            return job
    raise AssertionError(job["phase"].text)


def test_a_new_job_waits_and_tells_all_about_itself(http, make):
    address = make(RUNID="mine")
    job = job_of(http, address)
    assert job["phase"].text == "PENDING"
    assert job["jobId"].text == address.rpartition("/")[2]
    assert job["runId"].text == "mine"
    parameters = {each.get("id"): each.text for each in job["parameters"]}
    assert parameters == {"LANG": "ADQL", "QUERY": QUERY, "RESPONSEFORMAT": "csv"}
    for name, tag in (("phase", "phase"), ("executionduration", "executionDuration"), ("destruction", "destruction")):
        answer = http.get(f"{address}/{name}")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.text == job[tag].text
    assert http.get(f"{address}/quote").text == http.get(f"{address}/owner").text == ""
    check(http.get(f"{address}/parameters").content)
    check(http.get(f"{address}/results").content)
    for missing in ("error", "results/result", "results/other", "nothing"):
        assert http.get(f"{address}/{missing}").status_code == 404


def test_a_job_that_is_run_leaves_its_result(service, http, make):
    address = make()
    answer = http.post(f"{address}/phase", data={"PHASE": "RUN"})
    assert (answer.status_code, answer.headers["Location"]) == (303, address)
    job = ended(http, address)
    assert job["phase"].text == "COMPLETED"
    (result,) = job["results"]
    assert result.get("id") == "result"
    rows = http.get(result.get("{http://www.w3.org/1999/xlink}href"))
    assert rows.headers["content-type"].startswith("text/csv")
    assert len(rows.text.splitlines()) == 4
    assert rows.headers["x-deepfield-snapshot"] == str(service.archive.snapshots.history().current)
    assert http.get(f"{address}/results/result", headers={"Range": "bytes=0-5"}).text == "obs_id"


def test_a_job_may_be_told_to_run_where_it_is_made(http, make):
    assert ended(http, make(PHASE="RUN"))["phase"].text == "COMPLETED"


def test_bad_parameters_make_a_job_that_fails(http, make):
    for parameters in ({"LANG": "OOBLECK"}, {"MAXREC": "many"}, {"RESPONSEFORMAT": "papyrus"}, {"query": "DUFF"}):
        address = make(**({"PHASE": "RUN"} | parameters))
        job = ended(http, address)
        assert job["phase"].text == "ERROR"
        message = job["errorSummary"][0].text
        assert message
        document = http.get(f"{address}/error")
        assert document.status_code == 200
        assert check(document.content)[0][0].text == message


def test_a_job_is_aborted_and_stays_so(http, make):
    address = make()
    assert http.post(f"{address}/phase", data={"PHASE": "ABORT"}).status_code == 303
    assert phase_of(http, address) == "ABORTED"
    for phase in ("RUN", "ABORT"):
        assert http.post(f"{address}/phase", data={"PHASE": phase}).status_code == 303
        assert phase_of(http, address) == "ABORTED"


@pytest.mark.parametrize("how", ["DELETE", "ACTION"])
def test_a_deleted_job_is_gone(http, tap, make, how):
    address = make()
    answer = http.delete(address) if how == "DELETE" else http.post(address, data={"ACTION": "DELETE"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{tap}/async")
    for part in ("", "/phase", "/results", "/parameters"):
        assert http.get(address + part).status_code == 404
    assert http.delete(address).status_code == 404


def test_what_waits_is_changed_and_what_runs_is_not(http, make):
    address = make()
    http.post(f"{address}/parameters", data={"QUERY": "SELECT 1 AS one FROM ivoa.ObsCore", "MAXREC": "1"})
    http.post(f"{address}/executionduration", data={"EXECUTIONDURATION": "7"})
    http.post(f"{address}/destruction", data={"DESTRUCTION": "2100-01-01T00:00:00Z"})
    job = job_of(http, address)
    assert {each.get("id"): each.text for each in job["parameters"]}["MAXREC"] == "1"
    assert job["executionDuration"].text == "7"
    assert job["destruction"].text < "2100"
    http.post(address, data={"PHASE": "RUN"})
    ended(http, address)
    assert http.get(f"{address}/results/result").text.split() == ["one", "1"]
    assert http.post(f"{address}/parameters", data={"MAXREC": "2"}).status_code == 403
    for part, value in (("executionduration", "soon"), ("destruction", "never"), ("phase", "HOP")):
        answer = http.post(f"{address}/{part}", data={part.upper(): value})
        assert answer.status_code == 400
        assert value in check(answer.content)[0][0].text


def test_a_client_that_waits_hears_of_a_change_at_once_and_of_none_in_time(http, make):
    address = make()
    assert job_of(http, address, WAIT="0")["phase"].text == "PENDING"
    assert job_of(http, address, WAIT="100", PHASE="QUEUED")["phase"].text == "PENDING"
    timer = threading.Timer(0.3, lambda: http.post(f"{address}/phase", data={"PHASE": "ABORT"}))
    timer.start()
    assert job_of(http, address, WAIT="-1", PHASE="PENDING")["phase"].text == "ABORTED"
    assert job_of(http, address, WAIT="100")["phase"].text == "ABORTED"
    timer.join()
    assert http.get(address, params={"WAIT": "long"}).status_code == 400


def test_the_list_is_valid_and_shows_nobody_elses(http, tap, make):
    make()
    for params in ({}, {"PHASE": ["PENDING", "HELD"]}, {"LAST": "3"}, {"AFTER": "2020-01-01T00:00:00"}):
        root = check(http.get(f"{tap}/async", params=params).content)
        assert root.get("version") == "1.1"
        assert len(root) == 0
    for params in ({"PHASE": "HOP"}, {"LAST": "0"}, {"AFTER": "soon"}):
        assert http.get(f"{tap}/async", params=params).status_code == 400


@pytest.mark.parametrize(
    "identifier",
    ["..", "%2e%2e", "..%2f..%2fetc", "a" * 32, "A" * 32, "x" * 5000, "%00", "' OR 1=1 --", "é", "%ff", "result/../.."],
)
def test_no_identifier_leads_anywhere_else(http, tap, identifier):
    for part in ("", "/phase", "/results/result", "/results/..%2f..%2fcatalogue.sqlite", "/error"):
        assert http.get(f"{tap}/async/{identifier}{part}").status_code in {400, 404}
    assert http.post(f"{tap}/async/{identifier}/phase", data={"PHASE": "RUN"}).status_code in {400, 404, 405}


def test_a_flood_of_jobs_is_refused_beyond_a_share(http, make):
    waiting = [make(query="SELECT 1 AS n FROM ivoa.ObsCore") for _ in range(8)]
    answers = [http.post(f"{address}/phase", data={"PHASE": "RUN"}).status_code for address in waiting]
    assert set(answers) <= {303, 429}
    for address in waiting:
        if phase_of(http, address) != "PENDING":
            assert ended(http, address)["phase"].text == "COMPLETED"
