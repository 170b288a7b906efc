"""Signing in with a browser, tokens of programs, members of programmes; and what must not be possible."""

import base64

import httpx
import pytest
import structlog

from deepfield import log
from deepfield.access.principal import STAFF, Scope
from deepfield.services.signin import LIMITS
from deepfield.web.app import create_app
from support.archive import EXCLUSIVE_FILE, build_archive
from support.people import PASSWORD
from support.serving import served

COOKIE = "deepfield_session"


@pytest.fixture(scope="module")
def archive(products, tmp_path_factory):
    with build_archive(tmp_path_factory.mktemp("accounts"), products) as archive:
        for name in ("ada", "pi", "coi"):
            archive.accounts.add(name, password=PASSWORD)
        archive.accounts.grant("2222", "pi", "pi", by=STAFF)
        yield archive


@pytest.fixture(scope="module")
def address(archive):
    with served(create_app(archive)) as client:
        yield str(client.base_url)


@pytest.fixture
def browser(address):
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
        yield client


def sign_in(browser, name, password=PASSWORD, **headers):
    answer = browser.post("/api/v1/session", json={"name": name, "password": password}, headers=headers)
    if answer.status_code == 200:
        browser.headers["X-CSRF-Token"] = answer.json()["csrf"]
    return answer


def error_of(answer):
    return answer.status_code, answer.json()["error"]["type"]


def test_nobody_in_particular_is_told_how_to_sign_in(browser):
    answer = browser.get("/api/v1/session")
    document = answer.json()
    assert (document["signed_in"], document["csrf"], document["provider"]) == (False, None, None)
    assert answer.headers["cache-control"] == "no-store"


def test_who_signs_in_reads_the_data_of_their_programme_and_no_longer_after_signing_out(browser):
    assert browser.get(f"/products/{EXCLUSIVE_FILE}").status_code == 403
    document = sign_in(browser, "pi").json()
    assert (document["name"], document["roles"]) == ("pi", {"2222": "pi"})
    assert browser.get(f"/products/{EXCLUSIVE_FILE}").status_code == 200
    assert browser.get(f"/previews/{EXCLUSIVE_FILE}").status_code == 200
    assert browser.delete("/api/v1/session").status_code == 204
    assert browser.cookies.get(COOKIE) is None
    assert browser.get(f"/products/{EXCLUSIVE_FILE}").status_code == 403


def test_the_cookie_is_for_this_site_and_not_for_scripts(browser, archive, address):
    flags = sign_in(browser, "ada").headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/"} < {part.strip() for part in flags.split(";")}
    assert "secure" not in flags
    behind = {"X-Forwarded-Proto": "https"}
    flags = sign_in(browser, "ada", **behind).headers["set-cookie"]
    assert flags.startswith(f"__Host-{COOKIE}=")
    assert "secure" in flags.lower()


def test_signing_in_makes_a_new_session_whatever_the_browser_had(browser, address):
    """Session fixation: a session that somebody else knows never becomes that of who signs in."""
    sign_in(browser, "ada")
    known = browser.cookies[COOKIE]
    sign_in(browser, "pi")
    assert browser.cookies[COOKIE] != known
    with httpx.Client(base_url=address, trust_env=False) as other:
        assert other.get("/api/v1/session", headers={"Cookie": f"{COOKIE}={known}"}).json()["signed_in"] is False
        assert sign_in(other, "ada", Cookie=f"{COOKIE}=chosen").status_code == 200
        assert other.cookies[COOKIE] != "chosen"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/api/v1/session", None),
        ("POST", "/api/v1/tokens", {"label": "x"}),
        ("DELETE", "/api/v1/tokens/0123", None),
        ("POST", "/api/v1/account/password", {"old_password": PASSWORD, "new_password": PASSWORD + "!"}),
        ("PUT", "/api/v1/programs/2222/members/ada", {"role": "coi"}),
        ("DELETE", "/api/v1/programs/2222/members/pi", None),
    ],
)
def test_a_page_of_another_site_changes_nothing(browser, method, path, body):
    sign_in(browser, "pi")
    proof = browser.headers.pop("X-CSRF-Token")
    foreign = [
        {},
        {"X-CSRF-Token": "guess"},
        {"X-CSRF-Token": proof, "Origin": "https://evil.example.org"},
        {"X-CSRF-Token": proof, "Origin": "null"},
        {"X-CSRF-Token": proof, "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": proof, "Sec-Fetch-Site": "same-site"},
    ]
    for headers in foreign:
        answer = browser.request(method, path, json=body, headers=headers)
        assert error_of(answer) == (403, "cross_site"), headers
    browser.headers["X-CSRF-Token"] = proof
    assert browser.get("/api/v1/session").json()["signed_in"]


