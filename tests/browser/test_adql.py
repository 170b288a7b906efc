"""The ADQL page: a query is written, run, looked at, kept as a job and taken home, also from a script."""

import csv
import io
import re
import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from support.archive import EXPOSURES, write_products
from support.vo import running_service

MANY = "SELECT o.obs_id, c.column_name FROM ivoa.ObsCore AS o, TAP_SCHEMA.columns AS c"
"""More rows than the page shows by its smallest limit."""
POSITIONS = "SELECT obs_id, t_exptime, s_ra, s_dec, s_region FROM ivoa.ObsCore ORDER BY obs_id"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A server with a worker, over a handful of files."""
    folder = tmp_path_factory.mktemp("adql")
    write_products(folder / "products")
    with running_service(folder / "home", folder / "products") as service:
        yield service


@pytest.fixture(scope="module")
def address(service):
    return str(service.client.base_url).rstrip("/")


@pytest.fixture(scope="module")
def rows(service):
    """What any client gets for the query of positions."""
    asked = {"LANG": "ADQL", "RESPONSEFORMAT": "csv", "QUERY": POSITIONS}
    answer = service.client.post("/tap/sync", data=asked, timeout=60)
    return list(csv.DictReader(io.StringIO(answer.text)))


def write(page: Page, query: str) -> None:
    editor = page.get_by_role("textbox", name="ADQL query")
    editor.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(query)


def run(page: Page, query: str) -> None:
    write(page, query)
    page.keyboard.press("Control+Enter")


def grid(page: Page):
    return page.get_by_role("grid", name="Rows of the answer")


def column(page: Page, index: int) -> list[str]:
    """The cells of a column in the order on the screen, counted from 0."""
    return [row.get_by_role("gridcell").nth(index + 1).inner_text() for row in grid(page).get_by_role("row").all()[1:]]


def test_names_complete_a_click_inserts_and_the_answer_is_taken_home(page: Page, rows, tmp_path, screenshot) -> None:
    page.goto("/adql")
    editor = page.get_by_role("textbox", name="ADQL query")
    expect(page.get_by_role("button", name="ivoa.ObsCore", exact=True)).to_be_visible()
    editor.click()
    page.keyboard.type("SELECT FROM ivoa.Obs")
    expect(page.get_by_role("option", name="ivoa.ObsCore")).to_be_visible()
    screenshot("completion")
    page.keyboard.press("Escape")
    write(page, "SELECT")
    page.get_by_label("Find a column").fill("exposure time")
    tables = page.get_by_label("Tables and columns")
    tables.get_by_role("button", name="t_exptime s", exact=True).first.click()
    page.get_by_label("Find a column").fill("")
    tables.get_by_role("button", name="obs_id char(*)", exact=True).first.click()
    expect(editor).to_have_text("SELECT t_exptime, obs_id")
    page.keyboard.type(" FROM ivoa.ObsCore ORDER BY obs_id")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")

    head = grid(page).get_by_role("columnheader", name=re.compile("t_exptime"))
    expect(head).to_contain_text(re.compile(r"t_exptime\s*s"))
    expect(head).to_have_attribute("title", re.compile("Unit: s\nUCD: time.duration"))
    assert column(page, 1) == [row["obs_id"] for row in rows]
    expect(page.get_by_role("status").filter(has_text=f"{len(rows)} rows in")).to_be_visible()

    page.get_by_text("Download ▾").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="csv", exact=True).click()
    waiting.value.save_as(tmp_path / "taken.csv")
    taken = list(csv.DictReader((tmp_path / "taken.csv").open()))
    assert [row["obs_id"] for row in taken] == [row["obs_id"] for row in rows]
    assert waiting.value.suggested_filename == "deepfield.csv"
    screenshot("answer")


def test_a_fault_is_marked_at_the_place_that_the_server_names(page: Page, screenshot) -> None:
    page.goto("/adql")
    run(page, "SELECT obs_id,\n  obs_ix FROM ivoa.ObsCore")
    expect(page.get_by_role("alert")).to_contain_text("Line 2, column 3")
    expect(page.get_by_role("alert")).to_contain_text("did you mean obs_id?")
    mark = page.locator(".cm-lintRange-error")
    expect(mark).to_have_text("obs_ix")
    screenshot()
    run(page, "SELECT obs_id FROM ivoa.ObsCore")
    expect(mark).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_on_a_phone_tables_and_scripts_stand_below_the_answer(page: Page, screenshot) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/adql")
    run(page, POSITIONS)
    expect(grid(page)).to_be_visible()
    screenshot("adql-phone")
    search = page.get_by_placeholder("Find a column, meaning, unit, UCD")
    expect(search).not_to_be_in_viewport()
    page.get_by_role("button", name="Tables ↓").click()
    expect(search).to_be_in_viewport()
    script = page.get_by_role("complementary", name="Row and script").locator("pre")
    page.get_by_role("textbox", name="ADQL query").focus()
    page.get_by_role("button", name="Row and script ↓").click()
    expect(script).to_be_in_viewport()
    expect(script).to_contain_text("pyvo")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_cut_answer_says_so_and_is_sorted_over_the_rows_shown(page: Page) -> None:
    page.goto("/adql")
    page.get_by_label("at most").select_option("1,000 rows")
    run(page, MANY)
    expect(page.get_by_text("cut here, there are more")).to_be_visible()
    expect(grid(page)).to_have_attribute("aria-rowcount", "1001")
    grid(page).get_by_role("button", name="column_name").click()
    first = column(page, 1)[:20]
    assert first == sorted(first)
    grid(page).get_by_role("button", name="column_name").click()
    assert column(page, 1)[0] > first[-1]


def test_the_address_holds_query_view_and_snapshot(page: Page, rows, screenshot) -> None:
    page.goto("/adql")
    run(page, POSITIONS)
    expect(grid(page)).to_be_visible()
    page.get_by_role("button", name=re.compile(r"^snapshot \d+$")).click()
    page.get_by_role("button", name="Plot", exact=True).click()
    page.get_by_label("Across").select_option("s_ra")
    page.get_by_label("Up").select_option("s_dec")
    link = page.url
    assert "snapshot=" in link

    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_text(re.compile(r"^as of snapshot \d+"))).to_be_visible()
    expect(page.get_by_role("figure", name=f"{len(rows)} rows: s_dec [deg] against s_ra [deg]")).to_be_visible()
    screenshot("plot")
    page.get_by_role("button", name="Sky", exact=True).click()
    expect(page.get_by_role("application", name=re.compile(r"^Rows of the answer: \d+ footprints"))).to_be_visible()
    screenshot("sky")
    page.get_by_role("button", name="Table", exact=True).click()
    grid(page).focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Row in full")).to_contain_text(rows[0]["s_region"][:30])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/obs/{rows[0]['obs_id']}"))
    page.go_back()
    expect(grid(page)).to_be_visible()


def test_a_job_runs_is_shown_again_by_its_link_and_is_deleted(page: Page, rows, screenshot) -> None:
    page.goto("/adql")
    write(page, POSITIONS)
    page.get_by_role("button", name="Run as a job").click()
    jobs = page.get_by_role("table")
    done = jobs.get_by_role("row").filter(has_text="completed")
    expect(done).to_have_count(1, timeout=20_000)
    screenshot("jobs")
    done.get_by_role("button", name="Show").click()
    expect(page.get_by_role("status").filter(has_text=f"{len(rows)} rows of the job")).to_be_visible()
    assert column(page, 0) == [row["obs_id"] for row in rows]
    link = page.url

    page.goto("about:blank")
    page.goto(link)
    expect(grid(page)).to_have_attribute("aria-rowcount", str(len(rows) + 1))
    page.get_by_role("button", name="Jobs", exact=True).click()
    jobs.get_by_role("button", name=re.compile("^Delete")).click()
    expect(page.get_by_text("No jobs yet")).to_be_visible()
    assert "job=" not in page.url


def test_a_job_that_takes_long_is_aborted(page: Page) -> None:
    page.goto("/adql")
    write(
        page,
        "SELECT COUNT(*) AS n FROM TAP_SCHEMA.columns a, TAP_SCHEMA.columns b, TAP_SCHEMA.columns c, "
        "TAP_SCHEMA.columns d WHERE a.column_name || b.column_name LIKE c.column_name || d.column_name",
    )
    page.get_by_role("button", name="Run as a job").click()
    page.get_by_role("table").get_by_role("button", name="Abort").click()
    expect(page.get_by_role("table").get_by_text("aborted")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name=re.compile("^Delete the job")).click()


def test_states_say_what_happened_and_what_next(page: Page, context) -> None:
    page.goto("/adql")
    run(page, "SELECT obs_id FROM ivoa.ObsCore WHERE t_exptime < 0")
    expect(page.get_by_role("heading", name="No row answers this query")).to_be_visible()
    run(page, "SELECT COUNT(*) AS n FROM ivoa.ObsCore")
    page.get_by_role("button", name="Sky", exact=True).click()
    expect(page.get_by_role("heading", name="Not on the sky")).to_be_visible()
    context.set_offline(True)
    run(page, "SELECT 2 AS n FROM ivoa.ObsCore")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    context.set_offline(False)
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("language", ["pyvo", "astroquery", "curl", "STILTS"])
def test_the_script_gives_the_rows_of_the_page(page: Page, language, rows) -> None:
    page.goto("/adql")
    run(page, "SELECT obs_id, target_name\nFROM ivoa.ObsCore\nWHERE target_name = 'NGC 3324' ORDER BY obs_id")
    expect(grid(page)).to_be_visible()
    page.get_by_role("button", name=language, exact=True).click()
    text = page.get_by_label(f"{language} script").inner_text()

    printed = executed(language, text)

    ours = [root for root, (_, _, _, _, target, *_) in EXPOSURES.items() if target == "NGC 3324"]
    assert {obs_id for obs_id in ours if obs_id in printed} == set(ours)
    assert "jw02222" not in printed


@pytest.mark.parametrize("language", ["Python", "curl", "pyvo", "astroquery", "curl TAP", "STILTS"])
def test_the_script_of_explore_gives_the_observations_of_the_page(page: Page, language) -> None:
    page.goto("/?position=159.30+-58.62&radius=20'&instrument_name=NIRCAM&filters=F200W&columns=obs_id,t_min")
    results = page.get_by_role("grid", name="Observations")
    expect(results).to_have_attribute("aria-rowcount", "3")
    page.get_by_role("button", name=language, exact=True).click()
    text = page.get_by_label(f"{language} script").inner_text()

    printed = executed(language, text)

    ours = [root for root, (_, _, bandpass, *_) in EXPOSURES.items() if bandpass == "F200W"]
    others = set(EXPOSURES) - set(ours)
    if language == "Python":
        assert printed.strip() == f"{len(ours)} observations"
    else:
        assert {obs_id for obs_id in ours if obs_id in printed} == set(ours)
        assert not {obs_id for obs_id in others if obs_id in printed}


def test_a_search_goes_on_in_adql(page: Page, screenshot) -> None:
    page.goto("/?position=159.30+-58.62&radius=20'&instrument_name=NIRCAM&filters=F200W")
    expect(page.get_by_role("grid", name="Observations")).to_have_attribute("aria-rowcount", "3")
    page.get_by_role("link", name="Open in ADQL").click()
    expect(grid(page)).to_have_attribute("aria-rowcount", "3")
    screenshot()
    page.goto("/?text=cliffs")
    expect(page.get_by_text("ADQL has no words for text")).to_be_visible()
    expect(page.get_by_role("link", name="Open in ADQL")).to_have_count(0)


def executed(language: str, text: str) -> str:
    """Run a script as its reader would; return what it prints."""
    if language == "STILTS" and shutil.which("stilts") is None:
        pytest.skip("SKIPPED FOR WANT OF STILTS: run `make setup`")
    command = [sys.executable, "-c", text] if language in {"pyvo", "astroquery", "Python"} else ["sh", "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
