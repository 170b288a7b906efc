"""TAP 1.1 over HTTP: what is asked is answered, and what is wrong is told, in the protocol's shape."""

import gzip
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import hpgeom
import pytest
from astropy.io.votable import parse_single_table

from deepfield.web.vo.examples import load_examples
from support.archive import EXCLUSIVE, PUBLIC
from support.xsd import check

QUERY = "SELECT TOP 3 obs_id, s_ra FROM ivoa.ObsCore ORDER BY obs_id"


def ask(http, tap, query=QUERY, *, method="POST", files=None, **parameters):
    given = {"LANG": "ADQL", "QUERY": query, **parameters}
    given = {name: value for name, value in given.items() if value is not None}
    if method == "GET":
        return http.get(f"{tap}/sync", params=given)
    return http.post(f"{tap}/sync", data=given, files=files)


def rows(answer):
    assert answer.status_code == 200, answer.text
    return parse_single_table(io.BytesIO(answer.content)).to_table()


def refusal(answer, status=400):
    """The message of an error document, valid and of the right status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/x-votable+xml")
    (info,) = check(answer.content)[0]
    assert (info.get("name"), info.get("value")) == ("QUERY_STATUS", "ERROR")
    return info.text


def votable(*rows_, fields='<FIELD name="n" datatype="int"/>'):
    cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows_)
    return (
        f'<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>{fields}'
        f"<DATA><TABLEDATA>{cells}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


@pytest.mark.parametrize("place", ["/tap", "/vo-tap/api/v0.1/caom"])
@pytest.mark.parametrize("form", ["GET", "urlencoded", "multipart"])
def test_a_query_is_answered_however_it_comes_and_wherever(http, place, form):
    base = f"{str(http.base_url).rstrip('/')}{place}"
    files = {"unused": ("x", b"")} if form == "multipart" else None
    found = rows(
        ask(http, base, method="GET" if form == "GET" else "POST", files=files, lang="ADQL", LANG=None, Dummy="x")
    )
    assert found.colnames == ["obs_id", "s_ra"]
    assert len(found) == 3
    assert str(found["s_ra"].unit) == "deg"


def test_a_result_is_a_valid_votable_that_names_its_snapshot(service, http, tap):
    answer = ask(http, tap, RUNID="my run")
    check(answer.content)
    infos = {info.name: info.value for info in parse_infos(answer)}
    current = str(service.archive.snapshots.history().current)
    assert infos["QUERY_STATUS"] == "OK"
    assert infos["snapshot"] == answer.headers["x-deepfield-snapshot"] == current
    assert infos["query"] == QUERY
    assert infos["RUNID"] == "my run"


def parse_infos(answer):
    from astropy.io.votable import parse

    return parse(io.BytesIO(answer.content)).resources[0].infos


@pytest.mark.parametrize(
    ("asked", "came"),
    [
        (None, "application/x-votable+xml"),
        ("votable", "application/x-votable+xml"),
        ("text/xml", "text/xml"),
        ("csv", "text/csv"),
        ("application/json", "application/json"),
        ("tsv", "text/tab-separated-values"),
        ("fits", "application/fits"),
        ("parquet", "application/vnd.apache.parquet"),
        ("application/x-votable+xml;serialization=BINARY2", "application/x-votable+xml"),
    ],
)
def test_a_format_is_answered_by_its_media_type(http, tap, asked, came):
    for name in ("RESPONSEFORMAT", "FORMAT"):
        answer = ask(http, tap, **{name: asked})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(came)


def test_maxrec_cuts_and_says_so_and_zero_asks_for_the_columns(http, tap):
    cut = ask(http, tap, "SELECT obs_id FROM ivoa.ObsCore", MAXREC="2")
    assert len(rows(cut)) == 2
    assert cut.content.rindex(b'value="OVERFLOW"') > cut.content.index(b"<TABLE")
    assert b"OVERFLOW" not in ask(http, tap, MAXREC="3").content
    empty = rows(ask(http, tap, MAXREC="0"))
    assert (len(empty), empty.colnames) == (0, ["obs_id", "s_ra"])


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"query": None}, "QUERY"),
        ({"LANG": "OOBLECK"}, "ADQL-2.1"),
        ({"LANG": "PQL"}, "LANG"),
        ({"REQUEST": "getCapabilities"}, "doQuery"),
        ({"RESPONSEFORMAT": "papyrus"}, "papyrus"),
        ({"MAXREC": "-1"}, "MAXREC"),
        ({"MAXREC": "all"}, "MAXREC"),
        ({"MAXREC": ["1", "2"]}, "once"),
        ({"SNAPSHOT": "999999"}, "newest is"),
        ({"SNAPSHOT": "nobody"}, "nobody"),
        ({"UPLOAD": "t,param:nothing"}, "NOTHING"),
        ({"UPLOAD": "t"}, "name,uri"),
        ({"UPLOAD": "t,file:///etc/passwd"}, "http"),
        ({"query": "DUFF QUERY"}, "DUFF"),
        ({"query": "SELECT obs_idd FROM ivoa.ObsCore"}, "obs_id"),
        ({"query": "SELECT obs_id FROM ivoa.ObsCor"}, "ivoa.ObsCore"),
        ({"query": "SELECT read_csv('/etc/passwd') FROM ivoa.ObsCore"}, "read_csv"),
        ({"query": "SELECT * FROM sqlite_master"}, "sqlite_master"),
        ({"query": "SELECT * FROM account"}, "account"),
        ({"query": "SELECT 1; DROP TABLE job"}, ""),
        ({"query": "(" * 5000 + "SELECT"}, ""),
        ({"query": f"SELECT {'-' * 100_000}1 FROM ivoa.ObsCore"}, ""),
    ],
)
def test_what_is_wrong_is_told(http, tap, parameters, told):
    assert told in refusal(ask(http, tap, **{"query": QUERY} | parameters))


def test_a_query_of_ten_megabytes_is_refused(http, tap):
    long = f"SELECT obs_id FROM ivoa.ObsCore WHERE obs_id IN ({','.join(repr(str(n)) for n in range(1_100_000))})"
    assert "bytes" in refusal(ask(http, tap, long), 413)
    assert rows(ask(http, tap)) is not None


def test_version_two_of_the_language_is_held_to_its_grammar(http, tap):
    newer = "SELECT obs_id FROM ivoa.ObsCore ORDER BY obs_id OFFSET 1"
    assert ask(http, tap, newer, LANG="ADQL-2.1").status_code == 200
    refusal(ask(http, tap, newer, LANG="ADQL-2.0"))


def test_a_snapshot_is_asked_as_it_was(service, http, tap):
    current = service.archive.snapshots.history().current
    counted = "SELECT COUNT(*) AS n FROM ivoa.ObsCore"
    assert rows(ask(http, tap, counted, SNAPSHOT="0"))["n"][0] == 0
    assert rows(ask(http, tap, counted, SNAPSHOT=str(current)))["n"][0] == rows(ask(http, tap, counted))["n"][0] > 0
    service.archive.snapshots.pin("empty", 0)
    answer = ask(http, tap, counted, SNAPSHOT="empty")
    assert rows(answer)["n"][0] == 0
    assert answer.headers["x-deepfield-snapshot"] == "0"


def test_metadata_of_exclusive_observations_is_public(http, tap):
    found = rows(ask(http, tap, "SELECT obs_id, data_rights FROM ivoa.ObsCore"))
    assert {EXCLUSIVE, PUBLIC} <= set(found["obs_id"])


def test_uploads_come_by_part_of_the_request(http, tap):
    files = {"mine": ("mine.vot", votable(1, 2)), "other": ("o.csv", b"n,s\n7,x\n")}
    both = "SELECT a.n, b.s FROM TAP_UPLOAD.a AS a, TAP_UPLOAD.b AS b"
    found = rows(ask(http, tap, both, files=files, UPLOAD="a,param:mine;b,param:other"))
    assert sorted(found["n"]) == [1, 2]
    assert set(found["s"]) == {"x"}


@pytest.fixture
def elsewhere():
    """A server that hands out a table, gzipped or not."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = votable(5)
            self.send_response(200)
            if self.path.endswith(".gz"):
                body = gzip.compress(body)
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", ["/t.vot", "/t.vot.gz"])
def test_uploads_come_from_an_address(http, tap, elsewhere, name):
    assert rows(ask(http, tap, "SELECT n FROM TAP_UPLOAD.t", UPLOAD=f"t,{elsewhere}{name}"))["n"][0] == 5


