"""The main journey: find an observation, narrow, see it on the sky, open it, take it home."""

import hashlib
import json
import re
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def public(address: str) -> dict[str, str]:
    """A combined NIRCam image whose data are public, as the interface knows it."""
    return first(address, "instrument_name=NIRCAM&calib_level=3&access=public&dataproduct_type=image")


@pytest.fixture(scope="module")
def exclusive(address: str) -> dict[str, str]:
    return first(address, "access=exclusive&calib_level=3")


def first(address: str, query: str) -> dict[str, str]:
    columns = "obs_id,target_name,filters,main_product,data_release"
    with urlopen(f"{address}/api/v1/observations?{query}&limit=1&columns={columns}") as answer:
        found = json.load(answer)["data"]
    return {name: values[0] for name, values in found.items()}


def search(page: Page, text: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def total(page: Page) -> int:
    """How many observations the page counts, once it shows the answer to what it last asked."""
    number = page.get_by_label("Filters").locator("strong").first
    expect(number).not_to_have_class(re.compile("pending"))
    return int(number.inner_text().replace(",", ""))


def test_explore_opens_with_the_newest_observations_and_their_footprints(page: Page, screenshot) -> None:
    page.goto("/")
    rows = page.get_by_role("grid", name="Observations").get_by_role("row")
    expect(rows.nth(5)).to_be_visible()
    starts = [row.get_by_role("gridcell").nth(8).inner_text() for row in rows.all()[1:6]]
    assert starts == sorted(starts, reverse=True)
    expect(
        page.get_by_role("application", name=re.compile(r"Footprints of the results: \d+ footprints"))
    ).to_be_visible()
    screenshot()


def test_an_observation_is_found_by_name_narrowed_opened_and_taken_home(
    page: Page, public: dict[str, str], tmp_path: Path, screenshot
) -> None:
    page.goto("/")
    search(page, public["target_name"])
    grid = page.get_by_role("grid", name="Observations")
    expect(grid.get_by_role("gridcell", name=public["target_name"], exact=True).first).to_be_visible()
    found = total(page)

    page.get_by_role("checkbox", name=re.compile(r"^Level 3 ")).check()
    expect(page.get_by_label("Filters").locator("strong").first).not_to_have_text(str(found))
    assert 0 < total(page) < found

    grid.get_by_role("gridcell", name=public["obs_id"]).click()
    expect(page.get_by_role("heading", name=public["obs_id"])).to_be_visible()
    screenshot("found")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(f"/obs/{public['obs_id']}")))
    expect(page.get_by_role("heading", name=public["obs_id"], level=1)).to_be_visible()
    expect(page.get_by_role("application", name=re.compile("Preview of"))).to_be_visible()
    screenshot("opened")

    page.get_by_role("link", name=re.compile(r"^Files \d+")).click()
    row = page.get_by_role("row").filter(has_text=public["main_product"])
    with page.expect_download() as waiting:
        row.get_by_role("button", name=re.compile("Download")).click()
    taken = tmp_path / "taken.fits"
    waiting.value.save_as(taken)
    expect(row.get_by_text(re.compile("verified", re.IGNORECASE))).to_be_visible()
    assert hashlib.sha256(taken.read_bytes()).hexdigest() == checksum(page, public)
    screenshot("files")


def checksum(page: Page, observation: dict[str, str]) -> str:
    answer = page.request.get(f"/api/v1/observations/{observation['obs_id']}/products?all=1").json()
    (sha256,) = [one["sha256"] for one in answer["products"] if one["filename"] == observation["main_product"]]
    return sha256


def test_an_exclusive_observation_is_refused_kindly_with_its_release_date(
    page: Page, exclusive: dict[str, str], screenshot
) -> None:
    assert page.request.get(f"/products/{exclusive['main_product']}").status == 403
    assert page.request.get(f"/previews/{exclusive['main_product']}").status == 403

    page.goto(f"/obs/{exclusive['obs_id']}")

    day = exclusive["data_release"][:10]
    expect(
        page.get_by_role("main").get_by_text(re.compile(f"exclusive access.*{day}", re.IGNORECASE)).first
    ).to_be_visible()
    screenshot()


def test_the_address_holds_the_view(page: Page, public: dict[str, str]) -> None:
    page.goto("/")
    search(page, public["target_name"])
    page.get_by_role("checkbox", name=re.compile(r"^Level 3 ")).check()
    page.get_by_role("grid", name="Observations").get_by_role("gridcell", name=public["obs_id"]).click()
    expect(page.get_by_role("heading", name=public["obs_id"])).to_be_visible()
    found, link = total(page), page.url

    page.goto("about:blank")
    page.goto(link)

    expect(page.get_by_role("heading", name=public["obs_id"])).to_be_visible()
    assert total(page) == found
    page.go_back()
    page.go_forward()
    expect(page.get_by_role("heading", name=public["obs_id"])).to_be_visible()


