"""The search by fileset over simulated products of every instrument: all of MAST's columns, shown, asked for and sorted by."""

import json
import random
import re

import pytest
from astropy.io import fits

from deepfield.web.mast.conditions import _digits, columns

TYPES = {"VARCHAR": str, "INTEGER": int, "FLOAT": int | float, "DATETIME": str, "BOOLEAN": bool}


def search(client, **body):
    answer = client.post("/search/jwst/api/v0.1/search", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def found(client, *conditions):
    return {
        row["fileSetName"]
        for row in search(client, conditions=list(conditions), select_cols=["fileSetName"])["results"]
    }


@pytest.fixture(scope="module")
def client(every_instrument):
    return every_instrument.client


@pytest.fixture(scope="module")
def headers(every_instrument):
    return every_instrument.headers


@pytest.fixture(scope="module")
def everything(client):
    return search(client, select_cols=list(columns()))["results"]


def test_every_column_of_masts_is_there_and_described(client, real_data):
    recorded = real_data / "mast_responses" / "mast-aladin-lite__column_descriptions.json"
    names = [column["name"] for column in json.loads(recorded.read_text())["jwst"]]
    listed = client.get("/search/util/api/v0.1/column_list?mission=jwst").json()
    assert set(names) <= {column["column_name"] for column in listed}
    for column in listed:
        assert set(column) == {
            "field_name", "description", "column_name", "queryable", "qual_type", "default_output", "indexed", "datatype",
        }  # fmt: skip
        assert column["description"]
        assert column["qual_type"] in {"string", "substring", "float", "integer", "datetime", "boolean", "ra", "dec"}


def test_default_columns_come_in_masts_order(client, real_data):
    lines = (real_data / "mast_responses" / "mast-aladin__mm_jwst_M4.ecsv").read_text().splitlines()
    recorded = next(line for line in lines if not line.startswith("#")).split()
    ours = [column["name"] for column in search(client, limit=1)["info"]]
    assert [name for name in ours if name in recorded] == [name for name in recorded if name in ours]
    assert set(recorded) - set(ours) <= {"search_pos", "ang_sep"}


def test_every_value_is_of_the_type_that_is_declared(client, everything):
    types = {column["name"]: column["type"] for column in search(client, select_cols=list(columns()), limit=1)["info"]}
    filled = set()
    for row in everything:
        for name, value in row.items():
            assert value is None or isinstance(value, TYPES[types[name]]), (name, value)
            filled |= {name} if value is not None else set()
    assert "proposal_cycle" not in filled, "no header says it"
    assert len(filled) > 130, "what the simulated headers hold"


def test_keywords_are_those_of_a_file_of_the_fileset(everything, headers):
    rows = {row["fileSetName"]: row for row in everything}
    checked = 0
    for name, header in headers.items():
        row = rows.get(re.sub(r"_[a-z0-9]+_(rate|uncal|cal)\.fits$", "", name))
        if row is None or not name.endswith("_uncal.fits"):
            continue
        for ours, keyword in (
            ("readpatt", "READPATT"),
            ("ngroups", "NGROUPS"),
            ("patt_num", "PATT_NUM"),
            ("obslabel", "OBSLABEL"),
        ):
            assert row[ours] == header.get(keyword), (name, ours)
        own = header["INSTRUME"].lower()
        for prefix, keyword in (("nircam", "PUPIL"), ("niriss", "PUPIL"), ("miri", "BAND"), ("nirspec", "GRATING")):
            assert row[f"{prefix}_{keyword.lower()}"] == (header.get(keyword) if own == prefix else None), (
                name,
                prefix,
            )
        checked += 1
    assert checked > 5


def test_what_a_row_shows_can_be_asked_for(client, everything):
    """Every searchable column, with the value of a row as its condition, finds that row."""
    row = max(everything, key=lambda row: sum(value is not None for value in row.values()))
    conditions = {}
    for name, column in columns().items():
        value = row[name]
        if value is None or not column.is_searchable or name in {"s_region", "opticalElements", "detector"}:
            continue
        if isinstance(value, str) and re.search(r"[,!<>*%]|\.\.", value):
            continue
        conditions[name] = value
    assert len(conditions) > 100
    pairs = list(conditions.items())
    for at in range(0, len(pairs), 15):
        assert row["fileSetName"] in found(client, *({name: value} for name, value in pairs[at : at + 15])), pairs[
            at : at + 15
        ]


def test_operators_on_keywords_agree_with_the_values_shown(client, everything):
    def those(meets):
        return {row["fileSetName"] for row in everything if meets(row)}

    groups = {row["ngroups"] for row in everything if row["ngroups"] is not None}
    middle = sorted(groups)[len(groups) // 2]
    assert found(client, {"ngroups": f">={middle}"}) == those(
        lambda row: row["ngroups"] is not None and row["ngroups"] >= middle
    )
    assert found(client, {"ngroups": f"<{middle}"}) == those(
        lambda row: row["ngroups"] is not None and row["ngroups"] < middle
    )
    assert found(client, {"ngroups": f"{middle}..{middle + 5}"}) == those(
        lambda row: row["ngroups"] is not None and middle <= row["ngroups"] <= middle + 5
    )
    assert found(client, {"niriss_pupil": "NRM"}) == those(lambda row: row["niriss_pupil"] == "NRM") != set()
    assert found(client, {"niriss_pupil": "clear*,NRM"}) == those(
        lambda row: (row["niriss_pupil"] or "").startswith(("CLEAR", "NRM"))
    )
    assert found(client, {"niriss_pupil": "!NRM"}) == those(
        lambda row: row["instrume"] == "NIRISS" and row["niriss_pupil"] != "NRM"
    )
    assert found(client, {"is_psf": True}) == found(client, {"is_psf": "T"}) == those(lambda row: row["is_psf"] == "t")
    days = sorted(row["date_beg"] for row in everything if row["date_beg"])
    assert found(client, {"date_beg": f">={days[3][:10]}"}) == those(
        lambda row: (row["date_beg"] or "") >= days[3][:10]
    )


def test_rows_are_sorted_by_keywords_missing_ones_last(client, everything):
    for descending in (False, True):
        rows = search(client, select_cols=["ngroups", "fileSetName"], sort_by=["ngroups"], sort_desc=[descending])[
            "results"
        ]
        values = [row["ngroups"] for row in rows]
        there = [value for value in values if value is not None]
        assert there == sorted(there, reverse=descending)
        assert values[: len(there)] == there
    first = search(client, select_cols=["readpatt"], sort_by=["readpatt", "fileSetName"], limit=4)["results"]
    second = search(client, select_cols=["readpatt"], sort_by=["readpatt", "fileSetName"], limit=4, offset=4)["results"]
    both = search(client, select_cols=["readpatt"], sort_by=["readpatt", "fileSetName"], limit=8)["results"]
    assert [*first, *second] == both
    counted = search(client, conditions=[{"ngroups": ">1"}], limit=2)
    assert counted["totalResults"] == sum((row["ngroups"] or 0) > 1 for row in everything)
    assert "totalResults" not in search(client, limit=1, skip_count=True)


def test_radii_in_every_unit_are_one_radius(client, everything):
    place = next(f"{row['targ_ra']} {row['targ_dec']}" for row in everything if row["targ_ra"] is not None)
    asked = [
        {row["fileSetName"] for row in search(client, target=[place], radius=radius, radius_units=unit)["results"]}
        for radius, unit in ((120.0, "arcseconds"), (2.0, "arcminutes"), (2 / 60, "degrees"))
    ]
    assert asked[0]
    assert asked[0] == asked[1] == asked[2]


def test_the_files_of_a_fileset_are_listed_and_handed_over(client, everything):
    name = next(row["fileSetName"] for row in everything if row["instrume"] == "NIRISS" and row["productLevel"])
    products = client.get("/search/jwst/api/v0.1/list_products", params={"dataset_ids": name}).json()["products"]
    assert products
    for product in products:
        got = client.get("/search/jwst/api/v0.1/retrieve_product", params={"product_name": product["uri"]})
        assert (got.status_code, len(got.content)) == (200, product["size"])
        assert (
            fits.Header.fromstring(got.content[:80].decode("latin-1"))["SIMPLE"]
            if got.content[:6] == b"SIMPLE"
            else True
        )


def test_a_range_of_numbers_is_a_pattern_of_digits():
    rng = random.Random(1)
    for low, high in [
        (0, 0),
        (0, 99_999),
        (1, 9),
        (9, 10),
        (99, 100),
        *(sorted(rng.sample(range(100_000), 2)) for _ in range(20)),
    ]:
        pattern = re.compile(_digits(low, high))
        edges = {low - 1, low, low + 1, high - 1, high, high + 1, *rng.sample(range(100_000), 300)}
        for number in edges - {-1}:
            assert bool(pattern.fullmatch(str(number))) == (low <= number <= high), (low, high, number)
