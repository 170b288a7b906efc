"""``Mast.Jwst.Filtered.*`` over simulated products of every instrument, guide stars and wavefront maps among them."""

from itertools import islice, pairwise

import pytest
import yaml

from deepfield.missions.jwst.keywords import header_keywords
from deepfield.web.mast.keywords import SERVICES, columns
from unit.web.test_mast import TYPES, ask

RECORDED = {"Nircam": "NRC", "Niriss": "NIS", "Nirspec": "NRS", "Miri": "MIR", "Fgs": "FGS", "GuideStar": "GS"}
"""What the file of recorded columns calls the services."""


@pytest.fixture(scope="module")
def client(every_instrument):
    return every_instrument.client


@pytest.fixture(scope="module")
def headers(every_instrument):
    return every_instrument.headers


def rows(client, service, *filters, columns="*", **members):
    document = ask(
        client,
        f"Mast.Jwst.Filtered.{service}",
        {"columns": columns, "filters": list(filters)},
        pagesize=50_000,
        **members,
    ).json()
    assert document["status"] == "COMPLETE", document["msg"]
    return document["data"]


def batched(values, size):
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some


def named(client, service, *filters):
    return {row.get("filename") or row["fileName"] for row in rows(client, service, *filters)}


@pytest.mark.parametrize("service", RECORDED)
def test_the_columns_are_those_that_were_recorded_in_their_order(real_data, service):
    path = real_data.parent / "mast_client" / "mastquery" / "mast_columns.yaml"
    recorded = yaml.safe_load(path.read_text())[RECORDED[service]]["all"]
    ours = [column.name for column in columns(service)]
    made_by_their_client = {"prog_pi", "filter-pupil", "inst-mode"}
    wanted = [name for name in recorded if name not in made_by_their_client]
    assert [name for name in ours if name in recorded] == wanted
    assert len(set(ours)) == len(ours)


@pytest.mark.parametrize("service", SERVICES)
def test_every_file_of_the_service_is_listed_with_what_its_header_says(client, headers, service):
    listed = rows(client, service)
    assert listed
    keywords = {name: keyword for name, keyword in header_keywords().items() if name in listed[0]}
    same = 0
    for row in listed:
        header = headers[row.get("filename") or row["fileName"]]
        for name, keyword in keywords.items():
            value = header.get(keyword.keyword)
            if keyword.kind in {"int", "float"}:
                if isinstance(value, int | float) and not isinstance(value, bool):
                    assert row[name] == pytest.approx(value, rel=1e-12), (name, row[name], value)
            elif keyword.kind == "string" and name not in {"instrume", "date_obs_mjd"}:
                assert row[name] is None if value is None else row[name] == str(value).strip(), (name, row[name], value)
            elif keyword.kind == "flag" and value is not None:
                assert row[name] == ("t" if value in {True, "T"} else "f"), name
            same += value is not None
    assert same > 20 * len(listed) or service == "Wss", "the headers are looked at"


def test_the_services_share_out_all_fits_files(client, headers):
    found = [named(client, service) for service in SERVICES]
    assert set.union(*found) == set(headers)
    assert sum(map(len, found)) == len(headers)


@pytest.mark.parametrize("service", SERVICES)
def test_every_column_has_a_type_that_clients_know_and_values_of_it(client, service):
    document = ask(client, f"Mast.Jwst.Filtered.{service}", {"columns": "*", "filters": []}, pagesize=50_000).json()
    types = {field["name"]: field["type"] for field in document["fields"]}
    assert set(types.values()) <= TYPES
    kinds = {"string": str, "datetime": str, "int": int, "float": int | float, "boolean": bool}
    for row in document["data"]:
        assert list(row) == list(types)
        for name, value in row.items():
            assert value is None or isinstance(value, kinds[types[name]]), (name, value)


def test_an_exact_value_of_any_column_finds_the_row_it_is_from(client):
    """What an answer holds can be asked for, whatever column it stands in: its values as filters find the row."""
    for service in ("Niriss", "GuideStar", "Wss"):
        row = rows(client, service)[0]
        name = row.get("filename") or row["fileName"]
        values = [(column, value) for column, value in row.items() if value is not None and column != "FileTypeID"]
        for some in batched(values, 12):
            filters = [{"paramName": column, "values": [str(value)]} for column, value in some]
            assert name in named(client, service, *filters), (service, some)


