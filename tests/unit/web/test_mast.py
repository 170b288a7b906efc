"""The MAST-compatible face as programs without astroquery ask it: shapes, formats, pages, and every kind of mistake."""

import json
from urllib.parse import quote

import pytest
from astropy.io.votable import parse_single_table

from support.archive import EXCLUSIVE, EXCLUSIVE_FILE, EXPOSURES, PUBLIC, PUBLIC_FILE

TYPES = {
    "char",
    "string",
    "datetime",
    "date",
    "double",
    "float",
    "decimal",
    "int",
    "short",
    "long",
    "number",
    "boolean",
}
CONE = {"ra": 159.30, "dec": -58.62, "radius": 0.02}


def ask(client, service, params=None, *, path="/api/v0/invoke", **members):
    document = {"service": service, "params": params or {}, "format": "json", **members}
    body = "request=" + quote(json.dumps(document))
    headers = {"Content-type": "application/x-www-form-urlencoded", "Accept": "text/plain"}
    answer = client.post(path, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def filtered(client, *filters, columns="obs_id"):
    return ask(client, "Mast.Caom.Filtered", {"columns": columns, "filters": list(filters)}).json()


def names(document):
    assert document["status"] == "COMPLETE", document
    return sorted(row["obs_id"] for row in document["data"])


@pytest.mark.parametrize(
    "path",
    ["/api/v0/invoke", "/jwst/api/v0/invoke", "/portal/Mashup/Mashup.asmx/invoke", "/portal_jwst/Mashup/Mashup.asmx/invoke"],
)  # fmt: skip
def test_a_service_is_asked_under_every_alias_by_form_query_and_json(client, path):
    document = {"service": "mast.caom.CONE", "params": CONE, "format": "json"}
    answers = [
        ask(client, "mast.caom.CONE", CONE, path=path),
        client.get(path, params={"request": json.dumps(document)}),
        client.post(path, json=document),
    ]
    assert len({answer.content for answer in answers}) == 1
    assert len(answers[0].json()["data"]) == 3


def test_every_type_is_one_that_clients_know_and_the_paging_is_true(client):
    everything = {"columns": "*", "filters": [{"paramName": "obs_collection", "values": ["JWST"]}]}
    first = ask(client, "Mast.Caom.Filtered", everything, pagesize=3).json()
    assert {field["type"] for field in first["fields"]} <= TYPES
    assert [field["name"] for field in first["fields"]] == list(first["data"][0])
    assert first["paging"] == {
        "page": 1, "pageSize": 3, "pagesFiltered": 2, "rows": 3, "rowsFiltered": 4, "rowsTotal": 4,
    }  # fmt: skip
    second = ask(client, "Mast.Caom.Filtered", everything, pagesize="3", page="2").json()
    beyond = ask(client, "Mast.Caom.Filtered", everything, pagesize=3, page=9).json()
    assert names({**first, "data": first["data"] + second["data"]}) == sorted(EXPOSURES)
    assert (beyond["status"], beyond["data"], beyond["paging"]["page"]) == ("COMPLETE", [], 9)


@pytest.mark.parametrize(
    ("name", "service", "params"),
    [
        ("caom", "Mast.Caom.Cone", CONE),
        ("advSearchPos", "Mast.Caom.Filtered.Position", {"columns": "*", "filters": [], "position": "159.3, -58.62, 0.02"}),
        ("advSearch", "Mast.Caom.Filtered", {"columns": "*", "filters": [{"paramName": "calib_level", "values": ["2"]}]}),
        ("countsResp", "Mast.Caom.Filtered.Position", {"columns": "COUNT_BIG(*)", "filters": [], "position": "159.3, -58.62, 0.02"}),
        ("products", "Mast.Caom.Products", {"obsid": "1"}),
    ],
)  # fmt: skip
def test_answers_have_the_shape_of_the_recorded_ones(client, real_data, name, service, params):
    recorded = json.loads((real_data / "mast_responses" / f"astroquery__mast__{name}.json").read_text())
    answer = ask(client, service, params, pagesize=50_000).json()
    assert set(recorded) <= set(answer)
    assert set(recorded["paging"]) == set(answer["paging"])
    types = {field["name"]: field["type"] for field in answer["fields"]}
    wanted = {field["name"]: field["type"] for field in recorded["fields"]}
    if service == "Mast.Caom.Cone":
        del wanted["objID"]  # recorded years ago: MAST answers a cone without it now
    assert {name: types.get(name) for name in wanted} == wanted
    kinds = {key: type(value) for key, value in recorded["data"][0].items() if value is not None and key in types}
    for row in answer["data"]:
        for key, kind in kinds.items():
            both_numbers = kind in {int, float} and isinstance(row[key], int | float)
            assert row[key] is None or both_numbers or isinstance(row[key], kind), key


def test_every_recorded_request_of_real_clients_is_answered(client, real_data):
    path = real_data.parent / "mast_client" / "derived" / "recorded_client_requests.jsonl"
    if not path.is_file():
        pytest.skip(f"SKIPPED FOR WANT OF REAL DATA: {path}")
    replayed = 0
    for line in path.read_text().splitlines():
        sent = json.loads(line)
        if not sent["p"].lower().startswith(("/api/v0/invoke", "/portal", "/whoami", "/search/", "/santa-war")):
            continue
        headers = {name: value for name, value in sent["h"].items() if name.lower() in {"accept", "content-type"}}
        answer = client.request(sent["m"], sent["p"], content=sent["b"].encode(), headers=headers)
        if "/search/" in sent["p"] and "jwst" not in sent["p"]:  # other missions are not here
            assert answer.status_code in {200, 400, 404, 405}, line
            continue
        assert answer.status_code < 500, line
        if sent["p"].endswith("/invoke"):
            assert answer.json()["status"] in {"COMPLETE", "ERROR", ""}, line
        replayed += 1
    assert replayed > 30


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([{"paramName": "instrument_name", "values": ["NIRCAM"]}], 3),
        ([{"paramName": "instrument_name", "values": ["MIRI", "NIRCAM/IMAGE"]}], 4),
        ([{"paramName": "instrument_name", "values": [], "freeText": "N_RCAM%"}], 3),
        ([{"paramName": "INSTRUMENT_NAME", "values": ["niriss"]}], 0),
        ([{"paramName": "filters", "values": ["f770w"], "separator": ";"}], 1),
        ([{"paramName": "obs_id", "values": [], "freeText": "%mir[hi]m%"}], 1),
        ([{"paramName": "obs_id", "values": [], "freeText": "%mir[^i]m%"}], 0),
        ([{"paramName": "calib_level", "values": ["2", 3]}], 4),
        ([{"paramName": "t_min", "values": [{"min": 60827.0, "max": 60827.0}, {"min": 60827.12}]}], 2),
        ([{"paramName": "t_min", "values": [{"min": "2025-06-01T01:00:00"}]}], 3),
        ([{"paramName": "em_min", "values": [{"min": 1000, "max": 2000}]}], 2),
        ([{"paramName": "proposal_id", "values": ["01111"]}], 3),
        ([{"paramName": "dataRights", "values": ["PUBLIC"]}], 3),
        ([{"paramName": "mtFlag", "values": ["false"]}], 4),
        ([{"paramName": "project", "values": ["HST"]}], 0),
        ([{"paramName": "wavelength_region", "values": [], "freeText": "infra%"}], 4),
        ([{"paramName": "t_obs_release", "values": [{"min": 120_000}]}], 1),
        ([{"paramName": "target_name", "values": ["ngc 3324"]}, {"paramName": "filters", "values": ["F444W"]}], 1),
    ],
)
def test_filters(client, filters, expected):
    assert len(names(filtered(client, *filters))) == expected


