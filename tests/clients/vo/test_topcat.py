"""TOPCAT itself, on a screen of its own: asked by SAMP to load answers, and its libraries' upload round trip."""

import os
import re
import shutil
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from urllib.parse import urlencode

import pytest
from astropy.io.votable import parse_single_table

from support.bringing import compare, everything

pytestmark = [
    pytest.mark.skipif(
        not (shutil.which("topcat") and shutil.which("Xvfb")),
        reason="SKIPPED FOR WANT OF TOPCAT (Debian packages topcat and xvfb)",
    ),
    pytest.mark.filterwarnings("ignore"),  # those of the client libraries are theirs
]
PATIENCE = 60
CONE = "SELECT obs_id, s_ra, s_dec, t_min, s_region FROM ivoa.ObsCore WHERE 1=CONTAINS(POINT('ICRS', s_ra, s_dec), CIRCLE('ICRS', 159.3, -58.62, 0.1)) ORDER BY obs_id"


@contextmanager
def ended(process):
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def screen():
    """A display that nobody looks at."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"]
    with ended(subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)):
        os.close(writing)
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        yield f":{number}"


class Topcat:
    """TOPCAT as another program of the desktop reaches it."""

    def __init__(self, client, name):
        self._client, self._name, self._addresses = client, name, {}

    def call(self, mtype, **parameters):
        """What TOPCAT answers: None for done, or its words."""
        message = {"samp.mtype": mtype, "samp.params": parameters}
        answer = self._client.call_and_wait(self._name, message, str(PATIENCE))
        return None if answer["samp.status"] == "samp.ok" else answer["samp.error"]["samp.errortxt"]

    def load(self, name, address):
        self._addresses[name] = address
        return self.call("table.load.votable", **{"url": address, "table-id": name, "name": name})

    def highlight(self, name, row):
        """Point at a row, once the table is there: loading is answered a moment before."""
        for _ in range(PATIENCE * 10):
            told = self.call("table.highlight.row", **{"table-id": name, "url": self._addresses[name], "row": str(row)})
            if told is None or "No table" not in told:
                return told
            threading.Event().wait(0.1)
        raise AssertionError(told)


@pytest.fixture(scope="module")
def topcat(tmp_path_factory):
    from pyvo import samp

    home = tmp_path_factory.mktemp("desktop")
    lock = home / "samp.lock"
    before, samp.conf.use_internet = samp.conf.use_internet, False
    subscribed, names = threading.Event(), []

    def note(_key, _sender, _mtype, parameters, _extra):
        if "table.load.votable" in parameters["subscriptions"]:
            names.append(parameters["id"])
            subscribed.set()

    with ExitStack() as stack:
        stack.callback(setattr, samp.conf, "use_internet", before)
        hub = samp.SAMPHubServer(web_profile=False, addr="127.0.0.1", lockfile=str(lock))
        hub.start()
        stack.callback(hub.stop)
        client = samp.SAMPIntegratedClient(name="tests", addr="127.0.0.1")
        client.connect(hub=hub)
        stack.callback(client.disconnect)
        client.bind_receive_notification("samp.hub.event.subscriptions", note)
        environment = os.environ | {
            "SAMP_HUB": f"std-lockurl:file://{lock}",
            "DISPLAY": stack.enter_context(screen()),
        }
        log = stack.enter_context((home / "log").open("wb"))
        command = ["topcat", "-nohub", f"-Duser.home={home}", f"-Djava.util.prefs.userRoot={home}"]
        stack.enter_context(ended(subprocess.Popen(command, env=environment, stdout=log, stderr=log)))
        assert subscribed.wait(PATIENCE), (home / "log").read_text()
        yield Topcat(client, names[0])


def test_an_answer_is_loaded_row_for_row(topcat, service):
    assert topcat.load("cone", f"{service.tap}/sync?{urlencode({'LANG': 'ADQL', 'QUERY': CONE})}") is None
    assert topcat.highlight("cone", 5) is None  # three exposures, uncal and cal planes
    assert "out of range" in topcat.highlight("cone", 6)


@pytest.mark.parametrize(
    "form", ["votable/td", "votable-binary", "votable-binary2", "application/x-votable+xml;version=1.5"]
)
def test_every_kind_of_votable_is_loaded(topcat, service, form):
    address = f"{service.tap}/sync?{urlencode({'LANG': 'ADQL', 'QUERY': CONE, 'RESPONSEFORMAT': form})}"
    assert topcat.load(form, address) is None
    assert topcat.highlight(form, 5) is None


def test_a_result_of_a_job_is_loaded(topcat, service):
    asked = {"LANG": "ADQL", "QUERY": CONE, "PHASE": "RUN"}
    job = service.client.post(f"{service.tap}/async", data=asked, follow_redirects=False).headers["location"]
    while "EXECUTING" in (phase := service.client.get(f"{job}?WAIT=20&PHASE=EXECUTING").text) or "QUEUED" in phase:
        pass
    assert topcat.load("job", f"{job}/results/result") is None
    assert topcat.highlight("job", 5) is None


def test_a_refusal_is_no_table(topcat, service):
    wrong = urlencode({"LANG": "ADQL", "QUERY": "SELECT nothing FROM ivoa.ObsCore"})
    assert "400" in topcat.load("wrong", f"{service.tap}/sync?{wrong}")


@pytest.mark.parametrize("sync", ["true", "false"])
def test_a_table_that_topcat_uploads_comes_back(service, tmp_path, sync):
    mine = everything()
    mine.write(tmp_path / "mine.vot", format="votable")
    done = subprocess.run(
        [
            "topcat", "-stilts", "tapquery", f"tapurl={service.tap}", f"sync={sync}", "nupload=1", "upname1=mine",
            f"upload1={tmp_path / 'mine.vot'}", "adql=SELECT * FROM TAP_UPLOAD.mine ORDER BY id", f"out={tmp_path / 'back.vot'}",
        ],
        check=False, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, re.sub(r"INFO.*|.*StarTableFactory.*", "", done.stderr)
    back = parse_single_table(tmp_path / "back.vot").to_table(use_names_over_ids=True)
    compare(mine, back)
