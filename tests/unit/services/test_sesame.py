"""Sesame is asked where it is switched on, and whatever it answers does no harm. A real server plays it."""

import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from deepfield.bootstrap import build
from deepfield.config import Settings
from deepfield.model.errors import ConfigurationError, UnresolvedNameError
from deepfield.services.resolve import Resolve
from deepfield.services.resolvers.sesame import RemoteObject, Sesame, SesameError
from support.searching import make_archive

KNOWN = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<Sesame xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:noNamespaceSchemaLocation="http://vizier.u-strasbg.fr/xml/sesame_4x.xsd">
<Target option="SNV">
  <name>hd 209458</name>
  <!-- Q1 #1 -->
  <Resolver name="S=Simbad (CDS, via client/server)"><!-- delay=7ms -->
    <otype>V*</otype>
    <jpos>22:03:10.77 +18:53:03.5</jpos>
    <jradeg>330.79488750</jradeg>
    <jdedeg>+18.88431861</jdedeg>
    <errRAmas>0.02</errRAmas>
    <oname>HD 209458</oname>
    <nrefs>2032</nrefs>
  </Resolver>
</Target>
</Sesame>
"""
UNKNOWN = """<?xml version="1.0"?><Sesame><Target option="SNV"><name>x</name>
<Resolver name="S=Simbad"><INFO>*** Nothing found *** </INFO></Resolver></Target></Sesame>"""
BOMB = """<?xml version="1.0"?><!DOCTYPE Sesame [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<Sesame><Target><Resolver><jradeg>&b;</jradeg></Resolver></Target></Sesame>"""


class Far:
    """A server that answers what it is told to, and remembers what it was asked."""

    def __init__(self):
        self.asked, self.document, self.status, self.headers, self.wait = [], KNOWN, 200, {}, 0.0
        far = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                far.asked.append(self.path)
                time.sleep(far.wait)
                self.send_response(far.status)
                for name, value in far.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(ConnectionError):  # whoever asked may have left
                    self.wfile.write(far.document.encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/cgi-bin/nph-sesame"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def far(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Far()
    yield server
    server.close()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    made = make_archive(tmp_path_factory.mktemp("archive"), 20)
    yield made
    made.close()


def test_a_name_that_nothing_here_knows_is_asked_there_and_the_answer_names_its_resolver(far, archive):
    place = Resolve(archive.engine, sesame=Sesame(far.url)).position("hd  209458")
    assert (place.name, place.kind, place.resolver) == ("HD 209458", "object", "Sesame")
    assert (place.ra, place.dec) == (330.7948875, 18.88431861)
    assert [unquote(path) for path in far.asked] == ["/cgi-bin/nph-sesame/-oxp/SNV?hd 209458"]


def test_what_is_known_here_is_not_asked_there(far, archive):
    resolve = Resolve(archive.engine, sesame=Sesame(far.url))
    for text in ("10 20", "M31", "Carina Nebula", "Saturn", "circle 10 20 1"):
        resolve.position(text)
    assert far.asked == []


def test_switched_off_nobody_is_asked(archive, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a host was asked"))
    with pytest.raises(UnresolvedNameError):
        archive.resolve.position("HD 209458")


@pytest.mark.parametrize(("url", "asked"), [(None, False), ("given", True)])
def test_the_setting_switches_it_on(far, tmp_path, url, asked):
    settings = Settings(home=tmp_path, sesame_url=far.url if url else None, replica_threads=1)
    with build(settings) as archive:
        archive.replica.catch_up()
        try:
            archive.resolve.position("HD 209458")
        except UnresolvedNameError:
            assert not asked
    assert bool(far.asked) is asked


def test_answers_are_kept_until_they_expire_unknown_names_too(far):
    clock = [0.0]
    sesame = Sesame(far.url, keep_hours=1.0, clock=lambda: clock[0])
    assert sesame.find("HD 209458") == sesame.find("hd 209458") == RemoteObject("HD 209458", 330.7948875, 18.88431861)
    far.document = UNKNOWN
    assert sesame.find("nothing") is sesame.find("nothing") is None
    assert len(far.asked) == 2
    clock[0] = 3601.0
    assert sesame.find("hd 209458") is None
    assert len(far.asked) == 3


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("", "no XML"),
        ("<Sesame><Target>", "no XML"),
        ("<html><body>Down for maintenance</body></html>", "another kind"),
        (BOMB, "declares entities"),
        (KNOWN.replace("330.79488750", "NaN"), "position that is none"),
        (KNOWN.replace("+18.88431861", "118"), "position that is none"),
        (KNOWN.replace("330.79488750", "east"), "position that is none"),
        (KNOWN + "<!--" + "x" * 300_000 + "-->", "more than"),
    ],
)
def test_an_answer_that_is_none_is_said_to_be_so(far, archive, document, why):
    far.document = document
    with pytest.raises(UnresolvedNameError, match=f"Sesame at 127.0.0.1 .*{why}") as refused:
        Resolve(archive.engine, sesame=Sesame(far.url)).position("NGC-3325-BKG")
    assert "NGC-3324-BKG" in refused.value.closest


@pytest.mark.parametrize("document", [UNKNOWN, KNOWN.replace("jradeg", "other")])
def test_a_name_unknown_there_is_simply_unknown(far, document):
    far.document = document
    assert Sesame(far.url).find("nothing") is None


def test_one_that_is_slow_is_not_waited_for_nor_asked_again_at_once(far):
    clock = [0.0]
    sesame = Sesame(far.url, seconds=0.2, clock=lambda: clock[0])
    far.wait = 1.0
    started = time.perf_counter()
    for _ in range(3):
        with pytest.raises(SesameError, match=r"did not answer within 0\.2 s"):
            sesame.find("HD 209458")
    assert time.perf_counter() - started < 0.8
    assert len(far.asked) == 1
    far.wait, clock[0] = 0.0, 61.0
    assert sesame.find("HD 209458") is not None


def test_one_that_fails_or_is_not_there_is_said_to(far):
    far.status = 503
    with pytest.raises(SesameError, match="status 503"):
        Sesame(far.url).find("HD 209458")
    with pytest.raises(SesameError, match="cannot be reached"):
        Sesame("http://127.0.0.1:1/").find("HD 209458")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/xml,<Sesame/>"])
def test_it_cannot_send_us_to_a_file(far, target):
    far.status, far.headers = 302, {"Location": target}
    with pytest.raises(SesameError):
        Sesame(far.url).find("HD 209458")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://cds/x", "cds.unistra.fr", "https://", ""])
def test_an_address_that_is_no_http_one_is_refused(url):
    with pytest.raises(ConfigurationError, match="sesame_url"):
        Sesame(url)