def test_the_face_and_the_portal_find_the_same(client):
    ours = client.get(
        "/api/v1/observations", params={"position": "159.30 -58.62", "radius": "0.02d", "filters": "F200W*"}
    ).json()
    params = {
        "columns": "obs_id",
        "filters": [{"paramName": "filters", "values": [], "freeText": "F200W%"}],
        "position": "159.30, -58.62, 0.02",
    }
    theirs = ask(client, "Mast.Caom.Filtered.Position", params).json()
    assert names(theirs) == sorted(ours["data"]["obs_id"])
    assert ask(client, "Mast.Caom.Filtered.Position", params | {"columns": "COUNT_BIG(*)"}).json()["data"] == [
        {"Column1": ours["total"]}
    ]


@pytest.mark.parametrize(
    ("service", "params", "told"),
    [
        ("Mast.Caom.Cone", {"ra": "x", "dec": 0, "radius": 1}, "ra"),
        ("Mast.Caom.Cone", {"ra": 0, "dec": 91, "radius": 1}, "dec"),
        ("Mast.Caom.Cone", {"ra": 0, "dec": 0, "radius": -1}, "radius"),
        ("Mast.Caom.Cone", {"ra": 0, "dec": 0, "radius": 1e400}, "radius"),
        ("Mast.Caom.Cone", {}, "ra"),
        ("Mast.Caom.Filtered", {"filters": []}, "filters"),
        ("Mast.Caom.Filtered", {"filters": "all"}, "filters"),
        ("Mast.Caom.Filtered", {"filters": [{"values": ["x"]}]}, "paramName"),
        ("Mast.Caom.Filtered", {"filters": [{"paramName": "instrument", "values": []}]}, "instrument_name"),
        ("Mast.Caom.Filtered", {"filters": [{"paramName": "calib_level", "values": ["high"]}]}, "calib_level"),
        ("Mast.Caom.Filtered", {"filters": [{"paramName": "t_min", "values": [{"min": 2, "max": 1}]}]}, "t_min"),
        ("Mast.Caom.Filtered", {"filters": [{"paramName": "t_min", "freeText": "6%"}]}, "t_min"),
        ("Mast.Caom.Filtered", {"filters": [{"paramName": "target_name", "values": [{"min": 1}]}]}, "target_name"),
        ("Mast.Caom.Filtered", {"columns": "obs_idd", "filters": [{"paramName": "obs_id", "values": ["x"]}]}, "obs_id"),
        ("Mast.Caom.Filtered", {"filters": [{"paramName": "srcDen", "values": [1]}]}, "srcDen"),
        ("Mast.Caom.Filtered.Position", {"filters": [], "position": "1, 2"}, "position"),
        ("Mast.Caom.Products", {"obsid": PUBLIC}, "filter on obs_id"),
        ("Mast.Caom.Products", {}, "obsid"),
        ("Mast.Caom.Crossmatch", {"radius": 0.1}, "data"),
        ("Mast.Name.Lookup", {"input": ""}, "input"),
        ("Mast.Jwst.Filtered.Nircam", {"columns": "*"}, "filters"),
        ("Mast.Jwst.Filtered.Nircam", {"columns": "*", "filters": [{"paramName": "effexptim", "values": [1]}]}, "effexptm"),
        ("Mast.Hsc.Db.v3", {}, "available here"),
    ],
)  # fmt: skip
def test_a_mistake_is_an_error_that_names_it(client, service, params, told):
    document = ask(client, service, params).json()
    assert document["status"] == "ERROR"
    assert told in document["msg"]


