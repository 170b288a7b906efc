"""A mirror between two real Deepfields, each a server of its own, through the MAST API that any source speaks."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from deepfield.cli import app
from deepfield.client import Client
from deepfield.client.ledger import Ledger
from deepfield.client.mirror import Mirror
from deepfield.client.pace import Pace
from deepfield.client.upstream import Scope, filter_of
from deepfield.model.errors import InvalidValueError, TransferError
from support.archive import (
    EXCLUSIVE_FILE,
    EXPOSURES,
    PUBLIC,
    PUBLIC_FILE,
    RELEASE,
    build_archive,
    write_exposure,
    write_products,
)
from support.between import gateway
from support.command import DEEPFIELD
from support.people import make_everybody
from support.serving import serving_process

ASN = "jw01111-o001_20260101t000000_image3_00001_asn.json"
UNCAL = f"{PUBLIC}_uncal.fits"
SECOND = "jw01111001001_02101_00002_nrcb1_cal.fits"


def write_association(folder: Path, version: str) -> None:
    members = [{"expname": f"{root}_cal.fits", "exptype": "science"} for root in EXPOSURES if root[2:10] == "01111001"]
    product = {"name": "jw01111-o001_t001_nircam_clear-f200w", "members": members}
    document = {
        "asn_type": "image3", "asn_rule": "Asn_Lv3Image", "version_id": version, "code_version": "2.0.1",
        "program": "01111", "asn_id": "o001", "target": "t001", "asn_pool": "jw01111_pool", "products": [product],
    }  # fmt: skip
    (folder / ASN).write_text(json.dumps(document))


pytestmark = pytest.mark.xdist_group("mirror")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A Deepfield that serves; yields its address, what it was made of, tokens and its home."""
    folder = tmp_path_factory.mktemp("mirror")
    products, home = folder / "products", folder / "source"
    write_products(products)
    write_association(products, "20260101t000000")
    with build_archive(home, products) as archive:
        tokens = make_everybody(archive, "2222")
    with serving_process(home) as address:
        yield address, products, tokens, home


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The home of the mirror."""
    monkeypatch.delenv("MAST_API_TOKEN", raising=False)
    monkeypatch.setenv("DEEPFIELD_HOME", str(tmp_path / "mirror"))
    monkeypatch.setenv("DEEPFIELD_WORKERS", "1")
    return tmp_path / "mirror"


def run(address, *words, **options):
    return CliRunner().invoke(app, ["mirror", "--source", address, *map(str, words)], **options)


def planned(result):
    """Read the plan of a dry run: reason by file name."""
    assert result.exit_code == 0, result.output
    rows = [line.split("\t") for line in result.stdout.splitlines() if "\t" in line]
    return {row[2].rpartition("/")[2]: row[0] for row in rows}


def held(home):
    return {path.name: path.read_bytes() for path in home.glob("mirrors/*/files/**/*.*") if path.is_file()}


def change(home, *words):
    done = subprocess.run(
        [DEEPFIELD, *words], env={**os.environ, "DEEPFIELD_HOME": str(home), "DEEPFIELD_WORKERS": "1"}, check=False,
        capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def follow(address, before):
    """Wait until a server shows a later snapshot."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (now := httpx.get(f"{address}/api/v1/status").json()["snapshot"]) > before:
            return now
        time.sleep(0.05)
    raise AssertionError("the server does not follow")


def snapshot(address):
    return httpx.get(f"{address}/api/v1/status").json()["snapshot"]


def test_what_is_exclusive_is_left_out_without_a_token_and_opens_no_earlier_with_one(source, home):
    address, products, tokens, _home = source
    closed = run(address, "--instrument", "MIRI")
    assert closed.exit_code == 0, closed.output
    assert "1 not public and left out" in closed.stderr
    assert held(home) == {}
    denied = run(address, "--instrument", "MIRI", env={"MAST_API_TOKEN": tokens["user"]})
    assert (denied.exit_code, "denied" in denied.stderr, held(home)) == (0, True, {}), denied.output
    opened = run(address, "--instrument", "MIRI", env={"MAST_API_TOKEN": tokens["pi"]})
    assert held(home) == {EXCLUSIVE_FILE: (products / EXCLUSIVE_FILE).read_bytes()}, opened.output


