"""Downloads by the client and by `deepfield get`, over a network that breaks, from Deepfield and by MAST's interface."""

import hashlib

import pytest
from typer.testing import CliRunner

from deepfield.cli import app
from deepfield.client import Client, Remote, Wanted
from deepfield.client.listing import safe_path
from deepfield.client.redirect import redirected
from deepfield.client.settings import checked_server, install
from deepfield.client.transfers import Transfers
from deepfield.model.errors import InvalidValueError, TransferError
from deepfield.web.app import create_app
from support.archive import EXCLUSIVE, EXCLUSIVE_FILE, PUBLIC, PUBLIC_FILE, build_archive, write_products
from support.cutting import broken_network
from support.people import make_everybody
from support.serving import served

UNCAL = f"{PUBLIC}_uncal.fits"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    write_products(folder / "products")
    with build_archive(folder / "home", folder / "products") as archive:
        tokens = make_everybody(archive, "2222")
        with served(create_app(archive)) as http:
            yield str(http.base_url).rstrip("/"), folder / "products", tokens


def held(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("speaks", ["deepfield", "mast"])
@pytest.mark.parametrize("cuts", [10, pytest.param(50, marks=pytest.mark.prove)])
def test_transfers_that_break_again_and_again_end_bit_for_bit(archive, tmp_path, speaks, cuts):
    server, products, _tokens = archive
    listing = Client(server, speaks=speaks).listing(Wanted(observations=(PUBLIC,), everything=True))
    with broken_network(int(server.rpartition(":")[2]), cuts=cuts, least=350, most=1100) as (address, network):
        remotes = [Remote(one.path, one.url.replace(server, address), one.size, one.sha256) for one in listing.remotes]
        outcomes = list(Transfers({}, workers=2, tries=99, pause=lambda _s: None).fetch(remotes, tmp_path))
    assert network.cut == cuts
    assert {outcome.state for outcome in outcomes} == {"verified"}
    assert held(tmp_path) == {name: (products / name).read_bytes() for name in (PUBLIC_FILE, UNCAL)}


def test_both_interfaces_come_down_to_the_same_files(archive):
    server, _products, tokens = archive
    for token in (None, tokens["pi"]):
        ours, theirs = (
            Client(server, token=token, speaks=speaks).listing(Wanted(searches=("proposal_id=1111",)))
            for speaks in ("deepfield", "mast")
        )
        assert [(one.path, one.size) for one in ours.remotes] == [(one.path, one.size) for one in theirs.remotes]
        assert len(ours.remotes) == 3
    assert Client(server).speaks == "deepfield"


def test_what_cannot_be_had_is_named_and_a_token_opens_it(archive, tmp_path):
    server, products, tokens = archive
    wanted = Wanted(observations=(PUBLIC, EXCLUSIVE), products=("no.fits",))
    listing = Client(server).listing(wanted)
    reasons = {gone.name: gone.reason for gone in listing.unavailable}
    assert reasons == {
        "no.fits": "not in this archive",
        EXCLUSIVE_FILE: "under exclusive access until 2199-01-01T00:00:00Z",
    }
    Client(server, token=tokens["pi"]).download(Wanted(observations=(EXCLUSIVE,)), tmp_path)
    assert held(tmp_path) == {EXCLUSIVE_FILE: (products / EXCLUSIVE_FILE).read_bytes()}


def test_what_is_whole_is_kept_and_what_is_damaged_is_fetched_again(archive, tmp_path):
    server, products, _tokens = archive
    client, wanted = Client(server), Wanted(products=(PUBLIC_FILE,), layout="flat")
    assert [one.state for one in client.download(wanted, tmp_path)] == ["verified"]
    assert [one.state for one in client.download(wanted, tmp_path)] == ["present"]
    original = (products / PUBLIC_FILE).read_bytes()
    (tmp_path / PUBLIC_FILE).write_bytes(b"x" + original[1:])
    (tmp_path / f"{PUBLIC_FILE}.part").write_bytes(b"rubbish")
    assert [one.state for one in client.download(wanted, tmp_path)] == ["verified"]
    assert held(tmp_path) == {PUBLIC_FILE: original}


def test_a_checksum_that_never_comes_right_fails_and_leaves_nothing(archive, tmp_path):
    server, products, _tokens = archive
    size = (products / PUBLIC_FILE).stat().st_size
    wrong = Remote("a.fits", f"{server}/products/{PUBLIC_FILE}", size, hashlib.sha256(b"").hexdigest())
    (outcome,) = Transfers({}, pause=lambda _s: None).fetch([wrong], tmp_path)
    assert (outcome.state, "SHA-256" in outcome.reason, held(tmp_path)) == ("failed", True, {})


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "", "a\\b", "-rf", "a/.ssh/x"])
def test_no_archive_writes_outside_the_folder(path):
    with pytest.raises(TransferError):
        safe_path(path)


