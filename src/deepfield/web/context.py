"""What a route asks for: the archive, who asks, and what they may read."""

from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import Depends, Path, Request
from starlette.concurrency import run_in_threadpool

from deepfield.access.policy import Readable
from deepfield.access.principal import Principal, Scope
from deepfield.bootstrap import Archive
from deepfield.model.errors import NotEntitledError, NotSignedInError
from deepfield.services.signin import NOBODY, Caller
from deepfield.web.credentials import address_of, check_origin, credential_of, public_url


async def the_archive(request: Request) -> Archive:
    """Return the archive this application serves."""
    return cast("Archive", request.app.state.archive)


async def public_address(request: Request) -> str:
    """Return the address under which clients reach the archive, without a slash at its end."""
    return public_url(request)


async def who_asks(request: Request, archive: Annotated[Archive, Depends(the_archive)]) -> Caller:
    """Return who asks, by session or token. A credential that does not count makes nobody of them, and says why."""
    credential = credential_of(request)
    if credential is None:
        return NOBODY
    known = archive.sign_in.by_token if credential.kind == "token" else archive.sign_in.by_session
    caller = await run_in_threadpool(known, credential.secret)
    request.state.refused = caller.refused
    return caller


async def the_caller(caller: Annotated[Caller, Depends(who_asks)]) -> Principal:
    """Return who asks."""
    return caller.principal


async def callers_rule(
    request: Request,
    archive: Annotated[Archive, Depends(the_archive)],
    caller: Annotated[Caller, Depends(who_asks)],
) -> Readable:
    """Return what the caller may read now; the access log is told what they do of it."""
    witness = archive.access_log.witness(caller.principal.name, address_of(request))
    return caller.principal.rule(at=datetime.now(UTC), witness=witness)


def somebody(request: Request, caller: Annotated[Caller, Depends(who_asks)]) -> Principal:
    """Return the account that asks, where it may keep something in its name.

    Raises:
        NotSignedInError: nobody in particular asks.
        NotEntitledError: the token was not made for it.
        CrossSiteError: the request changes something and is not provably meant.
    """
    if caller.principal.is_anonymous:
        raise NotSignedInError(caller.refused) if caller.refused else NotSignedInError
    check_origin(request, credential_of(request))
    if not caller.principal.may(Scope.KEEP):
        raise NotEntitledError("to keep something in your name", needed=f"a token with the scope {Scope.KEEP}")
    return caller.principal


def signed_in(principal: Annotated[Principal, Depends(somebody)]) -> Principal:
    """Return the account that is signed in with a browser: no token may change accounts, tokens and members.

    Raises:
        NotSignedInError: nobody is signed in.
        CrossSiteError: the request changes something and is not provably meant.
    """
    if principal.scopes is not None:
        raise NotSignedInError("sign in with a browser: a token cannot do this")
    return principal


PublicAddress = Annotated[str, Depends(public_address)]
TheArchive = Annotated[Archive, Depends(the_archive)]
TheCaller = Annotated[Caller, Depends(who_asks)]
CallersRule = Annotated[Readable, Depends(callers_rule)]
Somebody = Annotated[Principal, Depends(somebody)]
SignedIn = Annotated[Principal, Depends(signed_in)]
ObsId = Annotated[str, Path(description="Observation identifier", examples=["jw02731-o001_t017_nircam_clear-f090w"])]
FileName = Annotated[str, Path(description="File name", examples=["jw02731001001_02101_00001_nrcb1_cal.fits"])]