def test_a_mirror_that_is_killed_goes_on_and_fetches_nothing_twice(source, home):
    address, products, _tokens, _home = source
    with gateway(address) as (between, orders):
        words = [DEEPFIELD, "mirror", "--source", between, "--programme", "1111", "--all", "--workers", "1"]
        with subprocess.Popen([*words, "--rate", "8"], stdout=subprocess.PIPE, text=True, env=os.environ) as process:
            process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        ledger = next(home.glob("mirrors/*/ledger.jsonl"))
        with ledger.open("a") as sink:
            sink.write('{"copy":{"name":"cut sho')
        whole = len(Ledger.open(ledger).copies)
        before = orders.downloads()
        done = run(between, "--programme", "1111", "--all")
        assert done.exit_code == 0, done.output
        assert whole >= 1
        assert orders.downloads() - before <= 7 - whole
    assert held(home) == {path.name: path.read_bytes() for path in products.glob("jw01111*")}


@pytest.mark.parametrize("wanted", [("--suffix", "cal"), ("--extension", "json")], ids=["listed", "announced"])
def test_spoiled_bytes_are_fetched_again_where_a_checksum_tells(source, home, wanted):
    address, products, _tokens, _home = source
    with gateway(address) as (between, orders):
        orders.spoil = 1
        done = run(between, "--programme", "1111", "--all", *wanted, "--no-ingest")
        assert done.exit_code == 0, done.output
        assert orders.downloads() == len(held(home)) + 1
    assert held(home)
    assert all(content == (products / name).read_bytes() for name, content in held(home).items())
    assert not (home / "catalogue.sqlite").exists()


def test_an_archive_without_checksums_is_believed_by_size_and_says_so(source, home):
    address, _products, _tokens, _home = source
    with gateway(address) as (between, orders):
        orders.silent = True
        wanted = ("--programme", "1111", "--all", "--extension", "json", "--no-ingest")
        assert f"{ASN} (size only)" in run(between, *wanted).stdout
        assert planned(run(between, *wanted, "--dry-run")) == {}


def test_damage_here_is_found_and_mended(source, home):
    address, products, _tokens, _home = source
    wanted = ("--programme", "1111", "--suffix", "cal", "--no-ingest")
    run(address, *wanted)
    (copy,) = home.glob(f"mirrors/*/files/**/{PUBLIC_FILE}")
    copy.write_bytes(b"x" + copy.read_bytes()[1:])
    (other,) = home.glob(f"mirrors/*/files/**/{SECOND}")
    other.unlink()
    assert planned(run(address, *wanted, "--dry-run")) == {SECOND: "damaged"}
    assert planned(run(address, *wanted, "--dry-run", "--verify")) == {SECOND: "damaged", PUBLIC_FILE: "damaged"}
    run(address, *wanted, "--verify")
    assert held(home) == {path.name: path.read_bytes() for path in products.glob("jw01111*_cal.fits")}


def test_what_does_not_fit_is_refused_before_anything_is_fetched(source, home):
    address, _products, _tokens, _home = source
    with gateway(address) as (between, orders):
        full = run(between, "--programme", "1111", env={"DEEPFIELD_DISK_RESERVE_MB": str(10**9)})
        assert (full.exit_code, "are free" in full.stderr) == (1, True), full.output
        over = run(between, "--programme", "1111", "--quota", "0.00002")
        assert (over.exit_code, "quota is 20000" in over.stderr) == (1, True), over.output
        assert orders.downloads() == 0
    assert held(home) == {}


def test_scopes_by_target_filter_date_and_kind_of_product(source, home):
    address, _products, _tokens, _home = source
    near = planned(run(address, "--target", "159.30 -58.62", "--radius", "0.002", "--dry-run"))
    assert PUBLIC_FILE in near
    assert planned(run(address, "--target", "NGC 3324", "--dry-run")).keys() >= near.keys()
    assert planned(run(address, "--target", "10 10", "--dry-run")) == {}
    by_filter = run(address, "--filter", "filters=F444W*", "--filter", "t_exptime=600..700", "--dry-run")
    assert set(planned(by_filter)) == {"jw01111002001_02101_00001_nrcalong_cal.fits"}
    assert planned(run(address, "--programme", "1111", "--released-after", "2100-01-01", "--dry-run")) == {}
    kinds = ("--all", "--extension", "json", "--product-type", "INFO,AUXILIARY,SCIENCE,CALIBRATION")
    assert set(planned(run(address, "--programme", "1111", *kinds, "--dry-run"))) == {ASN}
    only = run(address, "--programme", "1111", "--all", "--calib-level", "1", "--dry-run")
    assert {name.rpartition("_")[2] for name in planned(only)} == {"uncal.fits"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "a programme, instrument, target"),
        (("--filter", "nonsense"), "name=value"),
        (("--filter", "t_exptime=a..b"), "a number"),
        (("--filter", "no_such=1"), "no_such"),
        (("--target", "no such place anywhere"), "knows no place"),
        (("--target", "M 16", "--radius", "0"), "radius"),
    ],
)
def test_a_scope_that_cannot_be_is_told(source, home, words, said):
    address, *_rest = source
    result = run(address, *words)
    assert (result.exit_code, said in result.stderr) == (1, True), result.output


