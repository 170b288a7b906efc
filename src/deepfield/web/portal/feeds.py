"""The news as a feed (Atom, RFC 4287). It names programmes and counts, which everybody may know, and no file."""

import hashlib
from typing import Annotated, Final
from xml.etree import ElementTree as ET

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from deepfield.services.news import Bulletin, Happening, Item, News, address_of
from deepfield.web.context import PublicAddress, TheArchive
from deepfield.web.portal.api.documents import iso
from deepfield.web.portal.api.news import LONGEST
from deepfield.web.ranges import precondition
from deepfield.web.xml import legal

router = APIRouter(tags=["archive"])
ATOM: Final = "http://www.w3.org/2005/Atom"
VERBS: Final[dict[Happening, str]] = {"archived": "archived", "changed": "changed", "public": "now public"}


@router.head("/feeds/new.atom", include_in_schema=False)
@router.get(
    "/feeds/new.atom",
    summary="What is new, as a feed",
    operation_id="newsFeed",
    response_class=Response,
    responses={
        200: {"description": "An Atom feed", "content": {"application/atom+xml": {"schema": {"type": "string"}}}}
    },
)
def feed(
    request: Request,
    archive: TheArchive,
    public: PublicAddress,
    days: Annotated[int, Query(ge=1, le=LONGEST, description="How far to look back")] = 30,
) -> Response:
    """Tell what came, changed or became public: an entry for each programme and day."""
    body = document(archive.newsroom.bulletin(days), public)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "max-age=300"}
    if precondition(request.headers, etag=etag, modified=None) == "not_modified":
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/atom+xml", headers=headers)


def document(bulletin: Bulletin, public: str) -> bytes:
    """Write the feed. It is the same as long as nothing new happened."""
    root = ET.Element("feed", xmlns=ATOM)
    entries = sorted(
        ((news, item) for news in bulletin.news for item in news.items), key=lambda pair: pair[1].latest, reverse=True
    )
    updated = entries[0][1].latest if entries else bulletin.since
    _text(root, "id", f"{public}/feeds/new.atom")
    _text(root, "title", "New in the archive")
    _text(root, "updated", iso(updated))
    ET.SubElement(ET.SubElement(root, "author"), "name").text = "Deepfield"
    ET.SubElement(root, "link", rel="self", href=f"{public}/feeds/new.atom")
    ET.SubElement(root, "link", rel="alternate", href=f"{public}/new")
    for news, item in entries:
        _entry(root, news, item, public)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _entry(root: ET.Element, news: News, item: Item, public: str) -> None:
    entry = ET.SubElement(root, "entry")
    number = f"{item.observations} observation{'' if item.observations == 1 else 's'}"
    programme = f"programme {item.programme}" if item.programme else "no programme"
    _text(entry, "id", f"{public}/feeds/new/{news.happening}/{item.programme or '-'}/{item.day.isoformat()}")
    _text(entry, "title", f"{number} of {programme} {VERBS[news.happening]} ({', '.join(item.instruments)})")
    _text(entry, "updated", iso(item.latest))
    ET.SubElement(entry, "link", rel="alternate", href=f"{public}{address_of(item.search)}")
    until = f" until {iso(item.exclusive_until)}" if item.exclusive_until else ""
    access = "Public." if item.is_public else f"Under exclusive access{until}."
    facts = [f"{item.title}." if item.title else None, f"PI {item.pi}." if item.pi else None, access]
    _text(entry, "summary", " ".join(fact for fact in facts if fact))
    for name in item.instruments:
        ET.SubElement(entry, "category", term=name)


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = legal(text)
