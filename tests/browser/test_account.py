"""Signing in, making a token, letting a co-investigator in: as people do it."""

import httpx
import pytest
from playwright.sync_api import expect

from deepfield.access.principal import STAFF
from deepfield.web.app import create_app
from support.archive import EXCLUSIVE_FILE, build_archive, write_products
from support.people import PASSWORD
from support.serving import served


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A server over a handful of files, with a PI and somebody else."""
    folder = tmp_path_factory.mktemp("account")
    write_products(folder / "products")
    with build_archive(folder / "home", folder / "products") as archive:
        archive.accounts.add("vera", password=PASSWORD, display_name="Vera Rubin", email="vera@example.org")
        archive.accounts.add("kent", display_name="Kent Ford")
        archive.accounts.grant("2222", "vera", "pi", by=STAFF)
        archive.accounts.make_token("vera", "old notebook", days=30)
        with served(create_app(archive)) as client:
            yield str(client.base_url).rstrip("/")


def test_a_pi_signs_in_makes_a_token_and_adds_a_co_investigator(page, address, screenshot):
    page.goto("/token?suggested_name=Astroquery&suggested_scope=mast:exclusive_access")
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_label("Name").fill("vera")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("name or password is wrong")
    screenshot("refused")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Vera Rubin")).to_be_visible()

    page.get_by_label("Name of an account").fill("kent")
    page.get_by_role("button", name="Add a co-investigator").click()
    expect(page.get_by_text("Kent Ford")).to_be_visible()

    page.goto("/token?suggested_name=Astroquery&suggested_scope=mast:exclusive_access")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Astroquery")
    page.get_by_role("button", name="Make a token").click()
    secret = page.get_by_role("status").locator("code").inner_text()
    screenshot("token")
    with httpx.Client(base_url=address, trust_env=False) as program:
        given = {"Authorization": f"token {secret}"}
        assert program.get(f"/products/{EXCLUSIVE_FILE}", headers=given).status_code == 200
        page.reload()
        expect(page.get_by_role("cell", name="Astroquery", exact=True)).to_be_visible()
        assert secret not in page.content()
        page.get_by_role("button", name="Revoke Astroquery").click()
        expect(page.get_by_role("button", name="Revoke Astroquery")).to_have_count(0)
        assert program.get(f"/products/{EXCLUSIVE_FILE}", headers=given).status_code == 403

    page.get_by_role("button", name="Remove kent from programme 2222").click()
    expect(page.get_by_text("Kent Ford")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
