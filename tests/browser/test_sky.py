"""The sky of Explore: turned, read in other frames, drawn upon."""

import math
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from support.sky import drawn, middle, sky_of


@pytest.fixture
def page(page: Page) -> Page:
    page.add_init_script("localStorage.setItem('deepfield.test', '1')")
    return page


def asked(page: Page, name: str) -> str:
    return parse_qs(urlsplit(page.url).query)[name][0]


def test_the_sky_turns_and_its_link_keeps_the_turn(page: Page, screenshot) -> None:
    page.goto("/?instrument_name=MIRI&sky=93.6,0,150")
    before = drawn(page)
    sky = sky_of(page)
    sky.focus()
    page.keyboard.press("[")
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile(r"sky=[^&]*,auto,-30(&|$)"))
    after = drawn(page, until="sky.view.roll === -30")
    x, y = middle(page)
    assert before.keys() & after.keys()
    for number, (px, py) in before.items():
        if number in after:
            angle = math.radians(-30)
            turned = (x + (px - x) * math.cos(angle) - (py - y) * math.sin(angle),
                      y + (px - x) * math.sin(angle) + (py - y) * math.cos(angle))  # fmt: skip
            assert math.dist(turned, after[number]) < 0.5
    screenshot()

    page.reload()
    assert drawn(page, until="sky.view.roll === -30 && sky.drawn.length > 0") == after
    page.get_by_role("button", name="North up").click()
    assert drawn(page, until="sky.view.roll === 0")
    expect(page.get_by_role("button", name="North up")).to_be_hidden()


def test_positions_are_read_in_galactic_and_ecliptic_coordinates(page: Page, screenshot) -> None:
    page.goto("/?position=266.40499+-28.93617&radius=5d&sky=266.40499,-28.93617,8")
    sky_of(page).hover()
    status = page.get_by_role("contentinfo")
    expect(status).to_contain_text(re.compile(r"RA 17:45:\d\d"))
    page.get_by_role("combobox", name="Frame").select_option("GALACTIC")
    expect(page).to_have_url(re.compile("frame=galactic"))
    sky_of(page).hover()
    expect(status).to_contain_text(re.compile(r"l (359\.9|0\.0)\d+ b [+−]0\.0"))
    screenshot("galactic")
    status.get_by_role("button", name="Galactic").click()
    expect(page).to_have_url(re.compile("frame=ecliptic"))
    page.goto("/?frame=galactic")
    drawn(page)
    screenshot("all-sky")


def lasso(page: Page) -> None:
    """Draw around what lies in the left half of the sky."""
    page.get_by_role("button", name="Lasso", exact=True).click()
    box = sky_of(page).bounding_box()
    corners = [(0.05, 0.2), (0.5, 0.15), (0.48, 0.9), (0.06, 0.85)]
    for i, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=6)
        if i == 0:
            page.mouse.down()
    page.mouse.up()


def test_a_lasso_selects_what_it_is_drawn_around_or_searches_there(page: Page, screenshot) -> None:
    page.goto("/?instrument_name=MIRI&sky=120,0,140")
    drawn(page)
    lasso(page)
    choice = page.get_by_role("group", name="Lasso")
    expect(choice.get_by_role("button", name="Search inside")).to_be_focused()
    screenshot()
    selects = choice.get_by_role("button", name=re.compile(r"^Select \d+"))
    number = int(selects.inner_text().split()[1])
    assert number > 0
    selects.click()
    expect(page.get_by_text(f"{number} selected")).to_be_visible()

    lasso(page)
    page.keyboard.press("Escape")
    expect(choice).to_be_hidden()
    lasso(page)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("position=polygon"))
    shown = page.get_by_label("Filters").locator("strong").first
    region = asked(page, "position")
    wanted = {"position": region, "instrument_name": "MIRI"}
    answers = [page.request.post("/api/v1/observations", data=wanted | {"match": match}).json()["total"]
               for match in ("footprint", "center")]  # fmt: skip
    expect(shown).to_have_text(f"{answers[0]:,}")
    assert answers[1] == number
