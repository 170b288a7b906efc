"""Lists of targets over HTTP: sent as they are, reported, mended, searched, taken home."""

import csv
import io

import pytest
from astropy.table import Table

from deepfield.web.portal.api.targets import TargetCounts, TargetListDocument
from support.archive import EXPOSURES, PUBLIC

TEXT = "NGC 3324\nNGC 33244\nfar away, 10 20\n"


@pytest.fixture(scope="module")
def sent(client):
    answer = client.post("/api/v1/targets", params={"name": "mine.txt"}, content=TEXT)
    assert answer.status_code == 200, answer.text
    return TargetListDocument.model_validate_json(answer.content, strict=True)


def test_a_list_is_reported_line_by_line_and_kept_for_whoever_has_its_link(client, sent):
    assert (sent.name, sent.resolved, sent.ambiguous, sent.unresolved) == ("mine.txt", 2, 0, 1)
    assert [(each.line, each.status) for each in sent.targets] == [(1, "resolved"), (2, "unresolved"), (3, "resolved")]
    assert sent.targets[1].closest[0] == "NGC 3324"
    assert client.get(f"/api/v1/targets/{sent.id}").json() == sent.model_dump()


def test_a_search_for_a_list_says_which_target_matched(client, sent):
    page = client.get("/api/v1/observations", params={"targets": sent.id, "radius": "30'"}).json()
    expected = {obs_id for obs_id, (*_, target, _ra, _dec, _pi, _title) in EXPOSURES.items() if target == "NGC 3324"}
    assert set(page["data"]["obs_id"]) == expected
    assert set(page["data"]["matched_target"]) == {"NGC 3324"}
    assert PUBLIC in expected
    counts = client.get(f"/api/v1/targets/{sent.id}/counts", params={"radius": "30'"})
    assert TargetCounts.model_validate_json(counts.content, strict=True).observations == [len(expected), 0, 0]
    assert counts.json()["matched"] == 1


def test_a_line_is_mended_in_place(client, sent):
    mended = client.post(f"/api/v1/targets/{sent.id}/lines", json={"lines": {"2": "NGC 3324"}}).json()
    assert (mended["resolved"], mended["unresolved"]) == (3, 0)
    assert mended["id"] != sent.id


@pytest.mark.parametrize("form", ["csv", "votable", "ecsv", "xlsx"])
def test_the_report_is_taken_home_in_any_format(client, sent, form):
    answer = client.get(f"/api/v1/targets/{sent.id}/report/{form}", params={"radius": "30'"})
    assert answer.status_code == 200, answer.text
    if form == "xlsx":
        assert answer.content.startswith(b"PK")
    elif form == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [(row["target"], row["status"]) for row in rows] == [
            ("NGC 3324", "resolved"), ("NGC 33244", "unresolved"), ("far away", "resolved"),
        ]  # fmt: skip
        assert int(rows[0]["observations"]) > 0
    else:
        kind = {"votable": "votable", "ecsv": "ascii.ecsv"}[form]
        table = Table.read(io.BytesIO(answer.content), format=kind)
        assert list(table["line"]) == [1, 2, 3]
        assert table["ra"].unit == "deg"


def test_a_report_sent_back_is_the_same_list(client, sent):
    report = client.get(f"/api/v1/targets/{sent.id}/report/csv").text
    again = client.post("/api/v1/targets", content=report).json()
    assert [(each["label"] or each["text"], each["ra"]) for each in again["targets"]] == [
        (each.label or each.text, each.ra) for each in sent.targets
    ]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_export_of_a_search_for_a_list_has_the_target_of_each_row(client, sent, form):
    answer = client.get(f"/api/v1/export/{form}", params={"targets": sent.id, "radius": "30'"})
    assert answer.status_code == 200, answer.text
    if form == "csv":
        assert {row["matched_target"] for row in csv.DictReader(io.StringIO(answer.text))} == {"NGC 3324"}


@pytest.mark.parametrize(
    ("method", "address", "body", "status", "kind"),
    [
        ("POST", "/targets", b"", 400, "invalid_upload"),
        ("POST", "/targets", b"\xff\xfe\x00", 400, "invalid_upload"),
        ("POST", "/targets", b"M 1\n" * 10_001, 400, "invalid_upload"),
        ("POST", "/targets", b"x" * 8_000_001, 413, "upload_too_large"),
        ("GET", "/targets/none", None, 404, "unknown_target_list"),
        ("GET", "/targets/none/counts", None, 404, "unknown_target_list"),
        ("GET", "/targets/none/report/csv", None, 404, "unknown_target_list"),
        ("GET", "/targets/{id}/report/docx", None, 400, "invalid_query"),
        ("GET", "/targets/{id}/counts?radius=11d", None, 400, "invalid_query"),
        ("GET", "/targets/{id}/counts?targets=other", None, 400, "invalid_query"),
        ("GET", "/observations?targets=none", None, 404, "unknown_target_list"),
        ("GET", "/observations?targets={id}&position=M31", None, 400, "invalid_query"),
        ("GET", "/observations?targets={id}&columns=matched", None, 400, "unknown_column"),
        ("POST", "/targets/{id}/lines", b'{"lines": {"77": "M 1"}}', 400, "invalid_query"),
        ("POST", "/targets/{id}/lines", b'{"lines": {}}', 422, "invalid_value"),
        ("POST", "/targets/{id}/lines", b"[]", 422, "invalid_value"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(client, sent, method, address, body, status, kind):
    headers = {"content-type": "application/json"} if "lines" in address else {}
    answer = client.request(method, f"/api/v1{address.format(id=sent.id)}", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind), answer.text


def test_a_form_with_parts_is_refused_with_what_would_be_right(client):
    answer = client.post("/api/v1/targets", files={"file": ("a.txt", b"M 16")})
    assert answer.status_code == 400
    assert "body of the request" in answer.json()["error"]["message"]


def test_all_ways_to_search_take_a_list(client, sent):
    params = {"targets": sent.id, "radius": "30'"}
    total = client.get("/api/v1/observations", params=params).json()["total"]
    assert client.get("/api/v1/facets", params=params).json()["total"] == total
    assert client.get("/api/v1/footprints", params=params).json()["total"] == total
    assert client.get("/api/v1/scatter", params={**params, "x": "t_min", "y": "t_exptime"}).json()["total"] <= total
    assert client.get("/api/v1/adql", params=params).json() == {"adql": None, "unsaid": ["targets"]}
