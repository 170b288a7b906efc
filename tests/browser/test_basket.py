"""The basket: by list and by query, narrowed, estimated, taken home, and shared with somebody without a login."""

import io
import re
import zipfile

import pytest
from playwright.sync_api import expect

from deepfield.web.app import create_app
from support.archive import PUBLIC, PUBLIC_FILE, build_archive, write_products
from support.serving import served


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    folder = tmp_path_factory.mktemp("basket") / "products"
    write_products(folder)
    return folder


@pytest.fixture(scope="module")
def address(products):
    with build_archive(products.parent / "home", products) as archive, served(create_app(archive)) as client:
        yield str(client.base_url).rstrip("/")


def test_a_basket_is_narrowed_estimated_taken_home_and_shared(page, chromium, address, products, screenshot):
    page.goto(f"/obs/{PUBLIC}")
    page.get_by_role("button", name="Add to basket").click()
    page.goto("/?instrument_name=MIRI")
    page.get_by_role("button", name="Add all to basket").click()
    page.goto("/basket")
    expect(page.get_by_role("link", name="instrument_name=MIRI")).to_be_visible()
    expect(page.get_by_text("1 left out")).to_be_visible()
    tree = page.get_by_role("region", name="Files")
    expect(tree.get_by_role("status")).to_contain_text("1 files")
    page.get_by_role("button", name="Everything").click()
    expect(tree.get_by_role("status")).to_contain_text("2 files")
    page.get_by_role("checkbox", name="cal", exact=True).check()
    expect(tree.get_by_role("status")).to_contain_text("1 files")
    screenshot()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Zip").click()
    with zipfile.ZipFile(io.BytesIO(waiting.value.path().read_bytes())) as held:
        (name,) = [name for name in held.namelist() if name.endswith(".fits")]
        assert held.read(name) == (products / PUBLIC_FILE).read_bytes()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Script").click()
    assert waiting.value.path().read_text().startswith("#!")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Manifest").click()
    assert "exclusive" in waiting.value.path().read_text()
    expect(page.get_by_label("deepfield get").last).to_contain_text("--suffix 'cal'")
    page.get_by_role("button", name="astroquery").click()
    expect(page.get_by_label("astroquery").last).to_contain_text(f"mast:JWST/product/{PUBLIC_FILE}")

    fresh = chromium.new_context(base_url=address)
    guest = fresh.new_page()
    guest.goto(f"/basket?observation={PUBLIC}&search=instrument_name%3DMIRI")
    expect(guest.get_by_role("heading", name="A shared basket")).to_be_visible()
    expect(guest.get_by_text("1 left out")).to_be_visible()
    guest.get_by_role("button", name="Add to my basket").click()
    expect(guest.get_by_role("link", name=re.compile(r"^Basket 2$"))).to_be_visible()
    fresh.close()
