"""The guide's worked example, followed step by step to a file."""

import re

from playwright.sync_api import Page, expect


def test_the_worked_example_leads_from_the_question_to_the_file(page: Page, tmp_path, screenshot) -> None:
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page).to_have_title("Guide · Deepfield")
    question = page.get_by_text(re.compile("^Which is the deepest public image of"))
    target = re.search(r"image of (.*), and how", question.inner_text())[1]
    screenshot("guide")

    page.keyboard.press("/")  # step 1, as it is written there
    page.keyboard.type(page.get_by_role("listitem").locator("code").first.inner_text())
    page.keyboard.press("Enter")
    grid = page.get_by_role("grid", name="Observations")
    expect(grid.get_by_role("gridcell", name=target, exact=True).first).to_be_visible()
    filters = page.get_by_label("Filters")
    for name in (r"^Level 3 ", r"^image ", r"^Public "):
        filters.get_by_role("checkbox", name=re.compile(name, re.IGNORECASE)).check()
    page.go_back()
    page.go_back()
    page.go_back()
    page.go_back()
    narrowed = page.get_by_role("link", name=re.compile(r"^\d[\d,]* combined images?$"))
    promised = int(narrowed.inner_text().split()[0].replace(",", ""))
    narrowed.click()
    expect(grid).to_have_attribute("aria-rowcount", str(promised + 1))
    page.go_back()
    page.get_by_role("link", name="the deepest comes first").click()
    expect(grid.get_by_role("columnheader", name=re.compile("^Exp"))).to_have_attribute("aria-sort", "descending")

    page.keyboard.press("j")
    inspector = page.get_by_label("Inspector")
    expect(inspector.get_by_role("heading").first).to_be_visible()
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile(r"^Files \d+")).click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=re.compile("Download")).first.click()
    waiting.value.save_as(tmp_path / "taken")
    expect(page.get_by_text(re.compile("verified", re.IGNORECASE)).first).to_be_visible()


def test_every_link_of_the_contents_leads_to_its_section(page: Page) -> None:
    page.goto("/help")
    for link in page.get_by_role("navigation", name="Contents").get_by_role("link").all():
        link.click()
        section = page.locator(link.get_attribute("href"))
        expect(section).to_be_in_viewport()
        expect(section).to_have_text(link.inner_text())
    expect(page.get_by_role("cell", name="t_exptime", exact=True)).to_be_attached()
