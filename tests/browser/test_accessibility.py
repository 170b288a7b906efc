"""Every page for everybody: no fault that axe-core finds in either theme, and all of it by keys alone."""

import json
import re
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from support.accessibility import faults

QUERY = "SELECT TOP 50 obs_id, target_name, t_exptime, s_ra, s_dec, s_region FROM ivoa.ObsCore"


@pytest.fixture(scope="module")
def image(address: str) -> dict[str, str]:
    """The name and main product of a public, combined image."""
    wanted = "dataproduct_type=image&calib_level=3&access=public&limit=1&columns=obs_id,target_name,main_product"
    with urlopen(f"{address}/api/v1/observations?{wanted}") as answer:
        return {name: values[0] for name, values in json.load(answer)["data"].items()}


def settled(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.get_by_role("main")).not_to_be_empty()
    page.wait_for_load_state("networkidle")


PAGES = {
    "explore": "/",
    "thumbnails": "/?show=thumbnails",
    "timeline": "/?show=timeline",
    "plot": "/?show=plot",
    "focused": "/?focus={obs_id}",
    "nothing found": "/?t_exptime=1e9..",
    "observation": "/obs/{obs_id}",
    "files": "/obs/{obs_id}/files",
    "header": "/obs/{obs_id}/header",
    "adql": "/adql",
    "answer": f"/adql?query={QUERY}",
    "answer plotted": f"/adql?tab=plot&query={QUERY}",
    "answer on the sky": f"/adql?tab=sky&query={QUERY}",
    "fault": "/adql?query=SELECT obs_ix FROM ivoa.ObsCore",
    "jobs": "/adql?tab=jobs",
    "target list": "/targets",
    "no such list": "/targets/none",
    "guide": "/help",
    "basket": "/basket?observation={obs_id}",
    "empty basket": "/basket",
    "new": "/new?days=30",
    "saved": "/saved",
    "sign in": "/login",
    "account": "/account",
    "no such page": "/nowhere",
}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_page_has_a_fault_of_level_a_or_aa(page: Page, theme: str, image, screenshot) -> None:
    page.add_init_script(f"localStorage.setItem('deepfield.theme', '{theme}')")
    found = {}
    for name, path in PAGES.items():
        settled(page, path.format(**image))
        if wrong := faults(page):
            found[name] = wrong
        screenshot(name.replace(" ", "-"))
    assert not found, json.dumps(found, indent=1)


def test_an_image_is_found_opened_and_taken_home_without_a_mouse(page: Page, image) -> None:
    def go_to(name: str | re.Pattern[str], role: str = "button") -> None:
        """Press Tab until the element has the focus, as somebody without a mouse does."""
        wanted = page.get_by_role(role, name=name).first
        for _ in range(400):
            if wanted.count() and wanted.evaluate("element => element === document.activeElement"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"Tab never reaches {role} {name!r}")

    page.goto("/")
    expect(page.get_by_role("grid", name="Observations").get_by_role("row").nth(1)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(image["obs_id"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("grid", name="Observations")).to_have_attribute("aria-rowcount", "2")
    go_to("Observations", "grid")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    expect(page.get_by_role("row", selected=True)).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=image["obs_id"], level=1)).to_be_visible()
    go_to(re.compile(r"^Files \d+"), "link")
    page.keyboard.press("Enter")
    row = page.get_by_role("row").filter(has_text=image["main_product"])
    expect(row).to_be_visible()
    for _ in range(400):
        if row.get_by_role("button", name=re.compile("Download")).evaluate("e => e === document.activeElement"):
            break
        page.keyboard.press("Tab")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == image["main_product"]
    expect(row.get_by_text(re.compile("verified", re.IGNORECASE))).to_be_visible()


def test_the_editor_is_no_trap_for_the_keyboard(page: Page) -> None:
    page.goto("/adql")
    editor = page.get_by_role("textbox", name="ADQL query")
    expect(editor).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(editor).not_to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(editor).to_be_focused()