def test_any_column_can_be_a_filter_and_the_choice_is_part_of_the_address(page: Page, screenshot) -> None:
    page.goto("/")
    page.get_by_role("button", name=re.compile(r"^Choose filters")).click()
    choice = page.get_by_role("dialog", name="Filters")
    choice.get_by_role("searchbox").fill("field of view")
    choice.get_by_role("checkbox", name=re.compile("Field of view")).check()
    choice.get_by_role("button", name="Close").click()
    expect(page).to_have_url(re.compile(r"facets=[^&]*s_fov"))

    facet = page.get_by_role("group", name="Field of view (deg)")
    facet.scroll_into_view_if_needed()
    everything = total(page)
    upper = facet.get_by_role("slider", name=re.compile("upper end"))
    upper.focus()
    for _ in range(3):
        upper.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"s_fov=\.\."))
    narrowed = total(page)
    assert 0 < narrowed < everything
    limit = re.search(r"s_fov=\.\.([^&]+)", page.url).group(1)
    answer = page.request.get(f"/api/v1/observations?s_fov=..{limit}&limit=1").json()
    assert narrowed == answer["total"]
    screenshot()


def test_a_value_is_found_inside_a_filter_and_left_out(page: Page) -> None:
    page.goto("/")
    everything = total(page)
    facet = page.get_by_role("group", name="Filter", exact=True)
    facet.get_by_role("button", name=re.compile("more$")).click()
    facet.get_by_role("searchbox", name="Find in Filter").fill("f444w")
    expect(facet.get_by_role("checkbox").first).to_have_accessible_name(re.compile("F444W"))
    facet.get_by_role("button", name="All with it").click()
    expect(page).to_have_url(re.compile(r"filters=\*F444W\*", re.IGNORECASE))
    with_it = total(page)
    assert 0 < with_it < everything
    page.go_back()

    page.get_by_role("button", name="Leave out NIRCam").click()
    expect(page).to_have_url(re.compile("instrument_name=!NIRCAM"))
    without = total(page)
    answer = page.request.get("/api/v1/observations?instrument_name=!NIRCAM&limit=1").json()
    assert without == answer["total"] < everything


def test_results_show_as_thumbnails_with_the_same_focus_and_selection(
    page: Page, public: dict[str, str], screenshot
) -> None:
    page.goto(f"/?calib_level=3&focus={public['obs_id']}")
    page.get_by_role("button", name="Thumbnails").click()
    album = page.get_by_role("listbox", name="Observations")
    tile = album.get_by_role("option", name=re.compile(f"^{re.escape(public['obs_id'])},"))
    expect(tile).to_be_visible()
    expect(page).to_have_url(re.compile("show=thumbnails"))
    assert tile.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 50
    assert album.get_by_role("option", name=re.compile("exclusive access$")).first.locator("img").count() == 0

    album.press("Space")
    expect(page.get_by_text(re.compile("^1 selected"))).to_be_visible()
    album.press("Home")
    expect(page.get_by_role("heading", name=public["obs_id"])).to_be_hidden()
    screenshot()
    album.press("Enter")
    expect(page).to_have_url(re.compile("/obs/"))


def test_a_box_drawn_on_a_plot_filters_and_the_pointer_links_plot_and_inspector(page: Page, screenshot) -> None:
    page.goto("/")
    page.get_by_role("button", name="Plot").click()
    figure = page.get_by_role("figure", name=re.compile("observations: Exposure time against Observed"))
    expect(figure).to_be_visible()
    everything = total(page)
    screenshot("all")
    frame = figure.bounding_box()
    page.mouse.move(frame["x"] + frame["width"] * 0.5, frame["y"] + 12)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] - 5, frame["y"] + frame["height"] * 0.85, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"t_min=[^&]+\.\."))
    narrowed = total(page)
    assert 0 < narrowed < everything
    expect(page.get_by_role("figure", name=re.compile(f"^{narrowed} observations"))).to_be_visible()

    page.get_by_role("combobox", name="Up").select_option("instrument_name")
    expect(page).to_have_url(re.compile("plot=t_min,instrument_name"))
    expect(page.get_by_role("figure", name=re.compile("Instrument against"))).to_be_visible()
    page.get_by_role("combobox", name="Up").select_option("count")
    expect(page.get_by_role("figure")).to_be_hidden()
    assert page.get_by_role("group", name="Observed").count() == 2
    screenshot("counted")


def test_a_timeline_has_a_lane_for_each_value(page: Page, screenshot) -> None:
    page.goto("/?show=timeline")
    page.get_by_role("combobox", name="Lanes").select_option("proposal_id")
    expect(page.get_by_role("figure", name=re.compile("Programme against Observed"))).to_be_visible()
    screenshot()


def test_nothing_found_says_what_to_do_next(page: Page, screenshot) -> None:
    page.goto("/?target_name=NO-SUCH-TARGET")
    expect(page.get_by_text(re.compile("no match|nothing|no observation", re.IGNORECASE)).first).to_be_visible()
    screenshot()


def test_the_light_theme_is_one_key_away(page: Page, screenshot) -> None:
    page.goto("/")
    page.get_by_role("button", name="Light theme").click()
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    screenshot()


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_explore_fits_every_width(page: Page, width: int, screenshot) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/")
    expect(page.get_by_role("grid", name="Observations").get_by_role("row").nth(1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    screenshot()