def test_two_mirrors_of_one_source_in_one_home_do_not_meet(tmp_path):
    client = Client("http://127.0.0.1:9")
    with (
        Mirror.open(client, tmp_path),
        pytest.raises(TransferError, match="under way"),
        Mirror.open(client, tmp_path),
    ):
        pass


def test_requests_keep_the_pace():
    at, waits = [0.0], []

    def pause(seconds):
        waits.append(seconds)
        at[0] += seconds

    pace = Pace(4.0, clock=lambda: at[0], pause=pause)
    for _ in range(9):
        pace.keep()
    assert at[0] == pytest.approx(2.0)
    assert waits == [0.25] * 8


def test_filters_are_read_as_written():
    assert filter_of("proposal_id=1,2") == {"paramName": "proposal_id", "values": ["1", "2"]}
    assert filter_of("t_min=..5")["values"] == [{"max": 5.0}]
    assert filter_of("target_name=NGC*")["freeText"] == "NGC%"
    with pytest.raises(InvalidValueError):
        Scope(())


def test_a_mirror_takes_everything_once_then_only_what_changed_and_serves_it(source, home):
    address, products, tokens, source_home = source
    wanted = ("--programme", "1111,2222", "--all")
    token = {"MAST_API_TOKEN": tokens["pi"]}
    with gateway(address) as (between, orders):
        everything = planned(run(between, *wanted, "--dry-run", env=token))
        assert set(everything) == {path.name for path in products.glob("jw*")}
        assert set(everything.values()) == {"new"}
        assert orders.downloads() == 0
        orders.busy = 2
        first = run(between, *wanted, env=token)
        assert first.exit_code == 0, first.output
        assert tokens["pi"] not in first.output
        assert held(home) == {path.name: path.read_bytes() for path in products.glob("jw*")}
        fetched = orders.downloads()

        assert planned(run(between, *wanted, "--dry-run", env=token)) == {}
        again = run(between, *wanted, env=token)
        assert (again.exit_code, orders.downloads()) == (0, fetched)
        assert "unchanged          9" in again.stdout

        before = snapshot(address)
        old = (products / PUBLIC_FILE).read_bytes()
        newer, extra = products.parent / "newer", "jw01111002001_02101_00001_nrcalong_cal.fits"
        newer.mkdir()
        write_exposure(newer / PUBLIC_FILE, number=0, date="2026-03-01T10:00:00.000")
        write_association(newer, "20260301t000000")
        change(source_home, "ingest", str(newer))
        before = follow(address, before)
        change(source_home, "forget", extra)
        follow(address, before)
        changed = planned(dry := run(between, *wanted, "--dry-run", env=token))
        assert changed == {PUBLIC_FILE: "changed", ASN: "changed"}
        assert f"retired   JWST/jw01111/{extra.removesuffix('_cal.fits')}/{extra}" in dry.stderr
        done = run(between, *wanted, env=token)
        assert (done.exit_code, orders.downloads()) == (0, fetched + 2), done.output
        assert planned(run(between, *wanted, "--dry-run", env=token)) == {}
    new = (newer / PUBLIC_FILE).read_bytes()
    assert new != old
    with serving_process(home) as copy:
        theirs, ours = (
            httpx.get(f"{server}/api/v1/observations?columns=obs_id,data_release&sort=obs_id&limit=50").json()["data"]
            for server in (address, copy)
        )
        assert dict(zip(*ours.values(), strict=True)) == dict(zip(*theirs.values(), strict=True))
        assert httpx.get(f"{copy}/products/{PUBLIC_FILE}").content == new
        assert httpx.get(f"{copy}/products/{PUBLIC_FILE}?version=1").content == old
        refused = httpx.get(f"{copy}/products/{EXCLUSIVE_FILE}")
        assert (refused.status_code, RELEASE[:10] in refused.text) == (403, True)
