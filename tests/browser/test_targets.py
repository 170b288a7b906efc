"""A list of targets: pasted, mended, searched, seen on the sky and in the table, and the same from a script."""

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def targets(address: str) -> list[str]:
    """Names of targets of the archive that are each one place."""
    with urlopen(f"{address}/api/v1/observations?moving_target=!true&limit=1000&columns=target_name") as answer:
        names = json.load(answer)["data"]["target_name"]
    found = []
    for name in dict.fromkeys(filter(None, names)):
        if name.isascii() and " " not in name and len(found) < 3:
            found.append(name)
    return found


def report(page: Page):
    return page.get_by_role("region", name="Lines of the list")


def test_a_list_is_pasted_mended_searched_and_shown_on_the_sky(page: Page, targets, screenshot) -> None:
    page.goto("/")
    page.get_by_role("banner").get_by_role("link", name="Target list").click()
    page.get_by_label("Names or positions, one a line").fill("\n".join([*targets, "nobody knows", "empty, 10 88.8"]))
    screenshot("pasted")
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_role("heading", name=f"{len(targets)} of {len(targets) + 2} targets match")).to_be_visible()
    expect(page.get_by_text("1 has no data, 1 could not be resolved. Line 4, nobody knows")).to_be_visible()
    screenshot("report")

    first = page.url
    page.get_by_role("button", name="Fix 1 row").click()
    page.get_by_label("Line 4 instead").fill(targets[0])
    page.get_by_role("button", name="Mend").click()
    expect(page.get_by_role("heading", name=f"{len(targets) + 1} of {len(targets) + 2} targets match")).to_be_visible()
    assert page.url != first

    page.get_by_role("button", name=re.compile(r"^Show \d")).click()
    grid = page.get_by_role("grid", name="Observations")
    expect(grid.get_by_role("columnheader", name=re.compile("Of the list"))).to_be_visible()
    expect(grid.get_by_role("gridcell", name=targets[0], exact=True).first).to_be_visible()
    expect(page.get_by_text(f"{len(targets) + 1} of {len(targets) + 2}").or_(page.locator(".token"))).not_to_have_count(
        0
    )
    assert "targets=" in page.url
    screenshot("found")

    page.reload()
    expect(grid.get_by_role("columnheader", name=re.compile("Of the list"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Remove targets")).click()
    expect(grid.get_by_role("columnheader", name=re.compile("Of the list"))).to_have_count(0)


def test_many_lines_pasted_into_the_search_line_are_a_list(page: Page, targets) -> None:
    page.goto("/")
    page.get_by_role("combobox", name="Search").focus()
    page.evaluate(
        """text => { const data = new DataTransfer(); data.setData('text/plain', text)
        document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })) }""",
        "\n".join(targets),
    )
    expect(page.get_by_label("Names or positions, one a line")).to_have_value("\n".join(targets))


def test_a_file_is_a_list_and_its_report_is_taken_home(page: Page, targets, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("name,mag\n" + "\n".join(f"{name},1" for name in targets))
    page.goto("/targets")
    page.get_by_label("Choose a file").set_input_files(file)
    expect(page.get_by_role("heading", name=f"{len(targets)} of {len(targets)} targets match")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert targets[0] in waiting.value.path().read_text()


def test_what_cannot_be_read_is_said(page: Page) -> None:
    page.goto("/targets")
    page.get_by_label("Choose a file").set_input_files(
        {"name": "a.fits", "mimeType": "application/fits", "buffer": b"\x80"}
    )
    expect(page.get_by_role("alert")).to_contain_text("a text in UTF-8")


def test_the_scripts_of_a_list_run_as_they_stand(page: Page, targets, tmp_path: Path) -> None:
    page.goto("/targets")
    page.get_by_label("Names or positions, one a line").fill("\n".join(targets))
    page.get_by_role("button", name="Resolve").click()
    box = page.get_by_role("region", name="Same list from a script")
    expect(box).to_be_visible()
    said = {}
    for language, command in {"deepfield.client": [sys.executable], "pyvo": [sys.executable], "curl": ["bash"]}.items():
        box.get_by_role("button", name=language, exact=True).click()
        script = tmp_path / language
        script.write_text(box.locator("pre").inner_text())
        run = subprocess.run([*command, script], capture_output=True, text=True, timeout=120, check=False)
        assert run.returncode == 0, run.stderr
        said[language] = run.stdout
    assert int(said["deepfield.client"].split()[0]) == len(said["curl"].strip().splitlines()) - 1 > 0
    assert int(said["pyvo"].split()[0]) > 0