def test_no_other_site_signs_a_browser_in(browser):
    for headers in ({"Origin": "https://evil.example.org"}, {"Sec-Fetch-Site": "cross-site"}):
        assert error_of(sign_in(browser, "ada", **headers)) == (403, "cross_site")
    form = browser.post("/api/v1/session", data={"name": "ada", "password": PASSWORD})
    assert form.status_code == 422, "what a form of another site could send is not read"


def test_a_wrong_password_and_an_unknown_name_are_told_alike_and_never_repeated(browser):
    answers = [sign_in(browser, name, "hunter2-hunter2") for name in ("ada", "nobody")]
    assert {error_of(answer) for answer in answers} == {(401, "sign_in_failed")}
    assert answers[0].content == answers[1].content
    broken = browser.post("/api/v1/session", json={"password": "hunter2-hunter2"})
    assert (broken.status_code, "hunter2" in broken.text) == (422, False)


def test_failing_too_often_is_told_with_a_time_to_come_back(browser, archive):
    archive.accounts.add("victim", password=PASSWORD)
    for _ in range(LIMITS["pair"]):
        sign_in(browser, "victim", "wrong")
    answer = sign_in(browser, "victim")
    assert error_of(answer) == (429, "too_many_attempts")
    assert 0 < int(answer.headers["retry-after"]) <= 900
    assert ("sign_in_refused", "victim") in {(e["action"], e["account"]) for e in archive.access_log.entries()}


def test_a_token_is_made_shown_once_used_listed_and_revoked(browser, address):
    sign_in(browser, "pi")
    made = browser.post("/api/v1/tokens", json={"label": "laptop", "days": 7})
    assert made.status_code == 201
    secret, token = made.json()["secret"], made.json()["token"]
    assert (token["label"], token["state"], token["used"]) == ("laptop", "working", None)
    for headers in carriers(secret):
        with httpx.Client(base_url=address, trust_env=False) as program:
            assert program.get(f"/products/{EXCLUSIVE_FILE}", headers=headers).status_code == 200, headers
            assert program.get("/whoami", headers=headers).json()["attrib"]["display_name"] == "pi"
    listed = browser.get("/api/v1/tokens")
    assert secret not in listed.text
    assert listed.json()["tokens"][0]["used"] is not None
    assert browser.delete(f"/api/v1/tokens/{token['token_id']}").status_code == 204
    with httpx.Client(base_url=address, trust_env=False) as program:
        for headers in carriers(secret):
            refused = program.get(f"/products/{EXCLUSIVE_FILE}", headers=headers)
            assert refused.status_code == 403
            assert "was revoked" in refused.json()["error"]["credential"]


def carriers(secret):
    """Every way in which clients of MAST and of the Virtual Observatory send a token."""

    def basic(text):
        return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    return [
        {"Cookie": f"mast_token={secret}"},
        {"Authorization": f"token {secret}"},
        {"Authorization": f"Bearer {secret}"},
        {"authorization": f"TOKEN {secret}"},
        basic(f"pi:{secret}"),
        basic(f"{secret}:"),
        basic(f":{secret}"),
    ]


