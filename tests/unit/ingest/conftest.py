import pytest

from support.intake import open_bench


@pytest.fixture
def bench(tmp_path):
    """An archive in a folder, with the parts that ingest needs."""
    opened = open_bench(tmp_path / "home")
    yield opened
    opened.database.close()
