"""A search as a file: the same rows as its pages, in every format, of one snapshot."""

import csv
import io
import json

import openpyxl
import pytest
from astropy.table import Table

from deepfield.formats import FORMATS
from support.archive import EXPOSURES, PUBLIC


def pages(client, parameters):
    found = client.get("/api/v1/observations", params={**parameters, "limit": 2}).json()
    rows = list(zip(*found["data"].values(), strict=True))
    while found["next"]:
        found = client.get("/api/v1/observations", params={**parameters, "limit": 2, "after": found["next"]}).json()
        rows += zip(*found["data"].values(), strict=True)
    return rows


@pytest.mark.parametrize("form", [each.name for each in FORMATS])
def test_every_format_comes_with_its_name_type_and_snapshot(client, form):
    answer = client.get(f"/api/v1/export/{form}", params={"instrument_name": "NIRCAM", "columns": "*"})
    assert answer.status_code == 200, answer.text
    each = next(each for each in FORMATS if each.name == form)
    assert answer.headers["content-type"].partition(";")[0] == each.media_type.partition(";")[0]
    assert answer.headers["content-disposition"].endswith(f'jwst-observations-1.{each.extension}"')
    assert answer.headers["x-deepfield-snapshot"] == "1"
    assert PUBLIC.encode() in answer.content or form in {"xlsx", "parquet", "votable-binary", "votable-binary2"}


@pytest.mark.parametrize("sort", ["obs_id", "-t_min,obs_id", "target_name"])
def test_the_rows_are_those_of_the_pages_in_their_order(client, sort):
    parameters = {"sort": sort, "columns": "obs_id,target_name,s_ra"}
    expected = pages(client, parameters)
    assert len(expected) == len(EXPOSURES)
    document = client.get("/api/v1/export/csv", params=parameters).text
    _head, *rows = csv.reader(io.StringIO(document))
    assert [(row[0], row[1], float(row[2])) for row in rows] == expected
    sheet = openpyxl.load_workbook(io.BytesIO(client.get("/api/v1/export/xlsx", params=parameters).content))["Rows"]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert cells == [[obs_id, target, pytest.approx(ra, rel=1e-15)] for obs_id, target, ra in expected]
    ecsv = Table.read(client.get("/api/v1/export/ecsv", params=parameters).text, format="ascii.ecsv")
    assert ecsv["s_ra"].unit == "deg"


def test_an_export_reads_page_by_page(archive):
    query = archive.search.parse({"columns": "obs_id", "sort": "obs_id"})
    stream = archive.search.export(query, page=1)
    assert [batch["obs_id"].to_pylist() for batch in stream] == [[obs_id] for obs_id in sorted(EXPOSURES)]


def test_a_search_too_long_for_an_address_is_a_form(client):
    names = ",".join([*EXPOSURES, *(f"no_such_{at}" for at in range(3000))])
    answer = client.post("/api/v1/export/json", data={"obs_id": names, "columns": "obs_id"})
    assert len(json.loads(answer.content)["data"]) == len(EXPOSURES)


def test_all_columns_are_those_that_one_can_search(client, archive):
    head = client.get("/api/v1/export/csv?columns=*").text.splitlines()[0].split(",")
    assert head == [column.name for column in archive.search.columns().columns if column.searchable]


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/api/v1/export/xls", 400, "xlsx"),
        ("/api/v1/export/csv?no_such=1", 400, "no_such"),
        ("/api/v1/export/csv?columns=obs_idd", 400, "obs_id"),
        ("/api/v1/export/csv?limit=5", 400, "limit"),
        ("/api/v1/export/csv?t_min=x..y", 400, "t_min"),
        ("/api/v1/export/csv?snapshot=99", 400, "snapshot"),
    ],
)
def test_what_is_wrong_is_told_before_the_first_row(client, address, status, said):
    answer = client.get(address)
    assert (answer.status_code, said in answer.json()["error"]["message"]) == (status, True), answer.text