def test_an_upload_is_read_without_a_length(http, tap):
    boundary = b"limit"
    parts = {"LANG": b"ADQL", "QUERY": b"SELECT n FROM TAP_UPLOAD.t", "UPLOAD": b"t,param:p"}
    body = b"".join(
        b'--limit\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
        for name, value in parts.items()
    )
    body += (
        b'--limit\r\nContent-Disposition: form-data; name="p"; filename="p"\r\n\r\n' + votable(9) + b"\r\n--limit--\r\n"
    )
    answer = http.post(
        f"{tap}/sync",
        content=(body[start : start + 100] for start in range(0, len(body), 100)),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary.decode()}"},
    )
    assert "content-length" not in answer.request.headers
    assert rows(answer)["n"][0] == 9


BOMB = b"""<?xml version="1.0"?><!DOCTYPE v [<!ENTITY a "aaaaaaaaaa">%s]><VOTABLE>&z;</VOTABLE>""" % b"".join(
    b'<!ENTITY %c "%s">' % (after, b"&%c;" % before * 10)
    for before, after in zip(range(ord("a"), ord("z")), range(ord("b"), ord("z") + 1), strict=True)
)
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><VOTABLE>&x;</VOTABLE>'


@pytest.mark.parametrize(
    "content",
    [b"", b"no table", b"<VOTABLE>", BOMB, OUTSIDE, votable(1)[:-30], b"\x00" * 1000, votable("many")],
    ids=["empty", "text", "open", "bomb", "outside", "cut", "zeros", "type"],
)
def test_an_upload_that_is_no_table_is_refused_in_words(http, tap, content):
    message = refusal(ask(http, tap, "SELECT * FROM TAP_UPLOAD.t", files={"p": ("p", content)}, UPLOAD="t,param:p"))
    assert "root:" not in message


