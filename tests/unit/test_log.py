"""The log is one line an event, for people or for programs, and holds no local variables."""

import json
import logging

import pytest
import structlog

from deepfield import log


@pytest.fixture(autouse=True)
def as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def fail_with(password):
    raise ValueError("no entry")


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_failure_is_logged_without_the_values_at_hand(capsys, form):
    log.set_up(form=form, level="info")
    password = "TULIP".lower()
    try:
        fail_with(password)
    except ValueError:
        structlog.get_logger().exception("failed", task="door")
    written = capsys.readouterr().err
    assert "no entry" in written
    assert "fail_with" in written
    assert "tulip" not in written


def test_every_line_of_the_json_form_is_an_object(capsys):
    log.set_up(form="json", level="info")
    structlog.get_logger().info("request", path="/x\ny")
    structlog.get_logger().debug("unheard")
    logging.getLogger("library").warning("trouble %s", 1)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["request", "trouble 1"]
    assert {line["level"] for line in lines} == {"info", "warning"}
