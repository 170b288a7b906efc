"""A selection becomes a file: script, archive, metalink or manifest, with the same content whoever asks by whatever address."""

import csv
import hashlib
import io
import os
import stat
import subprocess
import tarfile
import zipfile
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from deepfield.web.app import create_app
from support.archive import (
    EXCLUSIVE,
    EXCLUSIVE_FILE,
    PUBLIC,
    PUBLIC_FILE,
    RELEASE,
    build_archive,
    write_exposure,
    write_products,
)
from support.cutting import broken_network
from support.people import make_everybody
from support.serving import served

UNCAL = f"{PUBLIC}_uncal.fits"
BOTH = {"observation": [PUBLIC, EXCLUSIVE]}
FORMS = ["sh", "zip", "tar", "tar.gz", "metalink", "sha256"]


def unpacked(form, content):
    if form == "zip":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {one.filename: archive.read(one) for one in archive.infolist()}
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive}


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
def test_an_archive_holds_the_recommended_products_bit_for_bit_and_names_what_is_left_out(client, products, form):
    answer = client.post(f"/bundle.{form}", data=BOTH | {"name": "mine"})
    assert answer.status_code == 200
    assert form == "tar.gz" or answer.headers["content-length"] == str(len(answer.content))
    files = unpacked(form, answer.content)
    path = f"mine/JWST/{PUBLIC}/{PUBLIC_FILE}"
    assert set(files) == {"mine/MANIFEST.tsv", "mine/SHA256SUMS", path}
    assert files[path] == (products / PUBLIC_FILE).read_bytes()
    included, left = rows_of(files["mine/MANIFEST.tsv"].decode())
    assert (included["status"], included["sha256"]) == ("included", hashlib.sha256(files[path]).hexdigest())
    assert (left["status"], left["release"], left["sha256"]) == ("exclusive", RELEASE, "")
    assert left["uri"].endswith(EXCLUSIVE_FILE)


def test_the_whole_dataset_is_one_switch_away_and_filters_narrow_it(client):
    def names(**options):
        listed = rows_of(
            client.get("/bundle.manifest", params={"observation": PUBLIC, "layout": "flat"} | options).text
        )
        return {row["path"] for row in listed}

    assert names() == {PUBLIC_FILE}
    assert names(all="1") == {PUBLIC_FILE, UNCAL}
    assert names(all="1", suffix="uncal") == {UNCAL}
    assert names(all="1", calib_level="2", extension="FITS") == {PUBLIC_FILE}
    assert names(all="1", detector="mirimage") == set()


def test_a_search_is_taken_home_as_it_finds_and_what_is_named_twice_comes_once(client):
    search = {
        "search": urlencode({"instrument_name": "NIRCAM"}),
        "observation": PUBLIC,
        "product": [PUBLIC_FILE, UNCAL],
    }
    listed = rows_of(client.get("/bundle.manifest", params=search).text)
    assert len(listed) == len({row["uri"] for row in listed}) == 4
    assert {row["status"] for row in listed} == {"included"}


def test_what_is_not_there_is_named(client):
    listed = rows_of(client.get("/bundle.manifest", params={"product": ["no.fits", PUBLIC_FILE]}).text)
    assert {row["uri"].rpartition("/")[2]: row["status"] for row in listed} == {
        "no.fits": "unknown",
        PUBLIC_FILE: "included",
    }


