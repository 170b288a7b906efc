"""What a caller points at is fetched from real servers, within bounds, and never from inside."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deepfield.model.errors import FetchError, UploadTooLargeError
from deepfield.outbound.fetch import Fetcher

BODY = b"<VOTABLE/>" * 100


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        port = self.server.server_port
        answers = {
            "/plain": (200, {}, BODY),
            "/gzip": (200, {"Content-Encoding": "gzip"}, gzip.compress(BODY)),
            "/bomb": (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(50_000_000))),
            "/broken": (200, {"Content-Encoding": "gzip"}, b"no gzip at all"),
            "/br": (200, {"Content-Encoding": "br"}, b""),
            "/moved": (302, {"Location": "/plain"}, b""),
            "/inside": (302, {"Location": f"http://127.0.0.1:{port}/plain"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/loop": (302, {"Location": "/loop"}, b""),
        }
        status, headers, body = answers.get(self.path.partition("?")[0], (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path.startswith("/slow"):
            return
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


OPEN = Fetcher(seconds=10, limit=10_000_000, private=True)


@pytest.mark.parametrize("path", ["/plain", "/plain?a=b&c=d", "/gzip", "/moved", "/inside"])
def test_content_arrives_decompressed_and_after_redirections(address, path):
    with OPEN.open(address + path) as content:
        assert content.read() == BODY


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nothing", "answers 404"),
        ("/broken", "gzip"),
        ("/br", "coded as br"),
        ("/loop", "redirects more"),
        ("/file", "http"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(address, path, reason):
    with pytest.raises(FetchError, match=reason), OPEN.open(address + path):
        pass


def test_a_bomb_and_a_flood_stop_at_the_limit(address):
    with pytest.raises(UploadTooLargeError, match="10000000 bytes"), OPEN.open(f"{address}/bomb"):
        pass
    with pytest.raises(UploadTooLargeError), Fetcher(limit=999, private=True).open(f"{address}/plain"):
        pass


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/plain",
        "http://localhost:{port}/plain",
        "http://[::1]:{port}/plain",
        "http://[::ffff:127.0.0.1]:{port}/plain",
        "http://2130706433:{port}/plain",
        "http://0:{port}/plain",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1%25lo]/",
        "http://user@127.0.0.1:{port}/plain",
    ],
)
def test_nothing_inside_is_read_unless_the_operator_says_so(address, url):
    with pytest.raises(FetchError), Fetcher().open(url.format(port=address.rpartition(":")[2])):
        pass


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://h/x", "http://", "//h/x", "http://h:x/", "http://[/", "a b"]
)
def test_other_schemes_and_nonsense_are_refused(url):
    with pytest.raises(FetchError), OPEN.open(url):
        pass


def test_a_host_that_answers_nothing_is_given_up(address):
    with pytest.raises(FetchError), Fetcher(seconds=0.2, private=True).open("http://192.0.2.1/"):
        pass
