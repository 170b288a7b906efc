"""Signing in elsewhere: OpenID Connect Core 1.0, authorisation code flow with PKCE (RFC 7636)."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests import RequestException

from deepfield.model.errors import ConfigurationError, SignInError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = structlog.get_logger("deepfield.openid")

SCOPE: Final = "openid profile email"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures made with a key that the provider alone has; ``none`` and shared secrets are refused."""
_KEEP_SECONDS: Final = 3600.0
_LEEWAY_SECONDS: Final = 60
_LARGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in under way: where to send the browser, and what it has to bring back."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a provider vouches for. Only issuer and subject together are theirs alone."""

    issuer: str
    subject: str
    name: str | None
    display_name: str | None
    email: str | None


class OpenIdProvider:
    """A provider that the operator trusts to say who somebody is.

    Raises:
        ConfigurationError: the issuer is not an https address (http on this machine alone).
    """

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        client_secret: str | None,
        seconds: float = 10.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        parts = urlsplit(issuer)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1"}):
            raise ConfigurationError(f"oidc_issuer {issuer!r} is not an address with https://")
        self.issuer: Final = issuer
        self._client_id, self._client_secret = client_id, client_secret
        self._seconds, self._clock = seconds, clock
        self._lock = Lock()
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    def begin(self, redirect_uri: str) -> Pending:
        """Return where to send the browser.

        Raises:
            SignInError: the provider does not answer.
        """
        with self._session(redirect_uri) as session, _told_as_failure(self.issuer):
            nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
            endpoint = self._metadata(session)["authorization_endpoint"]
            url, state = session.create_authorization_url(endpoint, code_verifier=verifier, nonce=nonce)
        return Pending(url, state, nonce, verifier)

    def finish(self, answer: str, pending: Pending, redirect_uri: str) -> Identity:
        """Return whom the provider vouches for, given the address (with query) that the browser came back to.

        Raises:
            SignInError: the answer is not one to the sign-in under way, or the provider refuses or cannot be trusted.
        """
        with self._session(redirect_uri) as session, _told_as_failure(self.issuer):
            metadata = self._metadata(session)
            token = session.fetch_token(
                metadata["token_endpoint"],
                authorization_response=answer,
                state=pending.state,
                code_verifier=pending.verifier,
                timeout=self._seconds,
            )
            claims = self._checked(session, metadata, token, pending.nonce)
            if "name" not in claims and "userinfo_endpoint" in metadata:
                claims = self._with_userinfo(session, metadata["userinfo_endpoint"], claims)
        return Identity(
            issuer=self.issuer,
            subject=str(claims["sub"]),
            name=_text(claims, "preferred_username"),
            display_name=_text(claims, "name"),
            email=_text(claims, "email"),
        )

    def _session(self, redirect_uri: str) -> OAuth2Session:
        session = OAuth2Session(
            self._client_id,
            self._client_secret,
            scope=SCOPE,
            redirect_uri=redirect_uri,
            token_endpoint_auth_method="client_secret_basic" if self._client_secret else "none",
            code_challenge_method="S256",
        )
        session.trust_env = False
        return session

    def _metadata(self, session: OAuth2Session) -> dict[str, Any]:
        """Return what the provider says of itself (OpenID Connect Discovery 1.0 §4), which has to name the issuer."""
        found = self._document(session, f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise SignInError(f"the provider calls itself {found.get('issuer')!r}, not {self.issuer!r}")
        return found

    def _document(self, session: OAuth2Session, url: str, *, fresh: bool = False) -> dict[str, Any]:
        with self._lock:
            kept = self._kept.get(url)
        if kept is not None and not fresh and self._clock() - kept[0] < _KEEP_SECONDS:
            return kept[1]
        answer = session.get(url, withhold_token=True, timeout=self._seconds, allow_redirects=False)
        answer.raise_for_status()
        if len(answer.content) > _LARGEST:
            raise SignInError("the provider's answer is too large")
        document: dict[str, Any] = answer.json()
        with self._lock:
            self._kept[url] = (self._clock(), document)
        return document

    def _checked(
        self, session: OAuth2Session, metadata: Mapping[str, Any], token: Mapping[str, Any], nonce: str
    ) -> dict[str, Any]:
        """Return the claims of an ID token after its checks (OpenID Connect Core 1.0 §3.1.3.7)."""
        if "id_token" not in token:
            raise SignInError("the provider sent no ID token")
        decoded = self._decoded(session, metadata["jwks_uri"], token["id_token"])
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"essential": True, "values": [self.issuer]}, "aud": {"essential": True, "value": self._client_id}},
            {"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")},
        )
        claims.validate(leeway=_LEEWAY_SECONDS)
        return dict(claims)

    def _decoded(self, session: OAuth2Session, jwks_uri: str, text: str) -> jwt.Token:
        try:
            return jwt.decode(text, KeySet.import_key_set(self._keys(session, jwks_uri)), algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):  # the provider may have changed its keys since
            keys = KeySet.import_key_set(self._keys(session, jwks_uri, fresh=True))
            return jwt.decode(text, keys, algorithms=list(ALGORITHMS))

    def _keys(self, session: OAuth2Session, jwks_uri: str, *, fresh: bool = False) -> Any:
        return self._document(session, jwks_uri, fresh=fresh)

    def _with_userinfo(self, session: OAuth2Session, url: str, claims: dict[str, Any]) -> dict[str, Any]:
        answer = session.get(url, timeout=self._seconds, allow_redirects=False)
        answer.raise_for_status()
        told = answer.json()
        return {**told, **claims} if told.get("sub") == claims["sub"] else claims  # §5.3.2


@contextmanager
def _told_as_failure(issuer: str) -> Iterator[None]:
    """Turn what a provider does wrong into a sentence; the log keeps the reason."""
    try:
        yield
    except RequestException as error:
        log.warning("openid.unreachable", issuer=issuer, error=type(error).__name__)
        raise SignInError("the sign-in service does not answer; try again later") from None
    except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
        log.warning("openid.refused", issuer=issuer, error=f"{type(error).__name__}: {error}"[:300])
        raise SignInError("the sign-in service gave no answer that can be trusted; start again") from None


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value[:200] if isinstance(value, str) and value.strip() else None