@pytest.mark.parametrize(
    "body",
    [b"", b"request=", b"request=%7B", b"request=[]", b"nothing=1", b"request=%22x%22", b"request=%7B%22service%22:1%7D", b"\xff\xfe",
     b"request=" + quote('{"service":"Mast.Caom.Cone","params":[]}').encode(), b"request=" + b"[" * 100_000,
     b"request=" + quote('{"service":"Mast.Caom.Cone","params":{},"page":0}').encode(),
     b"request=" + quote('{"service":"Mast.Caom.Cone","params":{},"format":"xlsx"}').encode()],
)  # fmt: skip
def test_what_is_no_request_is_an_error_and_never_a_failure(client, body):
    answer = client.post("/api/v0/invoke", content=body, headers={"Content-type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, answer.json()["status"]) == (200, "ERROR")


def test_csv_votable_and_extjs_hold_the_same_rows(client, tmp_path):
    rows = ask(client, "Mast.Caom.Cone", CONE).json()["data"]
    text = ask(client, "Mast.Caom.Cone", CONE, format="csv", filename="../a b.csv")
    assert len(text.text.splitlines()) == len(rows) + 1
    assert text.headers["content-disposition"] == 'attachment; filename="..ab.csv"'
    path = tmp_path / "cone.vot"
    path.write_bytes(ask(client, "Mast.Caom.Cone", CONE, format="votable").content)
    table = parse_single_table(path).to_table()
    assert list(map(str, table["obs_id"])) == [row["obs_id"] for row in rows]
    assert str(table["s_ra"].unit) == "deg"
    extjs = ask(client, "Mast.Caom.Cone", CONE, format="extjs").json()["data"]["Tables"][0]
    assert extjs["Rows"] == [list(row.values()) for row in rows]
    assert extjs["ExtendedProperties"]["Paging"]["rowsTotal"] == len(rows)


def test_null_columns_can_be_left_out(client):
    without = ask(client, "Mast.Caom.Cone", CONE, removenullcolumns=True).json()
    assert "srcDen" not in {field["name"] for field in without["fields"]}


def test_histograms_of_everything(client):
    table = ask(client, "Mast.Caom.All", format="extjs").json()["data"]["Tables"][0]
    histograms = {c["text"]: c["ExtendedProperties"].get("histObj") for c in table["Columns"]}
    assert histograms["obs_collection"] == {"hist": [{"count": 4, "key": "JWST"}], "JWST": {"count": 4, "key": "JWST"}}
    assert histograms["instrument_name"]["NIRCAM/IMAGE"]["count"] == 3
    assert histograms["t_min"]["type"] == "numeric"


def test_a_crossmatch_says_which_position_met_what(client):
    data = {"fields": [{"name": "a"}, {"name": "d"}], "data": [{"a": 0, "d": 0}, {"a": 274.70, "d": -13.84}]}
    document = ask(
        client, "Mast.Caom.Crossmatch", {"raColumn": "a", "decColumn": "d", "radius": 0.01}, data=data
    ).json()
    assert [(row["MatchID"], row["obs_id"], row["distance"]) for row in document["data"]] == [(2, EXCLUSIVE, 0)]


def test_products_repeat_by_parent_unless_asked_once(client):
    obsids = [
        row["obsid"] for row in filtered(client, {"paramName": "calib_level", "values": [2]}, columns="obsid")["data"]
    ]
    listed = ask(client, "Mast.Caom.Products", {"obsid": ",".join(map(str, obsids))}).json()["data"]
    assert len(listed) == 8
    assert {row["parent_obsid"] for row in listed} == set(obsids)
    unique = ask(client, "Mast.Caom.Products", {"obsid": obsids * 2, "unique": True}).json()["data"]
    assert len(unique) == 8
    nothing = ask(client, "Mast.Caom.Products", {"obsid": "99999999"}).json()
    assert (nothing["status"], nothing["data"]) == ("COMPLETE", [])
    assert "planned" in nothing["msg"]


def test_keywords_are_compared_in_headers_where_the_catalogue_has_none(client):
    columns = "filename, effexptm, date_obs, date_obs_mjd, tsovisit, isRestricted"
    filters = [
        {"paramName": "EFFEXPTM", "values": [{"min": 601, "max": 602}]},
        {"paramName": "tsovisit", "values": ["False"]},
        {"paramName": "date_beg_mjd", "values": [{"min": 60827.03, "max": 60827.05}]},
    ]
    document = ask(client, "Mast.Jwst.Filtered.NIRCam", {"columns": columns, "filters": filters}).json()
    assert [row["filename"] for row in document["data"]] == [
        f"jw01111001001_02101_00002_nrcb1_{suffix}.fits" for suffix in ("cal", "uncal")
    ]
    assert [field["name"] for field in document["fields"]] == [name.strip() for name in columns.split(",")]
    assert document["data"][0]["effexptm"] == 601.2
    assert document["data"][0]["tsovisit"] == "f"
    assert document["data"][0]["isRestricted"] is False
    counted = ask(
        client,
        "Mast.Jwst.Filtered.Miri",
        {"columns": "COUNT_BIG(*)", "filters": [{"paramName": "isRestricted", "values": ["True"]}]},
    )
    assert counted.json()["data"] == [{"Column1": 2}]


def test_columns_are_configured_and_unknown_services_have_none(client):
    path = "/portal/Mashup/Mashup.asmx/columnsconfig"
    cone = client.post(path, content=b"colConfigId=Mast.Caom.Cone").json()
    assert cone["obs_collection"]["text"] == "Mission"
    assert cone["calib_level"]["vot.datatype"] == "int", "clients would ask for a range"
    assert cone["t_min"]["vot.datatype"] == "double"
    assert cone["filters"]["separator"] == ";"
    assert "pupil" in client.post(path, content=b"colConfigId=Mast.Jwst.Filtered.Nircam").json()
    assert client.post(path, content=b"colConfigId=Mast.Nothing").json() == {}


def test_names_are_resolved_in_masts_words(client):
    found = ask(client, "Mast.Name.Lookup", {"input": "NGC 3324", "format": "json"}).json()["resolvedCoordinate"]
    assert (found[0]["searchString"], round(found[0]["decl"])) == ("ngc 3324", -59)
    assert ask(client, "Mast.Name.Lookup", {"input": "no such thing"}).json() == {
        "resolvedCoordinate": [],
        "status": "",
    }
    several = client.get(
        "/Santa-war/query", params={"name": ["NGC 3324", "nothing at all"], "outputFormat": "json"}
    ).json()
    assert [each["searchString"] for each in several["resolvedCoordinate"]] == ["ngc 3324"]


# Bytes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [f"/api/v0.1/Download/file?uri=mast:JWST/product/{PUBLIC_FILE}", f"/jwst/api/v0.1/download/file/?uri=mast%3Ajwst%2Fproduct%2F{PUBLIC_FILE}",
     f"/portal_jwst/Download/file?bundle_name=x.sh&uri=mast:JWST/product/{PUBLIC_FILE}",
     f"/search/jwst/api/v0.1/retrieve_product?product_name=x%2F{PUBLIC_FILE}", f"/search/jwst/api/v0.1/retrieve_product?product_name={PUBLIC_FILE}",
     f"/search/jwst/api/v0.1/retrieve_product?product_name=mast:JWST/product/{PUBLIC_FILE}"],
)  # fmt: skip
def test_bytes_by_every_address_of_mast(client, address):
    whole = client.get(f"/products/{PUBLIC_FILE}")
    answer, head = client.get(address), client.head(address)
    part = client.get(address, headers={"Range": "bytes=100-199"})
    assert answer.content == whole.content
    assert head.headers["content-length"] == answer.headers["content-length"] == str(len(whole.content))
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert answer.headers["etag"] == whole.headers["etag"]


