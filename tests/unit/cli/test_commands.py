"""Commands end with the right code, say what they did, and tell an error in one sentence."""

import json
import os
import signal
import subprocess
import time
import urllib.request

import pytest

from support.archive import DEEPFIELD, EXCLUSIVE, EXCLUSIVE_FILE, PUBLIC, PUBLIC_FILE, write_exposure, write_products


@pytest.fixture
def run(tmp_path):
    """Run a command in a folder and a home of its own."""

    def run(*words, **environment):
        return subprocess.run(
            [DEEPFIELD, *map(str, words)],
            cwd=tmp_path,
            env=os.environ | {"DEEPFIELD_HOME": str(tmp_path / "home"), "DEEPFIELD_WORKERS": "1"} | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def data(tmp_path):
    write_products(tmp_path / "data")
    return tmp_path / "data"


def says_one_sentence(done):
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1), done.stderr
    assert done.stderr.startswith("deepfield: ")


def test_the_version_is_printed(run):
    assert run("version").stdout == "deepfield 0.1.0\n"


@pytest.mark.parametrize(
    "words", [["ingest"], ["serve", "--port", "70000"], ["nothing"], ["simulate", "x", "--size", "big"]]
)
def test_a_wrong_command_line_is_a_matter_of_usage(run, words):
    done = run(*words)
    assert (done.returncode, "Usage:" in done.stderr) == (2, True)


def test_settings_are_listed_with_their_sources(run):
    lines = dict.fromkeys([])
    for line in run("config", DEEPFIELD_PORT="8123").stdout.splitlines():
        name, value, source = line.split("\t")
        lines[name] = (value, source)
    assert lines["port"] == ("8123", "DEEPFIELD_PORT")
    assert lines["host"] == ("127.0.0.1", "default")


def test_a_setting_that_cannot_be_right_is_told_in_a_sentence(run):
    says_one_sentence(run("config", DEEPFIELD_PORT="x"))


def test_a_folder_that_holds_something_is_not_simulated_into(run, data):
    says_one_sentence(run("simulate", data))


def test_an_ingest_counts_and_reports_every_file(run, data, tmp_path):
    done = run("ingest", data, "--report", tmp_path / "report.json")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["summary"]["ingested"] == 8
    assert {entry["status"] for entry in report["files"]} == {"ingested", "kept"}
    again = run("ingest", data, "--report", tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())["summary"]["unchanged"] == 9
    assert "unchanged" in again.stdout


def test_a_refused_file_is_named_and_the_rest_goes_in(run, data):
    (data / "jw01111009001_02101_00001_nrcb1_cal.fits").write_bytes(b"SIMPLE  = nonsense")
    done = run("ingest", data)
    assert done.returncode == 3
    assert "jw01111009001_02101_00001_nrcb1_cal.fits" in done.stdout + done.stderr


def test_a_path_that_is_not_there_fails(run, tmp_path):
    says_one_sentence(run("ingest", tmp_path / "nowhere"))


def test_a_product_can_be_forgotten_and_its_file_stays(run, data):
    run("ingest", data)
    assert run("forget", PUBLIC_FILE).returncode == 0
    says_one_sentence(run("forget", PUBLIC_FILE))
    assert run("forget", EXCLUSIVE).returncode == 0
    assert (data / PUBLIC_FILE).exists()


def test_staff_take_an_exclusive_product_home(run, data, tmp_path):
    run("ingest", data)
    done = run("read", EXCLUSIVE_FILE, "-o", tmp_path / "out.fits")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.fits").read_bytes() == (data / EXCLUSIVE_FILE).read_bytes()
    says_one_sentence(run("read", "nothing.fits", "-o", tmp_path / "none.fits"))
    assert not (tmp_path / "none.fits").exists()


def test_a_check_names_the_file_that_changed(run, data):
    run("ingest", data)
    assert run("check", "--deep").returncode == 0
    (data / PUBLIC_FILE).unlink()
    write_exposure(data / PUBLIC_FILE, date="2026-03-01T00:00:00.000")
    done = run("check")
    assert (done.returncode, PUBLIC_FILE in done.stdout) == (1, True)


def test_a_server_prints_its_address_answers_and_ends_when_told(data, tmp_path, run):
    run("ingest", data)
    command = [DEEPFIELD, "serve", "--port", "0"]
    environment = os.environ | {"DEEPFIELD_HOME": str(tmp_path / "home")}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        address = next(word for line in server.stdout for word in line.split() if word.startswith("http://"))
        health = wait_for_health(address)
        assert run("ingest", data).returncode == 0, "an ingest runs beside the server"
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
    assert health["status"] == "ok"


def test_a_port_in_use_is_told_in_a_sentence(data, tmp_path, run):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        says_one_sentence(run("serve", "--port", taken.getsockname()[1]))


def wait_for_health(address):
    for _ in range(100):
        with urllib.request.urlopen(f"{address}health", timeout=20) as answer:
            health = json.loads(answer.read())
        if health["status"] == "ok":
            break
        time.sleep(0.2)
    return health


def test_the_first_product_of_an_observation_is_found_by_its_name(run, data):
    run("ingest", data)
    assert run("read", f"{PUBLIC}_uncal.fits", "-o", "-").returncode == 0
