"""What a route asks for: the archive, and what the caller may read."""

from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import Depends, Path, Request

from deepfield.access.policy import Readable
from deepfield.access.principal import ANONYMOUS, Principal
from deepfield.bootstrap import Archive


def the_archive(request: Request) -> Archive:
    """Return the archive this application serves."""
    return cast("Archive", request.app.state.archive)


def public_address(request: Request, archive: Annotated[Archive, Depends(the_archive)]) -> str:
    """Return the address under which clients reach the archive, without a slash at its end."""
    return (archive.settings.public_url or str(request.base_url)).rstrip("/")


def the_caller() -> Principal:
    """Return who asks."""
    return ANONYMOUS


def callers_rule(caller: Annotated[Principal, Depends(the_caller)]) -> Readable:
    """Return what the caller may read now."""
    return caller.rule(at=datetime.now(UTC))


PublicAddress = Annotated[str, Depends(public_address)]
TheArchive = Annotated[Archive, Depends(the_archive)]
CallersRule = Annotated[Readable, Depends(callers_rule)]
ObsId = Annotated[str, Path(description="Observation identifier", examples=["jw02731-o001_t017_nircam_clear-f090w"])]
FileName = Annotated[str, Path(description="File name", examples=["jw02731001001_02101_00001_nrcb1_cal.fits"])]