@pytest.mark.parametrize("form", FORMS)
def test_a_bundle_of_nothing_is_an_error_that_says_why(client, form):
    unknown = client.get(f"/bundle.{form}", params={"product": "no.fits"})
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "unknown_product")
    refused = client.get(f"/bundle.{form}", params={"observation": EXCLUSIVE})
    assert (refused.status_code, refused.json()["error"]["release"]) == (403, RELEASE)
    assert client.post(f"/api/v0.1/Download/bundle.{form}", data={"uri": EXCLUSIVE_FILE}).status_code == 401


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "selection"),
        ({"observation": PUBLIC, "layout": "../.."}, "layout"),
        ({"observation": PUBLIC, "name": "../x"}, "name"),
        ({"observation": PUBLIC, "all": "yes"}, "all"),
        ({"observation": PUBLIC, "snapshot": "-1"}, "snapshot"),
        ({"observation": PUBLIC, "colour": "red"}, "colour"),
        ({"search": "no_such=1"}, "column"),
        ({"search": "position=circle+nowhere"}, "position"),
    ],
)
def test_a_wrong_parameter_is_named(client, params, field):
    answer = client.get("/bundle.manifest", params=params)
    assert answer.status_code in {400, 404}
    assert answer.json()["error"].get("field", "position") == field


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"product": {"a": 1}}', b"\xff"])
def test_a_body_that_cannot_be_read_is_an_error_of_the_client(client, body):
    answer = client.post("/bundle.zip", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_value")


def test_an_unknown_form_lists_those_there_are(client):
    error = client.get("/bundle.rar", params={"observation": PUBLIC}).json()["error"]
    assert error["field"] == "form"
    assert "zip" in error["expected"]


def test_head_says_how_long_a_bundle_will_be(client):
    described = client.head("/bundle.zip", params=BOTH)
    delivered = client.get("/bundle.zip", params=BOTH)
    assert described.headers["content-length"] == str(len(delivered.content))
    assert (described.headers["deepfield-products"], described.headers["deepfield-left-out"]) == ("1", "1")


def test_a_metalink_names_size_checksum_and_an_address_that_gives_them(client, products):
    root = ET.fromstring(client.get("/bundle.metalink", params=BOTH).content)
    space = {"m": "urn:ietf:params:xml:ns:metalink"}
    (file,) = root.findall("m:file", space)
    content = client.get(file.find("m:url", space).text).content
    assert file.find("m:size", space).text == str(len(content))
    assert file.find("m:hash[@type='sha-256']", space).text == hashlib.sha256(content).hexdigest()


def test_mast_clients_get_the_same_by_their_own_addresses(client):
    uris = [f"mast:JWST/product/{PUBLIC_FILE}", f"mast:jwst/product/{UNCAL}"]
    answer = client.post("/api/v0.1/Download/bundle.tar", data={"uri": uris, "bundle_name": "x", "name": "a"})
    assert set(unpacked("tar", answer.content)) > {f"a/JWST/{PUBLIC}/{PUBLIC_FILE}", f"a/JWST/{PUBLIC}/{UNCAL}"}
    assert client.post("/api/v0.1/Download/bundle", data={"uri": uris}).text.startswith("#!/usr/bin/env bash")
    assert client.get("/api/v0.1/Download/bundle.zip", params={"obsid": "x"}).json()["error"]["field"] == "obsid"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """An archive with people, in which one file has two versions."""
    folder = tmp_path_factory.mktemp("own")
    write_products(folder / "products")
    with build_archive(folder / "home", folder / "products") as archive:
        first = (folder / "products" / PUBLIC_FILE).read_bytes()
        (folder / "newer").mkdir()
        write_exposure(folder / "newer" / PUBLIC_FILE, number=3, date="2026-03-01T00:00:00.000")
        before = archive.search.status().snapshot
        archive.intake.ingest([folder / "newer"])
        archive.replica.catch_up()
        tokens = make_everybody(archive, "2222")
        with served(create_app(archive)) as client:
            yield archive, client, first, before, tokens


def test_earlier_versions_have_an_address_by_number_and_by_snapshot(own):
    _archive, client, first, before, _tokens = own
    path = f"/products/{PUBLIC_FILE}"
    assert client.get(path).content != first
    assert client.get(path, params={"version": 1}).content == first
    assert client.get(path, params={"snapshot": before}).content == first
    assert client.get(path, params={"version": 9}).status_code == 404
    bundle = client.get(
        "/bundle.zip", params={"product": PUBLIC_FILE, "snapshot": before, "name": "a", "layout": "flat"}
    )
    assert unpacked("zip", bundle.content)[f"a/{PUBLIC_FILE}"] == first


@pytest.mark.parametrize("form", ["sh", "zip", "tar.gz"])
def test_no_bundle_holds_what_the_caller_may_not_have(own, form):
    _archive, client, _first, _before, tokens = own
    digest = hashlib.sha256(b"").hexdigest()
    for who, token in (tokens | {"nobody": None, "guess": "df_0"}).items():
        headers = {} if token is None else {"Authorization": f"token {token}"}
        may = who in {"coi", "pi", "boss"}
        for address, params in (
            (f"/bundle.{form}", BOTH),
            (f"/api/v0.1/Download/bundle.{form}", {"uri": [EXCLUSIVE_FILE, PUBLIC_FILE]}),
        ):
            for method in ("GET", "HEAD", "POST"):
                answer = client.request(method, address, params=params, headers=headers)
                assert answer.status_code == 200
                assert answer.headers["deepfield-products"] == ("2" if may else "1"), (who, method)
                if method == "GET" and form in {"zip", "tar", "tar.gz"}:
                    held = [name for name in unpacked(form, answer.content) if name.endswith(EXCLUSIVE_FILE)]
                    assert len(held) == may
        assert digest not in client.get("/bundle.sha256", params=BOTH, headers=headers).text


def test_what_is_read_before_its_release_in_a_bundle_is_on_record(own):
    archive, client, _first, _before, tokens = own
    client.get("/bundle.zip", params={"observation": EXCLUSIVE}, headers={"Authorization": f"token {tokens['pi']}"})
    archive.access_log.flush()
    assert any(
        entry["subject"] == EXCLUSIVE_FILE and entry["account"] == "pi" for entry in archive.access_log.entries()
    )


def test_a_withdrawn_product_is_gone_for_good(own):
    archive, client, _first, _before, _tokens = own
    withdrawn = "jw01111002001_02101_00001_nrcalong_uncal.fits"
    archive.intake.forget(withdrawn)
    answer = client.get(f"/products/{withdrawn}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (410, "retired_product")
    assert client.get("/products/never.fits").status_code == 404


def run_script(text, folder, **environment):
    script = folder / "get.sh"
    script.write_text(text)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    settings = {"PATH": os.environ["PATH"], "DEEPFIELD_PAUSE": "0", **environment}
    return subprocess.run(
        ["bash", script], check=False, cwd=folder, env=settings, capture_output=True, text=True, timeout=120
    )


def fetched(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "get.sh"}


@pytest.mark.parametrize("cuts", [10, pytest.param(50, marks=pytest.mark.prove)])
def test_the_script_resumes_a_transfer_that_breaks_again_and_again(client, products, tmp_path, cuts):
    with broken_network(client.base_url.port, cuts=cuts, least=500, most=900) as (address, network):
        text = client.get("/bundle.sh", params={"observation": PUBLIC, "all": "1"}).text
        ran = run_script(text.replace(str(client.base_url).rstrip("/"), address), tmp_path, DEEPFIELD_TRIES="99")
    assert (ran.returncode, network.cut) == (0, cuts), ran.stderr
    assert fetched(tmp_path) == {name: (products / name).read_bytes() for name in (PUBLIC_FILE, UNCAL)}


def test_the_script_keeps_what_is_whole_repairs_what_is_wrong_and_says_what_failed(own, tmp_path):
    _archive, client, _first, _before, tokens = own
    text = client.get(
        "/bundle.sh", params=BOTH | {"name": "mine"}, headers={"Authorization": f"token {tokens['pi']}"}
    ).text
    assert tokens["pi"] not in text
    refused = run_script(text, tmp_path, DEEPFIELD_TRIES="1")
    assert (refused.returncode, "FAILED" in refused.stderr) == (1, True)
    entitled = run_script(text, tmp_path, MAST_API_TOKEN=tokens["pi"])
    assert entitled.returncode == 0, entitled.stderr
    damaged = tmp_path / "mine" / "JWST" / EXCLUSIVE / EXCLUSIVE_FILE
    original = damaged.read_bytes()
    damaged.write_bytes(b"x" + original[1:])
    again = run_script(text, tmp_path, MAST_API_TOKEN=tokens["pi"])
    assert damaged.read_bytes() == original
    assert sorted(line.split()[0] for line in again.stdout.splitlines()) == ["all", "have", "verified"]
