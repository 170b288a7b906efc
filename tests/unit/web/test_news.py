"""What is new: what came, what changed and what became public, told to everybody without a file of anybody."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import httpx
import pytest

from deepfield.services.news import Newsroom
from deepfield.web.app import create_app
from deepfield.web.portal.feeds import ATOM
from support.archive import (
    EXCLUSIVE_FILE,
    EXPOSURES,
    PUBLIC,
    PUBLIC_FILE,
    build_archive,
    write_exposure,
    write_products,
)
from support.serving import served

NAMES = {"a": ATOM}


def kinds(document):
    return {news["happening"]: news for news in document["news"]}


def found(client, address):
    """Return what the search behind an address of the portal finds."""
    answer = client.get(f"/api/v1/observations?columns=obs_id&{address.removeprefix('/?')}")
    assert answer.status_code == 200, answer.text
    return answer.json()["total"]


def test_what_came_is_told_by_programme_with_the_search_that_finds_it(client):
    document = client.get("/api/v1/news").json()
    news = kinds(document)["archived"]
    assert (news["observations"], news["instruments"]) == (4, {"NIRCAM": 3, "MIRI": 1})
    items = {item["programme"]: item for item in news["items"]}
    assert (items["1111"]["observations"], items["1111"]["instruments"], items["1111"]["public"]) == (
        3,
        ["NIRCAM"],
        True,
    )
    assert (items["2222"]["public"], items["2222"]["exclusive_until"]) == (False, "2199-01-01T00:00:00Z")
    assert found(client, news["address"]) == 4
    assert [found(client, items[name]["address"]) for name in ("1111", "2222")] == [3, 1]
    assert kinds(document)["changed"]["items"] == []


def test_what_becomes_public_is_told_when_it_is_and_not_before(archive, client):
    released = datetime(2025, 6, 1, 0, 10, tzinfo=UTC)  # the end of the first exposure of programme 1111
    at = Newsroom(archive.search, now=lambda: released + timedelta(hours=1, minutes=30))
    (public,) = [news for news in at.bulletin(7).news if news.happening == "public"]
    assert [(item.programme, item.observations, item.is_public) for item in public.items] == [("1111", 2, True)]
    before = Newsroom(archive.search, now=lambda: released - timedelta(minutes=1))
    assert [news.observations for news in before.bulletin(7).news if news.happening == "public"] == [0]
    late = Newsroom(archive.search, now=lambda: released + timedelta(days=8))
    assert [news.observations for news in late.bulletin(7).news if news.happening == "public"] == [0]


def test_what_is_reprocessed_is_told_when_it_was_there_before(tmp_path):
    write_products(tmp_path / "products")
    with build_archive(tmp_path / "home", tmp_path / "products") as archive:
        (tmp_path / "newer").mkdir()
        write_exposure(tmp_path / "newer" / PUBLIC_FILE, date="2026-03-01T10:00:00.000")
        with archive.database.begin() as connection:  # as if the archive had been there for a month
            connection.exec_driver_sql(
                "UPDATE observation SET archived_at = '2026-01-01' || substr(archived_at, 11), "
                "modified_at = '2026-01-01' || substr(modified_at, 11)"
            )
    (tmp_path / "home" / "replica.duckdb").unlink()
    with build_archive(tmp_path / "home", tmp_path / "newer") as archive, served(create_app(archive)) as client:
        document = client.get("/api/v1/news?days=30").json()
        changed = kinds(document)["changed"]
        assert [(item["programme"], item["observations"]) for item in changed["items"]] == [("1111", 1)]
        page = client.get(f"/api/v1/observations?columns=obs_id&{changed['items'][0]['address'].removeprefix('/?')}")
        assert page.json()["data"]["obs_id"] == [PUBLIC]
        assert kinds(document)["archived"]["items"] == []


def test_the_feed_is_atom_says_who_may_read_and_names_no_file(client):
    answer = client.get("/feeds/new.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ET.fromstring(answer.content)
    entries = feed.findall("a:entry", NAMES)
    for part in (feed, *entries):
        assert all(len(part.findall(f"a:{name}", NAMES)) == 1 for name in ("id", "title", "updated"))
    assert len({entry.findtext("a:id", namespaces=NAMES) for entry in entries}) == len(entries) == 2
    said = {
        entry.findtext("a:title", namespaces=NAMES): entry.findtext("a:summary", namespaces=NAMES) for entry in entries
    }
    assert said["1 observation of programme 2222 archived (MIRI)"].endswith(
        "Under exclusive access until 2199-01-01T00:00:00Z."
    )
    assert said["3 observations of programme 1111 archived (NIRCAM)"].endswith("Public.")
    assert not any(root in answer.text for root in EXPOSURES)
    assert EXCLUSIVE_FILE not in answer.text
    for entry in entries:
        link = entry.find("a:link", NAMES).get("href")
        assert link.startswith(str(client.base_url).rstrip("/"))
        assert found(client, httpx.URL(link).raw_path.decode()) in {1, 3}


def test_a_reader_that_has_the_feed_already_is_told_so(client):
    first = client.get("/feeds/new.atom")
    again = client.get("/feeds/new.atom", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head("/feeds/new.atom").headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/v1/news?days=0", 422),
        ("/api/v1/news?days=x", 422),
        ("/api/v1/news?weeks=1", 400),
        ("/feeds/new.atom?days=9999", 422),
    ],
)
def test_days_that_cannot_be_are_told(client, address, status):
    answer = client.get(address)
    assert (answer.status_code, "message" in answer.json()["error"]) == (status, True)


def test_no_address_below_the_feeds_is_a_page(client):
    assert client.get("/feeds/other.atom").status_code == 404
