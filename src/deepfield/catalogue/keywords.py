"""The store of what the headers of current products say, one wide row for each FITS file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepfield.catalogue.numbers import known_numbers
from deepfield.catalogue.schema import KEYWORD
from deepfield.catalogue.versions import current_rows, revise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection


def save_keywords(
    connection: Connection, seq: int, observations: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> bool:
    """Make these the current rows of the FITS files of observations: obs_id ▸ file name ▸ columns.

    An observation without files loses the rows it had. The products were saved before, so that they have numbers.
    Returns whether any row changed under snapshot ``seq``.
    """
    numbers = known_numbers(connection, "observation", observations)
    names = [name for files in observations.values() for name in files]
    own = known_numbers(connection, "artifact", names)
    wanted = {
        (own[name],): {"artifact_number": own[name], "obs_number": numbers[obs_id], **columns}
        for obs_id, files in observations.items()
        for name, columns in files.items()
    }
    before = current_rows(connection, KEYWORD, "obs_number", numbers.values())
    before |= current_rows(connection, KEYWORD, "artifact_number", own.values())
    return bool(revise(connection, KEYWORD, before, wanted, seq))
