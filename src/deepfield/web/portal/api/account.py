"""One's own account: signing in and out, tokens, programmes and their members."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from deepfield.access.principal import Scope
from deepfield.services import accounts
from deepfield.services.accounts import DEFAULT_DAYS
from deepfield.services.signin import Caller, Session, proof_of
from deepfield.web.context import SignedIn, TheArchive, TheCaller
from deepfield.web.credentials import (
    address_of,
    check_own_page,
    credential_of,
    drop_session,
    session_cookie,
    set_session,
)
from deepfield.web.errors import ErrorDocument
from deepfield.web.portal.api.documents import iso

NOT_SIGNED_IN: dict[int | str, dict[str, Any]] = {401: {"model": ErrorDocument, "description": "Nobody is signed in"}}

router = APIRouter(tags=["account"])
Program = Annotated[str, Path(description="Programme number", examples=["2731"])]
Name = Annotated[str, Path(description="Name of an account")]


class ProviderDocument(BaseModel):
    """Another place to sign in."""

    label: str
    url: str


class SessionDocument(BaseModel):
    """Who asks, and how one can sign in."""

    signed_in: bool
    name: str | None = Field(description="null for nobody in particular")
    display_name: str | None
    email: str | None
    staff: bool
    roles: dict[str, Literal["pi", "coi"]] = Field(description="Role in each programme")
    has_password: bool = Field(description="Whether the account signs in with a password of this archive")
    ends: str | None = Field(description="When the session ends, ISO 8601 UTC")
    csrf: str | None = Field(description="Has to be sent as X-CSRF-Token with everything that changes something")
    refused: str | None = Field(description="Why the token or session that was sent did not count")
    provider: ProviderDocument | None = Field(description="An OpenID Connect provider to sign in with")


class SignInRequest(BaseModel):
    """Name and password."""

    name: str = Field(max_length=200)
    password: str = Field(max_length=1024)


class PasswordRequest(BaseModel):
    """A change of password."""

    old_password: str = Field(max_length=1024)
    new_password: str = Field(max_length=1024)


class ScopeDocument(BaseModel):
    """Something that a token may be used for."""

    name: str
    meaning: str


class TokenDocument(BaseModel):
    """A personal token, without its secret."""

    token_id: str
    label: str
    scopes: list[str]
    created: str
    expires: str
    revoked: str | None
    used: str | None = Field(description="When it was last used")
    state: Literal["working", "expired", "revoked"]

    @classmethod
    def of(cls, token: accounts.Token, now: datetime) -> "TokenDocument":
        state: Literal["working", "expired", "revoked"] = "working" if token.expires_at > now else "expired"
        return cls(
            token_id=token.token_id,
            label=token.label,
            scopes=[str(scope) for scope in token.scopes],
            created=iso(token.created_at),
            expires=iso(token.expires_at),
            revoked=iso(token.revoked_at),
            used=iso(token.used_at),
            state="revoked" if token.revoked_at is not None else state,
        )


class TokenList(BaseModel):
    """The tokens of an account, the newest first, and what tokens can be made for."""

    tokens: list[TokenDocument]
    scopes: list[ScopeDocument]


class TokenRequest(BaseModel):
    """A token to be made."""

    label: str = Field(max_length=200)
    scopes: list[str] = Field(default=[Scope.IDENTITY, Scope.EXCLUSIVE], max_length=20)
    days: int = Field(default=DEFAULT_DAYS, description="How long it works")


class NewToken(BaseModel):
    """A new token with its secret, which is told this once only."""

    secret: str
    token: TokenDocument


class MemberDocument(BaseModel):
    """Somebody who may read the data of a programme before their release."""

    name: str
    display_name: str | None
    role: Literal["pi", "coi"]
    granted_by: str
    granted: str


class MemberList(BaseModel):
    """The members of a programme, by name."""

    program: str
    members: list[MemberDocument]


class RoleRequest(BaseModel):
    """A role in a programme."""

    role: Literal["pi", "coi"] = "coi"


@router.get("/session", operation_id="getSession", summary="Who is signed in")
def get_session(request: Request, response: Response, archive: TheArchive, caller: TheCaller) -> SessionDocument:
    """Say who asks, and how one can sign in."""
    response.headers["Cache-Control"] = "no-store"
    return _session_document(request, archive, caller)


@router.post(
    "/session",
    operation_id="signIn",
    summary="Sign in",
    responses={
        401: {"model": ErrorDocument, "description": "Name or password is wrong"},
        429: {"model": ErrorDocument, "description": "It failed too often; `Retry-After` says when to try again"},
    },
)
def sign_in(body: SignInRequest, request: Request, response: Response, archive: TheArchive) -> SessionDocument:
    """Sign in by name and password. The session is always a new one."""
    check_own_page(request)
    session = archive.sign_in.with_password(body.name, body.password, address=address_of(request))
    _forget_old(request, archive)
    return _signed_in(request, response, archive, session)


@router.delete("/session", operation_id="signOut", summary="Sign out", status_code=204, responses=NOT_SIGNED_IN)
def sign_out(request: Request, archive: TheArchive, principal: SignedIn) -> Response:
    """End the session."""
    archive.sign_in.out(
        request.cookies.get(session_cookie(request), ""), name=principal.name, address=address_of(request)
    )
    response = Response(status_code=204)
    drop_session(response, request)
    return response


@router.post("/account/password", operation_id="changePassword", summary="Change the password", responses=NOT_SIGNED_IN)
def change_password(
    body: PasswordRequest, request: Request, response: Response, archive: TheArchive, principal: SignedIn
) -> SessionDocument:
    """Change one's own password; every other browser is signed out."""
    session = archive.sign_in.change_password(
        principal, body.old_password, body.new_password, address=address_of(request)
    )
    return _signed_in(request, response, archive, session)