def test_exclusive_bytes_are_401_and_unknown_ones_404_by_every_method(client):
    for method in ("GET", "HEAD"):
        for address in (
            "/api/v0.1/Download/file?uri=mast:JWST/product/",
            "/search/jwst/api/v0.1/retrieve_product?product_name=",
        ):
            for headers in (
                {},
                {"Range": "bytes=0-9"},
                {"Authorization": "token guess"},
                {"Cookie": "mast_token=guess"},
            ):
                denied = client.request(method, address + EXCLUSIVE_FILE, headers=headers)
                assert denied.status_code == 401
                assert not {"etag", "repr-digest", "last-modified", "content-range"} & set(denied.headers)
            assert client.request(method, f"{address}nothing.fits").status_code == 404
    assert client.get("/api/v0.1/Download/file").status_code == 400
    assert client.get("/api/v0.1/Download/file?uri=file:///etc/passwd").status_code == 400
    assert client.get("/api/v0.1/Download/file?uri=mast:JWST/product/../../etc/passwd").status_code == 404


# Missions ------------------------------------------------------------------------------------------------------------


def missions(client, **body):
    return client.post("/search/jwst/api/v0.1/search", json=body)


def test_a_search_by_fileset_echoes_itself_and_counts(client):
    document = missions(
        client,
        conditions=[{"instrume": "NIRCAM,MIRI"}],
        select_cols=["fileSetName", "nonsense"],
        limit=2,
        sort_by=["fileSetName"],
    ).json()
    assert [row["fileSetName"] for row in document["results"]] == [
        "jw01111001001_02101_00001",
        "jw01111001001_02101_00002",
    ]
    assert document["totalResults"] == 4
    assert document["search_params"]["limit"] == 2
    empty = missions(client, conditions=[{"program": "4"}]).json()
    assert (empty["results"], empty["totalResults"]) == ([], 0)
    assert [column["name"] for column in empty["info"]][:2] == ["ArchiveFileID", "fileSetName"]
    assert {column["type"] for column in empty["info"]} <= {"VARCHAR", "INTEGER", "FLOAT", "DATETIME", "BOOLEAN"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"fileSetName": "jw01111*"}, 3), ({"fileSetName": "jw01111001001_02101_00001"}, 1), ({"instrume": "!MIRI"}, 3),
        ({"expstart": ">60827.05"}, 2), ({"expstart": "60827..60827.05"}, 2), ({"expstart": "<=60827"}, 1), ({"observtn": 2}, 1),
        ({"observtn": "<2"}, 3), ({"program": ">=2000"}, 1), ({"program": "1000..1111"}, 3), ({"program": "1111,2222"}, 4), ({"visit": "1"}, 4),
        ({"pi_name": "Rosseland"}, 1), ({"title": "cliffs"}, 3), ({"date_obs": "2025-06-01"}, 4), ({"date_obs": "<2025-06-01"}, 0),
        ({"date_obs": "2025-06-01T01:00:00..2025-06-01T02:00:00"}, 2), ({"access": "PUBLIC"}, 3), ({"access": "!PUBLIC"}, 1),
        ({"opticalElements": "F770W"}, 1), ({"tsovisit": False}, 4), ({"targprop": ""}, 4), ({"instrume": "NIRCAM", "observtn": "1"}, 2),
        ({"publicReleaseDate": ">2100-01-01"}, 1),
    ],
)  # fmt: skip
def test_conditions(client, condition, expected):
    answer = missions(client, conditions=[condition])
    assert answer.json()["totalResults"] == expected, condition


