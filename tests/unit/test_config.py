"""Settings come from the environment, else deepfield.toml, else their defaults, and say which."""

import pytest

from deepfield.cli.environment import load_settings
from deepfield.config import explain, unknown_variables, without_password
from deepfield.model.errors import ConfigurationError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("DEEPFIELD_HOME", "DEEPFIELD_PORT", "DEEPFIELD_HOST"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(empty_folder, monkeypatch):
    (empty_folder / "deepfield.toml").write_text('port = 9000\nhost = "::1"\n')
    monkeypatch.setenv("DEEPFIELD_PORT", "9001")
    explained = {line.name: (line.value, line.source) for line in explain(load_settings())}
    assert explained["port"] == (9001, "DEEPFIELD_PORT")
    assert explained["host"] == ("::1", "deepfield.toml")
    assert explained["log_level"] == ("info", "default")


def test_everything_of_the_embedded_default_lies_in_home(empty_folder):
    settings = load_settings()
    home = empty_folder / "deepfield-data"
    assert settings.catalogue_url == f"sqlite:///{home}/catalogue.sqlite"
    assert {settings.replica_path.parent, settings.previews_path.parent} == {home}
    assert settings.store_address == str(home / "store")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("DEEPFIELD_PORT", "70000", "65535"), ("DEEPFIELD_LOG_FORMAT", "xml", "json"), ("DEEPFIELD_WORKERS", "0", "1")],
)
def test_a_value_that_cannot_be_right_is_named_with_what_would_be(monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refusal:
        load_settings()
    assert all(part in str(refusal.value) for part in (name, value, words))


@pytest.mark.parametrize("text", ["prot = 9000\n", "port = \n"])
def test_a_file_with_an_unknown_setting_or_bad_syntax_is_refused(empty_folder, text):
    (empty_folder / "deepfield.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"prot|deepfield\.toml"):
        load_settings()


def test_a_misspelt_variable_is_found_with_the_closest(monkeypatch):
    monkeypatch.setenv("DEEPFIELD_PROT", "1")
    assert ("DEEPFIELD_PROT", "DEEPFIELD_PORT") in unknown_variables()


def test_passwords_are_not_shown():
    assert without_password("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    assert without_password("postgresql://host/db") == "postgresql://host/db"
