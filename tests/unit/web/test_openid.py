"""Signing in at a real OpenID Connect provider, and what a false one cannot do."""

import re
import secrets
import time
import warnings
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import oidc_provider_mock

from deepfield.bootstrap import build
from deepfield.config import Settings
from deepfield.model.errors import ConfigurationError, SignInError
from deepfield.services.openid import OpenIdProvider, Pending
from deepfield.web.app import create_app
from deepfield.web.portal.openid import local_path
from support.serving import served

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def provider():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server:
            address = f"http://localhost:{server.server_port}"
            claims = {"name": "Vera Rubin", "email": "vera@example.org", "preferred_username": "Vera"}
            httpx.put(f"{address}/users/vera-0001", json=claims, trust_env=False).raise_for_status()
            yield address


@pytest.fixture(scope="module")
def archive(provider, tmp_path_factory):
    settings = Settings(
        home=tmp_path_factory.mktemp("openid"),
        oidc_issuer=provider,
        oidc_client_id="deepfield",
        oidc_client_secret="s3cret",
    )
    with build(settings, searchable=False) as archive:
        yield archive


@pytest.fixture(scope="module")
def address(archive):
    with served(create_app(archive)) as client:
        yield str(client.base_url)


@pytest.fixture
def browser(address):
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
        yield client


def at_provider(browser, subject="vera-0001", to="/account"):
    """Begin a sign-in and answer the provider's form; return where it sends the browser."""
    begun = browser.get("/login/openid", params={"next": to})
    assert begun.status_code == 303
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    answered = httpx.post(begun.headers["location"], data={"sub": subject}, trust_env=False)
    return answered.headers["location"]


def path_of(location):
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}"


def test_who_the_provider_vouches_for_is_signed_in_with_an_account_of_their_own(browser, archive):
    back = at_provider(browser, to="/?instrument_name=MIRI")
    finished = browser.get(path_of(back))
    assert (finished.status_code, finished.headers["location"]) == (303, "/?instrument_name=MIRI")
    document = browser.get("/api/v1/session").json()
    assert (document["name"], document["display_name"], document["has_password"]) == ("vera", "Vera Rubin", False)
    assert document["provider"] == {"label": "your institution", "url": "/login/openid"}
    (account,) = archive.accounts.every()
    assert account.issuer == archive.settings.oidc_issuer
    again = at_provider(browser)
    assert browser.get(path_of(again)).headers["location"] == "/account"
    assert len(archive.accounts.every()) == 1


def test_a_shut_account_stays_outside(browser, archive, provider):
    httpx.put(f"{provider}/users/shut-0002", json={"preferred_username": "shut"}, trust_env=False).raise_for_status()
    browser.get(path_of(at_provider(browser, "shut-0002")))
    archive.accounts.disable("shut")
    refused = browser.get(path_of(at_provider(browser, "shut-0002")))
    assert refused.headers["location"].startswith("/login?failed=the%20account%20is%20shut")
    assert browser.get("/api/v1/session").json()["signed_in"] is False


def fails(browser, address):
    answer = browser.get(address)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("/login?failed=")
    assert "deepfield_session" not in answer.headers.get("set-cookie", "")
    return True


def test_an_answer_counts_once_for_the_browser_that_asked_and_as_it_was_given(browser, address):
    back = path_of(at_provider(browser))
    with httpx.Client(base_url=address, trust_env=False) as other:
        assert fails(other, back), "the code of somebody else signs nobody in (login CSRF)"
        at_provider(other)
        assert fails(other, back), "nor does it answer another sign-in"
    at_provider(browser)
    assert fails(browser, back), "an answer to an earlier question"
    now = path_of(at_provider(browser))
    assert fails(browser, re.sub(r"state=[^&]+", "state=guess", now))
    now = path_of(at_provider(browser))
    assert fails(browser, re.sub(r"code=[^&]+", "code=guess", now))
    assert fails(browser, "/login/openid/callback?error=access_denied&error_description=<script>")
    assert fails(browser, "/login/openid/callback")


