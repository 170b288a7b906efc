"""Every error of the tree has its status and its document."""

from datetime import UTC, datetime

import pytest

from deepfield.model import errors as tree
from deepfield.model.errors import (
    AccessDeniedError,
    ArchiveError,
    InvalidQueryError,
    UnknownColumnError,
    UnresolvedNameError,
)
from deepfield.web.errors import STATUS, body_of, classify


def every_error():
    return [kind for kind in vars(tree).values() if isinstance(kind, type) and issubclass(kind, ArchiveError)]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_of_the_tree_has_a_row_of_its_own(kind):
    assert kind in STATUS


def test_types_are_unique():
    types = [kind for _, kind in STATUS.values()]
    assert sorted(set(types)) == sorted(types)


def test_an_error_without_a_row_answers_as_its_nearest_ancestor():
    class StrangerError(InvalidQueryError):
        pass

    assert classify(StrangerError("a", "b", "c")) == (400, "invalid_query")


def test_the_document_carries_the_facts_of_the_error():
    body = body_of(UnknownColumnError("tmin", closest="t_min"), "unknown_column")
    assert (body.field, body.value, body.closest) == ("column", "tmin", ["t_min"])
    body = body_of(UnresolvedNameError("NGC 332", closest=("NGC 3324", "NGC 3325")), "unresolved_name")
    assert body.closest == ["NGC 3324", "NGC 3325"]
    release = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert body_of(AccessDeniedError("a.fits", release=release), "exclusive_access").release == "2030-01-02T03:04:05Z"
