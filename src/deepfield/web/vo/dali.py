"""DALI 1.1: parameters as every VO service takes them, read once into a value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Annotated, Final

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.types import Message

from deepfield.model.errors import InvalidQueryError, UploadTooLargeError
from deepfield.web.context import TheArchive

TEXT_BYTES: Final = 2_000_000
"""Most bytes of a request but for its files, and of one parameter."""
MOST_PARAMETERS: Final = 200
MOST_FILES: Final = 20

_UPLOAD_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A table of the caller's, DALI 1.1 §3.4.5: its name, and a part of the request or an address that holds it."""

    name: str
    source: str
    is_part: bool


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of a request, by name in capitals; values as they were sent, in order."""

    pairs: tuple[tuple[str, str], ...] = ()
    files: Mapping[str, IO[bytes]] = field(default_factory=dict)
    """Content sent with the request, by the name of its part in capitals."""

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a parameter."""
        return tuple(value for key, value in self.pairs if key == name)

    def one(self, *names: str) -> str | None:
        """Return the value of a parameter under the first of these names that was sent; None without, or when empty.

        Raises:
            InvalidQueryError: it was sent more than once.
        """
        for name in names:
            values = self.all(name)
            if len(values) > 1:
                raise InvalidQueryError(name, list(values), "the parameter once")
            if values and values[0].strip():
                return values[0]
        return None

    def whole(self, name: str, *, least: int = 0) -> int | None:
        """Return the value of a whole number.

        Raises:
            InvalidQueryError: it is none, or below the least.
        """
        text = self.one(name)
        if text is None:
            return None
        if not _WHOLE.fullmatch(text.strip()) or (number := int(text)) < least:
            raise InvalidQueryError(name, text, f"a whole number from {least}")
        return number

    def uploads(self) -> tuple[Upload, ...]:
        """Return the tables that ``UPLOAD`` names, in all its values together.

        Raises:
            InvalidQueryError: a value is not ``name,uri``, or a name comes twice.
        """
        found: dict[str, Upload] = {}
        items = [item for value in self.all("UPLOAD") for item in value.split(";")]
        for item in filter(None, (item.strip() for item in items)):
            name, _, uri = (part.strip() for part in item.partition(","))
            name = name.removeprefix("TAP_UPLOAD.")
            if not _UPLOAD_NAME.fullmatch(name) or not uri:
                raise InvalidQueryError("UPLOAD", item, "name,uri with a name of letters, digits and underscores")
            if name.lower() in found:
                raise InvalidQueryError("UPLOAD", item, f"a name other than {name}, which is taken")
            is_part = uri.lower().startswith("param:")
            found[name.lower()] = Upload(name, uri[6:].upper() if is_part else uri, is_part)
        return tuple(found.values())

    def without(self, *names: str) -> tuple[tuple[str, str], ...]:
        """Return the parameters but for these."""
        return tuple(pair for pair in self.pairs if pair[0] not in names)


async def read_params(request: Request, archive: TheArchive) -> Params:
    """Read the parameters of a GET, or of a POST as form or multipart form, which mean the same (DALI 1.1 §3).

    Raises:
        UploadTooLargeError: the request is larger than the archive takes.
        InvalidQueryError: it holds too many parameters or files.
    """
    pairs = [(name.upper(), value) for name, value in request.query_params.multi_items()]
    files: dict[str, IO[bytes]] = {}
    if request.method == "POST":
        is_multipart = request.headers.get("content-type", "").lower().startswith("multipart/form-data")
        limit = TEXT_BYTES + ((archive.settings.upload_mb << 20) if is_multipart else 0)
        form = await Request(request.scope, _Limited(request, limit)).form(
            max_files=MOST_FILES, max_fields=MOST_PARAMETERS, max_part_size=TEXT_BYTES
        )
        for name, content in form.multi_items():
            if isinstance(content, UploadFile):
                files[name.upper()] = content.file
            else:
                pairs.append((name.upper(), content))
    if len(pairs) > MOST_PARAMETERS:
        raise InvalidQueryError("parameters", len(pairs), f"at most {MOST_PARAMETERS} parameters")
    return Params(tuple(pairs), files)


class _Limited:
    """Receives the body of a request up to so many bytes. It need not say how many it is going to send."""

    def __init__(self, request: Request, limit: int) -> None:
        self._receive, self._limit, self._seen = request.receive, limit, 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._limit:
            raise UploadTooLargeError("the request", self._limit)
        return message


DaliParams = Annotated[Params, Depends(read_params)]
