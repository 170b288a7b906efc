"""Exported, cited, told as news, saved and run again: what one does with a search besides looking at it."""

import csv
import io
import re

import openpyxl
import pytest
from playwright.sync_api import expect

from deepfield.web.app import create_app
from support.archive import EXPOSURES, PUBLIC, build_archive, write_exposure, write_products
from support.people import PASSWORD
from support.serving import served

LATE = "jw01111001001_02101_00002_nrcb1"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """An archive that lacks one exposure yet."""
    folder = tmp_path_factory.mktemp("saved")
    write_products(folder / "products")
    for file in (folder / "products").glob(f"{LATE}*"):
        file.unlink()
    with build_archive(folder / "home", folder / "products") as archive:
        archive.accounts.add("vera", password=PASSWORD, display_name="Vera Rubin")
        with served(create_app(archive)) as client:
            yield archive, str(client.base_url).rstrip("/"), folder


@pytest.fixture(scope="module")
def address(own):
    return own[1]


def sign_in(page):
    page.get_by_label("Name").fill("vera")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Vera Rubin")).to_be_visible()


def test_a_search_is_exported_with_the_columns_wanted(page, screenshot):
    page.goto("/?instrument_name=NIRCAM&sort=obs_id")
    expect(page.get_by_role("grid", name="Observations")).to_have_attribute("aria-rowcount", "3")
    page.get_by_role("button", name="Export", exact=True).click()
    dialog = page.get_by_role("dialog", name="Export 2 observations")
    with page.expect_download() as waiting:
        dialog.get_by_role("link", name="Excel").click()
    assert re.fullmatch(r"jwst-observations-\d+\.xlsx", waiting.value.suggested_filename)
    sheet = openpyxl.load_workbook(io.BytesIO(waiting.value.path().read_bytes()))["Rows"]
    expected = sorted(root for root in EXPOSURES if root.startswith("jw01111") and root != LATE)
    assert [cell.value for cell in sheet["A"]] == ["obs_id", *expected]
    screenshot()
    dialog.get_by_label("All").check()
    with page.expect_download() as waiting:
        dialog.get_by_role("link", name="CSV, exact").click()
    head, *rows = csv.reader(io.StringIO(waiting.value.path().read_text()))
    assert ("em_min" in head, len(rows)) == (True, 2)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Export", exact=True)).to_be_focused()


def test_what_is_on_show_can_be_cited_and_copied(page, context, address, screenshot):
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    page.goto(f"/obs/{PUBLIC}")
    page.get_by_role("button", name="Cite").click()
    dialog = page.get_by_role("dialog", name="Cite these data")
    expect(dialog.get_by_role("cell", name="Cosmic cliffs")).to_be_visible()
    dialog.get_by_role("button", name="BibTeX").click()
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("@misc{jwst-1111,\n  author = {Pontoppidan, Klaus}")
    dialog.get_by_role("button", name="LaTeX").click()
    expect(dialog.get_by_role("group", name="LaTeX script")).to_contain_text(r"\facility{JWST (NIRCam)}")
    screenshot()


def test_the_news_lead_to_the_observations(page, screenshot):
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("n")
    expect(page).to_have_title("New · Deepfield")
    came = page.get_by_role("region", name=re.compile("^New "))
    expect(came.get_by_role("link", name="3 observations")).to_be_visible()
    expect(came.get_by_role("row", name=re.compile("2222"))).to_contain_text("2199-01-01")
    expect(page.get_by_text("Nothing changed in 7 days")).to_be_visible()
    screenshot()
    page.get_by_role("button", name="30 days").click()
    expect(page).to_have_url(re.compile(r"/new\?days=30$"))
    expect(page.get_by_text("Nothing changed in 30 days")).to_be_visible()
    came.get_by_role("row", name=re.compile("1111")).get_by_role("link", name="2", exact=True).click()
    expect(page.get_by_role("grid", name="Observations")).to_have_attribute("aria-rowcount", "3")


def test_a_search_is_saved_run_again_and_tells_what_is_new(page, own, context, address, screenshot):
    archive, _address, folder = own
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
    page.goto("/saved")
    expect(page.get_by_role("heading", name=re.compile("belong to an account"))).to_be_visible()
    page.goto("/login")
    sign_in(page)
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="Nothing is saved yet")).to_be_visible()

    page.goto("/?instrument_name=NIRCAM")
    page.get_by_role("button", name="Save", exact=True).click()
    dialog = page.get_by_role("dialog", name="Save this search")
    dialog.get_by_label("Name").fill("Cliffs / NIRCam")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_role("link", name="Saved searches and lists").click()
    row = page.get_by_role("listitem").filter(has_text="Cliffs / NIRCam")
    expect(row).to_contain_text("nothing new")

    for suffix in ("uncal", "cal"):
        write_exposure(folder / "products" / f"{LATE}_{suffix}.fits", number=1)
    archive.intake.ingest([folder / "products"])
    archive.replica.catch_up()
    page.reload()
    expect(row.get_by_role("link", name="1 new")).to_be_visible()
    screenshot()
    row.get_by_role("link", name="1 new").click()
    grid = page.get_by_role("grid", name="Observations")
    expect(grid).to_have_attribute("aria-rowcount", "2")
    page.goto("/saved")
    expect(row).to_contain_text("nothing new")

    row.get_by_role("button", name="Rename").click()
    page.get_by_label("New name of Cliffs / NIRCam").fill("Cliffs")
    page.keyboard.press("Enter")
    row = page.get_by_role("listitem").filter(has_text="Cliffs")
    row.get_by_role("button", name="Share").click()
    expect(page.get_by_text("Link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{address}/?instrument_name=NIRCAM"
    row.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("“Cliffs” is deleted.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    row.get_by_role("link", name="Cliffs").click()
    expect(grid).to_have_attribute("aria-rowcount", "4")


def test_a_basket_is_saved_as_a_list_and_taken_up_again(page, screenshot):
    page.goto("/login")
    sign_in(page)
    page.goto(f"/obs/{PUBLIC}")
    page.get_by_role("button", name="Add to basket").click()
    page.goto("/basket")
    page.get_by_role("button", name="Save as list").click()
    page.get_by_role("dialog", name="Save this list").get_by_label("Name").fill("One of them")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“One of them” is kept.")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Empty").click()
    expect(page.get_by_role("heading", name="The basket is empty")).to_be_visible()
    page.goto("/saved")
    page.get_by_role("button", name="Add One of them to the basket").click()
    expect(page.get_by_role("link", name="Basket 1")).to_be_visible()
    screenshot()