@pytest.mark.parametrize(
    "body",
    [{"conditions": "x"}, {"conditions": [{"nonsense": "1"}]}, {"conditions": [{"targ_ra": "north"}]}, {"conditions": [{"ang_sep": "<1"}]},
     {"target": ["nothing at all"]}, {"target": 5}, {"radius": -1}, {"radius_units": "miles"}, {"limit": -1}, {"limit": "many"},
     {"sort_by": ["nonsense"]}, {"sort_by": ["s_region"]}, {"conditions": [{"instrume": {"a": 1}}]}, [], "x"],
)  # fmt: skip
def test_a_mistake_in_a_missions_search_is_a_400_that_says_what(client, body):
    answer = client.post("/search/jwst/api/v0.1/search", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]


def test_filesets_are_sorted_by_separation_in_arcmin(client):
    body = {
        "target": ["159.30 -58.62", "274.70 -13.84"],
        "radius": 3,
        "sort_by": ["ang_sep", "fileSetName"],
        "sort_desc": [True, False],
    }
    rows = missions(client, **body).json()["results"]
    assert [row["ang_sep"] for row in rows] == sorted((row["ang_sep"] for row in rows), reverse=True)
    assert {row["search_pos"] for row in rows} == {"159.3 -58.62", "274.7 -13.84"}


