"""What a request brings to say who asks, and the cookies that answer it.

Tokens come as ``Authorization: Bearer`` or ``token``, as password (or name) of ``Basic``, or as the cookie
``mast_token``; sessions of browsers as a cookie of our own.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from deepfield.model.errors import ArchiveError
from deepfield.services.signin import proof_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from deepfield.services.signin import Session

SESSION: Final = "deepfield_session"
TOKEN: Final = "mast_token"  # noqa: S105  the name of a cookie
PROOF: Final = "X-CSRF-Token"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST: Final = 500
_NOTHING: Final = frozenset({"", "none", "null", "undefined"})
"""What clients send who have no token: the JWST pipeline sends ``Authorization: token None``."""


class CrossSiteError(ArchiveError):
    """A request that changes something came from a page of somebody else, or without its proof."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"refused: {reason}")
        self.field = PROOF


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret that somebody sent, and how."""

    kind: Literal["session", "token"]
    secret: str
    by_cookie: bool


def credential_of(request: Request) -> Credential | None:
    """Return what a request says of who asks: the header before the token's cookie before the session's."""
    secret = _from_header(request.headers.get("authorization", ""))
    if secret is not None:
        return Credential("token", secret, by_cookie=False)
    cookie = _meant(request.cookies.get(TOKEN, ""))
    if cookie is not None:
        return Credential("token", cookie, by_cookie=True)
    session = request.cookies.get(session_cookie(request), "")
    return Credential("session", session, by_cookie=True) if 0 < len(session) <= _LONGEST else None


def check_origin(request: Request, credential: Credential | None) -> None:
    """Refuse a request that a page of somebody else may have made a browser send.

    Raises:
        CrossSiteError: it changes something, came with a cookie, and not provably from one of our pages.
    """
    if request.method in SAFE or credential is None or not credential.by_cookie:
        return
    if credential.kind == "token":
        raise CrossSiteError("send a token as `Authorization: Bearer` where something is changed, not as a cookie")
    check_own_page(request)
    proof = request.headers.get(PROOF, "")
    if not hmac.compare_digest(proof.encode(errors="replace"), proof_of(credential.secret).encode()):
        raise CrossSiteError(f"the header {PROOF} is missing or belongs to another session; load the page again")


def check_own_page(request: Request) -> None:
    """Refuse what a browser says that it sends for a page of another site.

    Raises:
        CrossSiteError: it does.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise CrossSiteError("the request comes from a page of another site")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc not in {request.url.netloc, urlsplit(public_url(request)).netloc}:
        raise CrossSiteError("the request comes from a page of another site")


def public_url(request: Request) -> str:
    """Return the address of this archive for browsers, without a slash at its end."""
    configured: str | None = request.app.state.archive.settings.public_url
    return (configured or str(request.base_url)).rstrip("/")


def session_cookie(request: Request) -> str:
    """Return the name of the session's cookie; over https one that no other host or path can set (RFC 6265bis)."""
    return f"__Host-{SESSION}" if _is_secure(request) else SESSION


def set_session(response: Response, request: Request, session: Session) -> None:
    """Let a browser keep a session."""
    response.set_cookie(
        session_cookie(request),
        session.secret,
        expires=session.expires_at,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="lax",
    )


def drop_session(response: Response, request: Request) -> None:
    """Let a browser forget its session."""
    response.delete_cookie(session_cookie(request), path="/", secure=_is_secure(request), httponly=True, samesite="lax")


def address_of(request: Request) -> str:
    """Return the network address of the caller; behind a proxy on this machine, what that says."""
    return request.client.host if request.client is not None else "unknown"


def _is_secure(request: Request) -> bool:
    return public_url(request).startswith("https://")


def _from_header(header: str) -> str | None:
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() in {"token", "bearer"}:
        return _meant(rest)
    return _from_basic(rest.strip()) if scheme.lower() == "basic" else None


def _from_basic(text: str) -> str | None:
    """Return the token in RFC 7617 credentials: the password, or the name where there is none."""
    try:
        name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return text[:_LONGEST] or None
    return _meant(password) or _meant(name)


def _meant(text: str) -> str | None:
    text = text.strip().strip('"')
    return None if text.lower() in _NOTHING else text[:_LONGEST]