@router.get("/tokens", operation_id="listTokens", summary="Personal tokens", responses=NOT_SIGNED_IN)
def list_tokens(archive: TheArchive, principal: SignedIn) -> TokenList:
    """List one's own tokens with expiry and last use."""
    tokens = archive.accounts.tokens(principal.name)
    return TokenList(
        tokens=[TokenDocument.of(token, archive.accounts.now()) for token in tokens],
        scopes=[ScopeDocument(name=scope, meaning=scope.meaning) for scope in Scope],
    )


@router.post("/tokens", operation_id="makeToken", summary="Make a token", status_code=201, responses=NOT_SIGNED_IN)
def make_token(
    body: TokenRequest, request: Request, response: Response, archive: TheArchive, principal: SignedIn
) -> NewToken:
    """Make a token that acts for oneself."""
    token, secret = archive.accounts.make_token(
        principal.name,
        body.label,
        scopes=body.scopes,
        days=body.days,
        by=principal.name,
        address=address_of(request),
    )
    response.headers["Cache-Control"] = "no-store"
    return NewToken(secret=secret, token=TokenDocument.of(token, archive.accounts.now()))


@router.delete(
    "/tokens/{token_id}",
    operation_id="revokeToken",
    summary="Revoke a token",
    status_code=204,
    responses=NOT_SIGNED_IN,
)
def revoke_token(
    token_id: Annotated[str, Path(description="Identifier of the token")],
    request: Request,
    archive: TheArchive,
    principal: SignedIn,
) -> Response:
    """End one of one's own tokens at once."""
    archive.accounts.revoke_token(principal.name, token_id, by=principal.name, address=address_of(request))
    return Response(status_code=204)


@router.get(
    "/programs/{program}/members",
    operation_id="listMembers",
    summary="Members of a programme",
    responses=NOT_SIGNED_IN,
)
def list_members(program: Program, archive: TheArchive, principal: SignedIn) -> MemberList:
    """List who may read the data of a programme before their release; its members and staff may ask."""
    members = archive.accounts.members(program, by=principal)
    return MemberList(
        program=accounts.program_number(program),
        members=[
            MemberDocument(
                name=member.name,
                display_name=member.display_name,
                role=member.role,
                granted_by=member.granted_by,
                granted=iso(member.granted_at),
            )
            for member in members
        ],
    )


@router.put(
    "/programs/{program}/members/{name}",
    operation_id="grantMembership",
    summary="Add a member",
    responses=NOT_SIGNED_IN,
)
def grant_membership(  # noqa: PLR0917  FastAPI passes them by name
    program: Program, name: Name, body: RoleRequest, request: Request, archive: TheArchive, principal: SignedIn
) -> MemberList:
    """Let somebody read the data of a programme. Its PI may add co-investigators, staff anybody."""
    archive.accounts.grant(program, name, body.role, by=principal, address=address_of(request))
    return list_members(program, archive, principal)


@router.delete(
    "/programs/{program}/members/{name}",
    operation_id="revokeMembership",
    summary="Remove a member",
    status_code=204,
    responses=NOT_SIGNED_IN,
)
def revoke_membership(
    program: Program, name: Name, request: Request, archive: TheArchive, principal: SignedIn
) -> Response:
    """End a membership. The PI may end those of co-investigators, staff any, everybody their own."""
    archive.accounts.revoke(program, name, by=principal, address=address_of(request))
    return Response(status_code=204)


def _signed_in(request: Request, response: Response, archive: TheArchive, session: Session) -> SessionDocument:
    set_session(response, request, session)
    response.headers["Cache-Control"] = "no-store"
    document = _session_document(request, archive, archive.sign_in.by_session(session.secret))
    return document.model_copy(update={"csrf": proof_of(session.secret)})


def _forget_old(request: Request, archive: TheArchive) -> None:
    """End the session that the browser had before."""
    if old := request.cookies.get(session_cookie(request)):
        archive.sign_in.replace(old)


def _session_document(request: Request, archive: TheArchive, caller: Caller) -> SessionDocument:
    principal = caller.principal
    account = None if principal.is_anonymous else archive.accounts.describe(principal.name)
    credential = credential_of(request)
    in_session = caller.session_until is not None and credential is not None and credential.kind == "session"
    settings = archive.settings
    provider = ProviderDocument(label=settings.oidc_label, url="/login/openid") if archive.openid else None
    return SessionDocument(
        signed_in=not principal.is_anonymous,
        name=None if account is None else account.name,
        display_name=caller.display_name,
        email=caller.email,
        staff=account is not None and account.staff,
        roles={} if account is None else dict(account.roles),
        has_password=account is not None and account.has_password,
        ends=iso(caller.session_until),
        csrf=proof_of(credential.secret) if in_session and credential is not None else None,
        refused=caller.refused,
        provider=provider,
    )