def test_products_of_filesets(client):
    path = "/search/jwst/api/v0.1"
    posted = client.post(
        f"{path}/post_list_products", json={"dataset_ids": ["jw01111001001_02101_00001", "nothing"]}
    ).json()
    got = client.get(f"{path}/list_products", params={"dataset_ids": "jw01111001001_02101_00001,nothing"}).json()
    assert posted == got
    assert [(p["filename"], p["category"], p["uri"]) for p in got["products"]] == [
        (f"{PUBLIC}_{suffix}.fits", level, f"jw01111001001_02101_00001/{PUBLIC}_{suffix}.fits")
        for suffix, level in (("cal", "2b"), ("uncal", "1b"))
    ]
    assert client.post(f"{path}/post_list_products", json={"dataset_ids": []}).json() == {"products": []}
    assert client.post(f"{path}/post_list_products", json={"dataset_ids": 5}).status_code == 400


def test_this_is_no_proxy(client):
    import socket

    host, port = client.base_url.host, client.base_url.port
    for target, expected in (
        ("http://example.org/", b"403"),
        ("http://mastresolver.stsci.edu/Santa-war/query?name=NGC%203324", b"200"),
    ):
        with socket.create_connection((host, port)) as connection:
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            assert connection.recv(100).split()[1] == expected