@pytest.mark.parametrize(
    "address",
    ["//evil.example.org", "https://evil.example.org", "/\\evil.example.org", "javascript:alert(1)", "", "/a\nb"],
)
def test_nobody_is_sent_to_another_site(address):
    assert local_path(address) == "/account"


def test_an_issuer_has_to_be_https():
    for issuer in ("http://id.example.org", "id.example.org", "ftp://id.example.org"):
        with pytest.raises(ConfigurationError, match="oidc_issuer"):
            OpenIdProvider(issuer, client_id="x", client_secret=None)


def test_the_secret_is_not_shown_with_the_settings(archive):
    from deepfield.config import explain

    assert "s3cret" not in str(explain(archive.settings))


class FalseProvider:
    """A provider whose ID token a test writes."""

    def __init__(self):
        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.token, self.issuer_said = None, None
        from fastapi import FastAPI

        app = FastAPI()
        app.get("/.well-known/openid-configuration")(self.metadata)
        app.get("/keys")(lambda: KeySet([self.key]).as_dict(private=False))
        app.post("/token")(lambda: {"access_token": "a", "token_type": "Bearer", "id_token": self.token})
        self.app = app

    def metadata(self):
        return {
            "issuer": self.issuer_said or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }


@pytest.fixture(scope="module")
def false():
    provider = FalseProvider()
    with served(provider.app) as client:
        provider.issuer = str(client.base_url).rstrip("/")
        yield provider


GOOD = {"aud": "deepfield", "sub": "1", "nonce": "n", "name": "X"}


def finish(false, claims, key=None, header=None):
    now = int(time.time())
    claims = {"iss": false.issuer, "exp": now + 60, "iat": now} | claims
    false.token = jwt.encode(
        header or {"alg": "RS256", "kid": "1"}, claims, key or false.key, algorithms=["RS256", "HS256", "none"]
    )
    provider = OpenIdProvider(false.issuer, client_id="deepfield", client_secret="s3cret")
    return provider.finish("http://x/cb?code=c&state=s", Pending("", "s", "n", "v" * 43), "http://x/cb")


def test_a_token_that_holds_every_check_is_taken(false):
    assert finish(false, GOOD).subject == "1"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example.org"}, {"aud": "another-archive"}, {"aud": ["deepfield", "another"]}, {"nonce": "another"},
        {"exp": 1}, {"nonce": None}, {"sub": None}, {"iat": 9_999_999_999}, {"azp": "another", "aud": ["deepfield", "x"]},
    ],
)  # fmt: skip
def test_a_token_that_was_not_made_for_this_sign_in_is_refused(false, claims):
    wrong = {name: value for name, value in (GOOD | claims).items() if value is not None}
    with pytest.raises(SignInError, match="trusted"):
        finish(false, wrong)


def test_a_signature_of_somebody_else_is_refused(false):
    with pytest.raises(SignInError, match="trusted"):
        finish(false, GOOD, key=RSAKey.generate_key(2048, {"kid": "1"}))
    from joserfc.jwk import OctKey

    with pytest.raises(SignInError, match="trusted"):
        finish(false, GOOD, key=OctKey.import_key(secrets.token_bytes(32)), header={"alg": "HS256", "kid": "1"})


def test_a_provider_that_calls_itself_otherwise_is_refused(false):
    false.issuer_said = "https://evil.example.org"
    try:
        with pytest.raises(SignInError, match="calls itself"):
            finish(false, GOOD)
    finally:
        false.issuer_said = None


def test_a_provider_that_does_not_answer_is_told():
    gone = OpenIdProvider("http://127.0.0.1:9", client_id="deepfield", client_secret=None)
    with pytest.raises(SignInError, match="does not answer"):
        gone.begin("http://x/cb")