def run(*words, **options):
    return CliRunner().invoke(app, list(map(str, words)), **options)


def test_get_downloads_names_searches_and_lists(archive, tmp_path, monkeypatch):
    server, products, tokens = archive
    monkeypatch.delenv("MAST_API_TOKEN", raising=False)
    listed = run("get", PUBLIC, "--from", server, "--dry-run", "--all", "--layout", "flat")
    assert [line.split("\t")[2] for line in listed.stdout.splitlines() if "\t" in line] == [PUBLIC_FILE, UNCAL]
    done = run("get", "@-", "--from", server, "--to", tmp_path, "--suffix", "uncal", "--all", input=f"{PUBLIC}\n")
    assert (done.exit_code, held(tmp_path)) == (0, {UNCAL: (products / UNCAL).read_bytes()}), done.output
    partly = run("get", "--search", "instrument_name=MIRI", PUBLIC_FILE, "--from", server, "--to", tmp_path)
    assert (partly.exit_code, "exclusive access" in partly.stderr) == (3, True), partly.output
    whole = run("get", EXCLUSIVE, "--from", server, "--to", tmp_path, env={"MAST_API_TOKEN": tokens["pi"]})
    assert whole.exit_code == 0, whole.output
    assert tokens["pi"] not in whole.output
    assert set(held(tmp_path)) == {UNCAL, PUBLIC_FILE, EXCLUSIVE_FILE}


def test_get_says_what_is_wrong(archive, tmp_path):
    server, _products, _tokens = archive
    assert run("get", "--from", server).exit_code == 1
    assert "no_such" in run("get", "--search", "no_such=1", "--from", server).stderr
    assert "does not answer" in run("get", PUBLIC, "--from", "http://127.0.0.1:9", "--to", tmp_path).stderr


def test_client_config_is_what_astroquery_reads(tmp_path):
    (tmp_path / "astroquery.cfg").write_text("[simbad]\nserver = x\n[mast]\ntimeout = 5\nserver = y\n")
    path = install("http://archive.example:8000", tmp_path)
    text = path.read_text()
    assert "[simbad]\nserver = x" in text
    assert "timeout = 5" in text
    assert "server = http://archive.example:8000\n" in text
    assert "enable_cloud_dataset = False" in text
    printed = run("client-config", "http://archive.example:8000/", "--folder", tmp_path).stdout
    assert "export ENG_BASE_URL=http://archive.example:8000\n" in printed
    assert "export no_proxy=archive.example\n" in printed
    assert "http_proxy" not in run("client-config", "http://archive.example:8000", "--no-resolver").stdout


@pytest.mark.parametrize("server", ["archive.example", "http://mast.example", "https://x/mast", "ftp://x", "http://"])
def test_addresses_that_clients_would_mangle_are_refused(server):
    with pytest.raises(InvalidValueError):
        checked_server(server)


def test_only_addresses_of_mast_are_redirected():
    server = "http://archive.example:8000"
    assert redirected("https://mast.stsci.edu/api/v0/invoke?a=1", server) == f"{server}/api/v0/invoke?a=1"
    assert redirected("https://mast.stsci.edu.evil.example/x", server) == "https://mast.stsci.edu.evil.example/x"
