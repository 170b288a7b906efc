"""``/whoami``: whose token it is, in the words of MAST's authentication service."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from deepfield.web.context import TheCaller

router = APIRouter(include_in_schema=False)


@router.get("/whoami")
def whoami(caller: TheCaller) -> Response:
    """Tell who asks. ``token`` also says until when the token works, or why it does not count."""
    principal, token = caller.principal, caller.token
    document: dict[str, Any] = {
        "ezid": principal.name,
        "anon": principal.is_anonymous,
        "scopes": sorted(principal.scopes or ()),
        "attrib": {},
        "session": None if caller.session_until is None else {"expires": _iso(caller.session_until)},
        "token": None,
    }
    if not principal.is_anonymous:
        document["attrib"] = {"display_name": caller.display_name or principal.name, "email": caller.email}
    if token is not None:
        document["token"] = {"name": token["label"], "expires": _iso(token["expires_at"])}
    elif caller.refused:
        document["token"] = {"refused": caller.refused}
    return JSONResponse(document, headers={"Cache-Control": "no-store"})


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
