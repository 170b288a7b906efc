"""Every form in which a bundle is handed over, by the ending of its address."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import IO, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from deepfield.access.policy import Readable
from deepfield.formats.archives import Member, gzip_stream, tar_size, tar_stream, zip_size, zip_stream
from deepfield.model.errors import InvalidValueError
from deepfield.services.bundles import Bundle, Bundles, Entry
from deepfield.web.bundles.selecting import Order
from deepfield.web.bundles.texts import checksums, manifest, metalink, script
from deepfield.web.delivery import disposition, from_thread

Document = Callable[[Bundle, Order, str], str | bytes]
"""Bundle, order and address of the archive ▸ text."""
Stream = Callable[[Sequence[Member]], Iterator[bytes]]

DOCUMENTS: Final[Mapping[str, tuple[str, Document]]] = {
    "sh": ("text/x-shellscript", lambda bundle, order, base: script(bundle, order.layout, name=order.name, base=base)),
    "metalink": ("application/metalink4+xml", lambda bundle, order, base: metalink(bundle, order.layout, base=base)),
    "manifest": ("text/tab-separated-values", lambda bundle, order, _base: manifest(bundle, order.layout)),
    "sha256": ("text/plain", lambda bundle, order, _base: checksums(bundle, order.layout)),
}
ARCHIVES: Final[Mapping[str, tuple[str, Stream, Callable[[Sequence[Member]], int] | None]]] = {
    "zip": ("application/zip", zip_stream, zip_size),
    "tar": ("application/x-tar", tar_stream, tar_size),
    "tar.gz": ("application/gzip", lambda members: gzip_stream(tar_stream(members)), None),
}
"""Content type, stream and exact size by ending; what is compressed has no size before it is written."""
FORMS: Final = (*DOCUMENTS, *ARCHIVES)


def bundle_response(
    request: Request, form: str, order: Order, *, bundles: Bundles, rule: Readable, base: str
) -> Response:
    """Answer a request for a bundle in one of ``FORMS``; only the manifest may hold nothing to hand over.

    Raises:
        InvalidValueError: there is no such form, or the selection cannot be read or is too large.
        AccessDeniedError, UnknownProductError, StaleFileError: nothing of it can be handed over.
    """
    if form not in FORMS:
        raise InvalidValueError("form", form, f"one of {', '.join(FORMS)}")
    bundle = bundles.gather(order.selection, rule=rule)
    if form != "manifest":
        bundle.require_something(rule)
    ending = "tsv" if form == "manifest" else form
    headers = {
        "Content-Disposition": disposition(f"{order.name}.{ending}"),
        "Cache-Control": "no-store",
        "Deepfield-Products": str(len(bundle.included)),
        "Deepfield-Left-Out": str(len(bundle.left_out)),
        "Deepfield-Size": str(bundle.size),
    }
    if form in DOCUMENTS:
        kind, write = DOCUMENTS[form]
        return Response(write(bundle, order, base), headers=headers, media_type=kind)
    kind, stream, size = ARCHIVES[form]
    members = members_of(bundle, order, bundles=bundles, rule=rule)
    headers |= {"Content-Encoding": "identity"}
    if size is not None:
        headers["Content-Length"] = str(size(members))
    if request.method == "HEAD":
        return Response(headers=headers, media_type=kind)
    return StreamingResponse(from_thread(stream(members)), headers=headers, media_type=kind)


def members_of(bundle: Bundle, order: Order, *, bundles: Bundles, rule: Readable) -> list[Member]:
    """Return what an archive of this bundle holds: manifest and checksums first, so that they arrive in any case."""
    now = datetime.now(UTC)
    texts = {"MANIFEST.tsv": manifest(bundle, order.layout), "SHA256SUMS": checksums(bundle, order.layout)}
    members = [
        Member(f"{order.name}/{name}", len(text.encode()), now, partial(io.BytesIO, text.encode()))
        for name, text in texts.items()
    ]
    for entry, path in bundle.paths(order.layout):
        assert entry.delivery is not None
        modified = entry.delivery.last_modified
        members.append(Member(f"{order.name}/{path}", entry.size, modified, partial(_open, bundles, entry, rule)))
    return members


def _open(bundles: Bundles, entry: Entry, rule: Readable) -> IO[bytes]:
    return bundles.open(entry, rule=rule).open()
