"""Who may see which rows and whose jobs, over HTTP."""

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from deepfield.access.principal import STAFF
from support.archive import write_products
from support.people import make_everybody
from support.vo import running_service

SOURCES = "SELECT COUNT(*) AS n FROM jwst.source"
ROWS = 3
MAY_READ = {"coi", "pi", "boss"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A service with source rows of an exclusive observation, and a token of everybody by kind."""
    products = tmp_path_factory.mktemp("exclusive")
    write_products(products)
    table = QTable({"label": np.arange(1, ROWS + 1)})
    table["sky_centroid"] = SkyCoord(np.full(ROWS, 274.7), np.full(ROWS, -13.84), unit="deg")
    table.write(products / "jw02222-o001_t001_miri_f770w_cat.ecsv", format="ascii.ecsv")
    with running_service(tmp_path_factory.mktemp("access"), products) as service:
        yield service, make_everybody(service.archive, "2222")


def signed(token):
    return {"Authorization": f"token {token}"}


def counted(text):
    return int(text.splitlines()[1])


def test_source_rows_before_their_release_are_seen_by_those_entitled_alone(place):
    service, tokens = place
    data = {"LANG": "ADQL", "QUERY": SOURCES, "RESPONSEFORMAT": "csv"}
    seen = {
        name: counted(service.client.post(f"{service.tap}/sync", data=data, headers=signed(token)).text)
        for name, token in tokens.items()
    }
    assert seen == {name: ROWS if name in MAY_READ else 0 for name in tokens}
    assert counted(service.client.post(f"{service.tap}/sync", data=data).text) == 0


def run(service, token, *, before=lambda: None):
    """Make a job as this caller, do something, run it; return the rows it counted."""
    client, headers = service.client, {} if token is None else signed(token)
    data = {"LANG": "ADQL", "QUERY": SOURCES, "RESPONSEFORMAT": "csv"}
    job = client.post(f"{service.tap}/async", data=data, headers=headers).headers["Location"]
    before()
    client.post(f"{job}/phase", data={"PHASE": "RUN"}, headers=headers)
    for phase in ("QUEUED", "EXECUTING"):
        client.get(job, params={"WAIT": "30", "PHASE": phase}, headers=headers)
    found = counted(client.get(f"{job}/results/result", headers=headers).text)
    client.delete(job, headers=headers)
    return found


def test_a_job_reads_what_its_caller_may_and_its_token_was_made_for(place):
    service, tokens = place
    for name in ("pi", "boss", "user", "pi, token for less", "boss, token for less", "pi, revoked"):
        assert run(service, tokens[name]) == (ROWS if name in MAY_READ else 0), name
    assert run(service, None) == 0


def test_a_job_reads_no_more_than_its_caller_may_when_it_runs(place):
    service, tokens = place
    revoke = service.archive.accounts.revoke
    assert run(service, tokens["coi"], before=lambda: revoke("2222", "coi", by=STAFF)) == 0
    service.archive.accounts.grant("2222", "coi", "coi", by=STAFF)


def test_a_job_of_an_account_is_listed_to_it_and_not_there_for_others(place):
    service, tokens = place
    client, mine = service.client, signed(tokens["user"])
    data = {"LANG": "ADQL", "QUERY": SOURCES}
    job = client.post(f"{service.tap}/async", data=data, headers=mine).headers["Location"]
    assert job in client.get(f"{service.tap}/async", headers=mine).text
    assert client.get(f"{job}/owner", headers=mine).text == "user"
    for other in ({}, signed(tokens["pi"]), signed(tokens["boss"])):
        assert job not in client.get(f"{service.tap}/async", headers=other).text
        for part in ("", "/phase", "/parameters", "/results", "/error", "/results/result"):
            answer = client.get(job + part, headers=other)
            assert answer.status_code == 404
            assert SOURCES not in answer.text
        assert client.post(f"{job}/phase", data={"PHASE": "RUN"}, headers=other).status_code == 404
        assert client.delete(job, headers=other).status_code == 404
    assert client.get(f"{job}/phase", headers=mine).text == "PENDING"
    client.delete(job, headers=mine)