def test_filters_of_every_kind_are_answered_without_reading_headers(client, headers):
    def of(keyword, meets):
        science = {
            name for name, header in headers.items() if header.get("INSTRUME") == "NIRISS" and "_gs-" not in name
        }
        return {name for name in science if headers[name].get(keyword) is not None and meets(headers[name][keyword])}

    assert (
        named(client, "Niriss", {"paramName": "pupil", "values": ["nrm"]}) == of("PUPIL", lambda v: v == "NRM") != set()
    )
    assert named(client, "Niriss", {"paramName": "ngroups", "values": ["6", 8]}) == of("NGROUPS", lambda v: v in {6, 8})
    assert named(client, "Niriss", {"paramName": "effexptm", "values": [{"min": 10}]}) == of(
        "EFFEXPTM", lambda v: v >= 10
    )
    assert named(client, "Niriss", {"paramName": "filename", "values": [], "freeText": "%_[cr]a%[le].fits"}) != set()
    for true in ("True", "T", "t", True, 1):
        assert named(client, "Niriss", {"paramName": "is_psf", "values": [true]}) == of("IS_PSF", bool)
    levels = [{row["productLevel"] for row in rows(client, "Niriss", {"paramName": "productLevel", "values": [level]})}
              for level in ("1b", "2A", "2b", "3")]  # fmt: skip
    assert levels == [{"1b"}, {"2a"}, {"2b"}, {"3"}]
    one = rows(client, "Niriss", {"paramName": "productLevel", "values": ["1b"]})[0]
    assert len(rows(client, "Niriss", {"paramName": "fileSetName", "values": [one["fileSetName"]]})) > 1
    moment = {"paramName": "date_obs", "values": [one["date_obs"]]}
    assert one["filename"] in named(client, "Niriss", moment)
    day = {
        "paramName": "date_obs_mjd",
        "values": [{"min": one["date_obs_mjd"] - 0.001, "max": one["date_obs_mjd"] + 0.001}],
    }
    assert one["filename"] in named(client, "Niriss", day)
    everything = named(client, "Niriss")
    restricted = [
        named(client, "Niriss", {"paramName": "isRestricted", "values": [word]}) for word in ("True", "False")
    ]
    assert restricted[0] | restricted[1] == everything
    assert not restricted[0] & restricted[1]
    missing = {"paramName": "texptime_", "values": ["1"]}
    document = ask(client, "Mast.Jwst.Filtered.Niriss", {"columns": "*", "filters": [missing]}).json()
    assert (document["status"], "texptime_" in document["msg"]) == ("ERROR", True)


@pytest.mark.parametrize(
    ("column", "value"),
    [("ngroups", "six"), ("effexptm", [1]), ("date_obs", 5), ("date_obs", "yesterday"), ("isRestricted", "maybe"),
     ("program", {"min": 1, "max": 2}), ("ngroups", {"min": "a", "max": 2}), ("date_obs", {"min": "x", "max": None})],
)  # fmt: skip
def test_a_value_that_cannot_be_compared_is_told(client, column, value):
    filters = [{"paramName": column, "values": [value]}]
    document = ask(client, "Mast.Jwst.Filtered.Niriss", {"columns": "filename", "filters": filters}).json()
    assert document["status"] == "ERROR"
    assert column in document["msg"]


def test_pages_of_files_come_by_name_and_count_what_the_filters_leave(client):
    public = {"paramName": "instrume", "values": ["NIRISS"]}
    whole = [row["filename"] for row in rows(client, "Niriss", public, columns="filename")]
    assert whole == sorted(whole)
    pages = [
        ask(
            client, "Mast.Jwst.Filtered.Niriss", {"columns": "filename, pupil", "filters": [public]}, pagesize=7, page=n
        ).json()
        for n in range(1, 99)
        if n == 1 or 7 * (n - 1) < len(whole)
    ]
    assert [row["filename"] for page in pages for row in page["data"]] == whole
    assert {page["paging"]["rowsFiltered"] for page in pages} == {len(whole)}
    assert all(first["paging"]["page"] + 1 == second["paging"]["page"] for first, second in pairwise(pages))
    counted = ask(client, "Mast.Jwst.Filtered.Niriss", {"columns": "COUNT_BIG(*)", "filters": [public]}).json()
    assert counted["data"] == [{"Column1": len(whole)}]


def test_wavefront_maps_are_found_as_stpsf_asks_for_them(client):
    everything = [
        {"paramName": "ap_type", "values": ["OPD"]},
        {"paramName": "apername", "values": ["NRCA3_FP1", "NRCA1_FP6"]},
    ]
    maps = rows(client, "Wss", *everything)
    assert [row["fileName"] for row in maps] == ["R2025040901-NRCA1_FP6-1.fits", "R2025040902-NRCA1_FP6-1.fits"]
    for row in maps:
        assert row["corr_id"] == row["fileName"].split("-")[0]
        assert (len(row["visitId"]), row["visitId"].isdecimal()) == (11, True)
        assert row["dataURI"] == f"mast:JWST/product/{row['fileName']}"
        assert len(row["obs_id"]) > 16
    day = maps[0]["date_obs_mjd"]
    near = [
        {"paramName": "ap_type", "values": ["OPD"]},
        {"paramName": "date_obs_mjd", "values": [{"min": day - 1, "max": day}]},
    ]
    assert [row["fileName"] for row in rows(client, "Wss", *near)] == [maps[0]["fileName"]]
    got = client.get(f"/api/v0.1/Download/file?uri=mast:JWST/product/{maps[0]['fileName']}")
    assert got.content[:9] == b"SIMPLE  ="


def test_guide_star_files_are_found_by_programme(client):
    found = rows(
        client, "GuideStar", {"paramName": "program", "values": ["90633"]}, columns="fileName, exp_type, gs_mag, gs_ra"
    )
    assert len(found) == len(named(client, "GuideStar"))
    assert {row["exp_type"] for row in found} >= {"FGS_ACQ1", "FGS_ID-IMAGE"}