def test_broken_forms_are_refused(http, tap):
    for kind, body in (
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=%d" % n for n in range(2000))),
    ):
        refusal(http.post(f"{tap}/sync", content=body, headers={"Content-Type": kind}))


def test_documents_of_the_service_are_valid(http, tap):
    for name in ("capabilities", "availability", "tables"):
        answer = http.get(f"{tap}/{name}")
        assert answer.headers["content-type"].startswith("text/xml")
        assert answer.headers["access-control-allow-origin"] == "*"
        check(answer.content)
    check(http.get(f"{tap}/tables/ivoa.ObsCore").content)
    brief = check(http.get(f"{tap}/tables", params={"detail": "min"}).content)
    assert not brief.findall(".//column")
    assert http.get(f"{tap}/tables", params={"detail": "some"}).status_code == 400
    assert http.get(f"{tap}/tables/ivoa.nothing").status_code == 404


def test_capabilities_name_the_address_that_was_asked(http):
    base = str(http.base_url).rstrip("/")
    for place in ("/tap", "/vo-tap/api/v0.1/caom"):
        root = check(http.get(f"{place}/capabilities").content)
        urls = [element.text for element in root.iter("accessURL")]
        assert base + place in urls
        assert all(url.startswith(base + place) for url in urls)


def test_the_record_says_what_the_tables_cover(http, tap):
    root = check(http.get(f"{tap}/record").content)
    order, cells = 0, {}
    for word in root.findtext("coverage/spatial").replace("/", "/ ").split():
        if word.endswith("/"):
            order = int(word[:-1])
        else:
            first, _, last = word.partition("-")
            cells.setdefault(order, set()).update(range(int(first), int(last or first) + 1))
    placed = rows(ask(http, tap, "SELECT s_ra, s_dec, t_min, t_max, em_min, em_max FROM ivoa.ObsCore WHERE s_ra < 360"))
    times = [tuple(map(float, each.text.split())) for each in root.findall("coverage/temporal")]
    energies = [tuple(map(float, each.text.split())) for each in root.findall("coverage/spectral")]
    assert len(placed) > 5
    for row in placed:
        own = {level: hpgeom.angle_to_pixel(1 << level, row["s_ra"], row["s_dec"], nest=True) for level in cells}
        assert any(own[level] in cells[level] for level in cells)
        assert any(low - 1e-5 <= row["t_min"] <= row["t_max"] <= high + 1e-5 for low, high in times)
        joules = [6.62607015e-34 * 299792458 / row[name] for name in ("em_max", "em_min")]
        assert any(low * (1 - 1e-9) <= joules[0] < joules[1] <= high * (1 + 1e-9) for low, high in energies)
    assert sum(len(each) / (12 << 2 * level) for level, each in cells.items()) < 1e-3
    counts = {table.findtext("name"): int(table.findtext("nrows")) for table in root.iter("table")}
    assert counts["ivoa.ObsCore"] == rows(ask(http, tap, "SELECT COUNT(*) AS n FROM ivoa.ObsCore"))["n"][0]
    assert counts["ivoa.ObsPlan"] == 0
    assert {each.text for each in root.findall("capability/interface/accessURL")} >= {tap, f"{tap}/tables"}


def test_the_tables_agree_with_the_schema_that_queries_see(http, tap):
    document = check(http.get(f"{tap}/tables").content)
    said = {
        (table.findtext("name"), column.findtext("name")): (
            column.findtext("dataType"), column.find("dataType").get("arraysize"), column.findtext("unit"),
            column.findtext("ucd"), column.findtext("utype"), column.findtext("description"), column.find("dataType").get("extendedType"),
        )
        for table in document.iter("table") for column in table.iter("column")
    }  # fmt: skip
    query = "SELECT table_name, column_name, datatype, arraysize, unit, ucd, utype, description, xtype FROM TAP_SCHEMA.columns"
    answer = ask(http, tap, query, RESPONSEFORMAT="application/json", MAXREC="100000")
    asked = {(row[0], row[1]): tuple(row[2:]) for row in json.loads(answer.content)["data"]}
    assert said == asked


def test_every_example_runs_and_the_page_is_well_formed(http, tap):
    from lxml import etree

    root = etree.fromstring(http.get(f"{tap}/examples").content)
    assert len(root.findall(".//*[@typeof='example']")) == len(load_examples())
    for example in load_examples():
        assert ask(http, tap, example.query).status_code == 200, example.id


def test_nothing_else_is_served_below(http, tap):
    assert http.get(f"{tap}/nothing").status_code == 404
    assert http.get(tap).status_code in {200, 303, 404}
    assert http.delete(f"{tap}/sync").status_code == 405
