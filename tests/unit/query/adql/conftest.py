import pytest

from support.asking import askable


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """Four hundred observations: in crowds, at the poles, across RA 0, without place, without outline, one huge."""
    with askable(tmp_path_factory.mktemp("askable"), 400) as made:
        yield made
