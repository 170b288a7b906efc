"""Commands end with the right code, say what they did, and tell an error in one sentence."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from support.archive import EXCLUSIVE, EXCLUSIVE_FILE, PUBLIC_FILE, write_products
from support.command import DEEPFIELD
from support.tables import override


class Machine:
    """A folder to work in, with a home and some data."""

    def __init__(self, folder, data):
        self.folder, self.home, self.data = folder, folder / "home", data

    @property
    def environment(self):
        return os.environ | {"DEEPFIELD_HOME": str(self.home), "DEEPFIELD_WORKERS": "1"}

    def run(self, *words, **environment):
        return subprocess.run(
            [DEEPFIELD, *map(str, words)],
            cwd=self.folder,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )


@pytest.fixture
def empty(tmp_path):
    """A machine without an archive."""
    return Machine(tmp_path, tmp_path / "data")


@pytest.fixture(scope="module")
def ingested(tmp_path_factory):
    """A machine whose archive no test may change."""
    folder = tmp_path_factory.mktemp("machine")
    write_products(folder / "data")
    machine = Machine(folder, folder / "data")
    done = machine.run("ingest", machine.data, "--report", folder / "report.json")
    assert done.returncode == 0, done.stderr
    return machine


@pytest.fixture
def changing(ingested, tmp_path):
    """A machine with a copy of that archive, over the same data."""
    machine = Machine(tmp_path, ingested.data)
    shutil.copytree(ingested.home, machine.home)
    return machine


def says_one_sentence(done):
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done.stderr
    assert done.stderr.startswith("deepfield: ")


def test_the_version_is_printed(empty):
    assert empty.run("version").stdout == "deepfield 0.1.0\n"


@pytest.mark.parametrize(
    "words",
    [["ingest"], ["ingest", "nowhere"], ["serve", "--port", "70000"], ["nothing"], ["simulate", "x", "--size", "big"]],
)
def test_a_wrong_command_line_is_a_matter_of_usage(empty, words):
    done = empty.run(*words)
    assert (done.returncode, "Usage:" in done.stderr) == (2, True)


def test_settings_are_listed_with_their_sources(empty):
    done = empty.run("config", DEEPFIELD_PORT="8123", DEEPFIELD_PROT="1")
    lines = {line.split("\t")[0]: line.split("\t")[1:] for line in done.stdout.splitlines()}
    assert lines["port"] == ["8123", "DEEPFIELD_PORT"]
    assert lines["host"] == ["127.0.0.1", "default"]
    assert "DEEPFIELD_PROT in the environment is not a setting; did you mean DEEPFIELD_PORT?" in done.stderr


def test_a_setting_that_cannot_be_right_is_told_in_a_sentence(empty):
    says_one_sentence(empty.run("config", DEEPFIELD_PORT="x"))


def test_a_folder_that_holds_something_is_not_simulated_into(ingested):
    says_one_sentence(ingested.run("simulate", ingested.data))


def test_the_openapi_document_is_printed(empty):
    assert json.loads(empty.run("openapi").stdout)["info"]["title"] == "Deepfield"


def test_an_ingest_reports_every_file_and_a_second_one_changes_nothing(ingested, changing):
    first = json.loads((ingested.folder / "report.json").read_text())
    assert first["summary"]["ingested"] == 8
    assert {entry["status"] for entry in first["files"]} == {"ingested", "kept"}
    again = changing.run("ingest", changing.data, "--report", changing.folder / "again.json")
    assert json.loads((changing.folder / "again.json").read_text())["summary"]["unchanged"] == 9
    assert ("unchanged" in again.stdout, again.returncode) == (True, 0)


def test_a_refused_file_is_named_and_the_command_ends_with_3(changing):
    bad = changing.folder / "jw01111009001_02101_00001_nrcb1_cal.fits"
    bad.write_bytes(b"SIMPLE  = nonsense")
    done = changing.run("ingest", bad)
    assert done.returncode == 3
    assert f"refused  {bad}" in done.stderr


def test_changed_tables_reach_the_archive_with_a_reindex(changing):
    assert "0 of 4 observations changed\n" in changing.run("reindex").stdout
    override(changing.home / "tables", "bands.tsv", {"instrument": "NIRCAM", "rule": "range"}, lower_um="0.5")
    done = changing.run("reindex")
    assert done.returncode == 0
    assert " of 4 observations changed as of snapshot " in done.stdout
    assert "\n0 of" not in f"\n{done.stdout}"
    assert "\n0 of" in f"\n{changing.run('reindex').stdout}"


def test_a_wrong_table_stops_an_ingest_before_it_begins(empty):
    write_products(empty.data)
    override(empty.folder / "own", "bands.tsv", {"instrument": "NIRCAM", "element": "F200W"}, upper_um="0.1")
    done = empty.run("ingest", empty.data, DEEPFIELD_TABLES="own")
    says_one_sentence(done)
    assert "bands.tsv, line 2: upper_um is '0.1'; expected more than lower_um" in done.stderr
    assert not empty.home.exists()


def test_an_observation_and_a_product_can_be_forgotten_and_their_files_stay(changing):
    assert changing.run("forget", PUBLIC_FILE).returncode == 0
    says_one_sentence(changing.run("forget", PUBLIC_FILE))
    assert changing.run("forget", EXCLUSIVE).returncode == 0
    assert (changing.data / PUBLIC_FILE).exists()


def test_staff_take_an_exclusive_product_home(ingested, tmp_path):
    done = ingested.run("read", EXCLUSIVE_FILE, "-o", tmp_path / "out.fits")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.fits").read_bytes() == (ingested.data / EXCLUSIVE_FILE).read_bytes()
    says_one_sentence(ingested.run("read", "nothing.fits", "-o", tmp_path / "none.fits"))
    says_one_sentence(ingested.run("read", PUBLIC_FILE, "-o", tmp_path / "no" / "folder.fits"))
    assert [path.name for path in tmp_path.iterdir()] == ["out.fits"]


def test_a_check_names_the_file_that_changed(ingested):
    assert ingested.run("check", "--deep").returncode == 0
    path = ingested.data / PUBLIC_FILE
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    done = ingested.run("check")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (done.returncode, PUBLIC_FILE in done.stdout) == (1, True)


def test_a_server_prints_its_address_answers_and_ends_when_told(changing):
    command = [DEEPFIELD, "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=changing.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        address = next(word for line in server.stdout for word in line.split() if word.startswith("http://"))
        health = wait_for_health(address)
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        commands = [Path(f"/proc/{child}/cmdline").read_text() for child in children]
        beside = changing.run("ingest", changing.data)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
    assert health["status"] == "ok"
    assert any("deepfield.query_process" in command for command in commands), "queries need not wait for their process"
    assert beside.returncode == 0, "an ingest runs beside the server"


def test_a_port_in_use_is_told_in_a_sentence(changing):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        says_one_sentence(changing.run("serve", "--port", taken.getsockname()[1]))


def wait_for_health(address):
    for _ in range(100):
        with urllib.request.urlopen(f"{address}health", timeout=20) as answer:
            health = json.loads(answer.read())
        if health["status"] == "ok":
            break
        time.sleep(0.2)
    return health