def test_no_token_changes_accounts_tokens_or_members(browser, archive):
    _, secret = archive.accounts.make_token("pi", "all", scopes=list(Scope))
    for headers in ({"Authorization": f"Bearer {secret}"}, {"Cookie": f"mast_token={secret}"}):
        for method, path, body in (
            ("GET", "/api/v1/tokens", None),
            ("POST", "/api/v1/tokens", {"label": "more"}),
            ("PUT", "/api/v1/programs/2222/members/ada", {"role": "coi"}),
            ("POST", "/api/v1/account/password", {"old_password": "x", "new_password": "x"}),
        ):
            assert browser.request(method, path, json=body, headers=headers).status_code in {401, 403}


def test_a_pi_lets_a_co_investigator_in_and_out(browser, address):
    sign_in(browser, "pi")
    added = browser.put("/api/v1/programs/02222/members/coi", json={"role": "coi"})
    assert {(member["name"], member["role"]) for member in added.json()["members"]} == {("pi", "pi"), ("coi", "coi")}
    with httpx.Client(base_url=address, trust_env=False) as other:
        sign_in(other, "coi")
        assert other.get(f"/products/{EXCLUSIVE_FILE}").status_code == 200
        assert error_of(other.put("/api/v1/programs/2222/members/ada", json={})) == (403, "not_entitled")
        assert browser.delete("/api/v1/programs/2222/members/coi").status_code == 204
        assert other.get(f"/products/{EXCLUSIVE_FILE}").status_code == 403
    assert error_of(browser.put("/api/v1/programs/2222/members/nobody", json={})) == (404, "unknown_account")
    assert error_of(browser.get("/api/v1/programs/1111/members")) == (403, "not_entitled")


def test_whoami_answers_as_masts_own(browser, archive):
    assert browser.get("/whoami").json() == {
        "ezid": "anonymous", "anon": True, "scopes": [], "attrib": {}, "session": None, "token": None,
    }  # fmt: skip
    token, secret = archive.accounts.make_token("ada", "notebook")
    document = browser.get("/whoami", headers={"Cookie": f"mast_token={secret}"}).json()
    assert (document["ezid"], document["anon"], document["attrib"]["display_name"]) == ("ada", False, "ada")
    assert document["scopes"] == ["mast:exclusive_access", "mast:user:info"]
    assert document["token"] == {"name": "notebook", "expires": f"{token.expires_at:%Y-%m-%dT%H:%M:%SZ}"}
    unknown = browser.get("/whoami", headers={"Cookie": "mast_token=unknown"}).json()
    assert (unknown["anon"], unknown["token"]) == (True, {"refused": "the token sent is not known here"})


@pytest.mark.parametrize(
    "value", ["token None", "token null", "Bearer", "Basic Og==", "token", "Digest x", "Basic ???", "\x00"]
)
def test_whatever_stands_in_place_of_a_token_is_nobody_and_no_error(browser, value):
    if value == "\x00":
        value = "Bearer" + "x" * 10_000
    answer = browser.get("/api/v1/observations", headers={"Authorization": value})
    assert answer.status_code == 200
    assert browser.get("/whoami", headers={"Authorization": value}).json()["anon"] is True


def test_secrets_never_reach_the_log(browser, archive, capfd):
    log.set_up(form="json", level="debug")
    try:
        _, secret = archive.accounts.make_token("ada", "to be logged")
        for headers in carriers(secret):
            browser.get(f"/products/{EXCLUSIVE_FILE}", headers=headers)
            browser.get(f"/nowhere?token={secret}", headers=headers)
        session = sign_in(browser, "ada").cookies[COOKIE]
        sign_in(browser, "ada", "a-wrong-password")
        written = capfd.readouterr()
        lines = written.err + written.out
        assert '"action": "denied"' in lines, "the log is looked at"
        for word in (secret, session, PASSWORD, "a-wrong-password", base64.b64encode(f"pi:{secret}".encode()).decode()):
            assert word not in lines
    finally:
        structlog.reset_defaults()
