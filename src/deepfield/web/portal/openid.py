"""Signing in elsewhere: to the OpenID Connect provider and back."""

import base64
import binascii
import json
from dataclasses import asdict
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from deepfield.model.errors import SignInError
from deepfield.services.openid import OpenIdProvider, Pending
from deepfield.web.context import TheArchive
from deepfield.web.credentials import address_of, public_url, session_cookie, set_session

PATH: Final = "/login/openid"
COOKIE: Final = "deepfield_login"
"""Holds what the browser has to bring back, for the minutes of a sign-in; nobody else can set or read it."""
SECONDS: Final = 600

router = APIRouter(include_in_schema=False)


@router.get(PATH)
def begin(request: Request, archive: TheArchive, to: Annotated[str, Query(alias="next")] = "/account") -> Response:
    """Send the browser to the provider."""
    pending = _provider(archive).begin(_redirect_uri(request))
    response = RedirectResponse(pending.url, 303)
    carried = json.dumps(asdict(pending) | {"url": "", "next": local_path(to)}).encode()
    response.set_cookie(
        COOKIE,
        base64.urlsafe_b64encode(carried).decode(),
        max_age=SECONDS,
        path=PATH,
        secure=public_url(request).startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get(f"{PATH}/callback")
def finish(request: Request, archive: TheArchive) -> Response:
    """Take the browser back from the provider and sign it in; what goes wrong is told on the sign-in page."""
    provider = _provider(archive)
    try:
        pending, to = _carried(request)
        answer = f"{_redirect_uri(request)}?{request.url.query}"
        identity = provider.finish(answer, pending, _redirect_uri(request))
        session = archive.sign_in.vouched(
            identity, address=address_of(request), may_make=archive.settings.oidc_make_accounts
        )
    except SignInError as error:
        response = RedirectResponse(f"/login?failed={quote(str(error))}", 303)
    else:
        if old := request.cookies.get(session_cookie(request)):
            archive.sign_in.replace(old)
        response = RedirectResponse(to, 303)
        set_session(response, request, session)
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="lax")
    response.headers["Cache-Control"] = "no-store"
    return response


def local_path(text: str) -> str:
    """Return a path of this archive to go to after signing in; anything else becomes the account page."""
    local = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text[:2000] if local else "/account"


def _provider(archive: TheArchive) -> OpenIdProvider:
    if archive.openid is None:
        raise HTTPException(404)
    return archive.openid


def _redirect_uri(request: Request) -> str:
    return f"{public_url(request)}{PATH}/callback"


def _carried(request: Request) -> tuple[Pending, str]:
    """Return the sign-in that this browser began.

    Raises:
        SignInError: it began none, or too long ago.
    """
    try:
        carried = json.loads(base64.urlsafe_b64decode(request.cookies.get(COOKIE, "")))
        pending = Pending("", *(str(carried[name]) for name in ("state", "nonce", "verifier")))
        to = local_path(str(carried["next"]))
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise SignInError("this browser began no sign-in, or too long ago; start again") from None
    return pending, to
