"""What many observations and names come down to: the products to hand over, in a few reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from deepfield.catalogue.numbers import in_chunks
from deepfield.catalogue.observations import alive
from deepfield.catalogue.schema import ARTIFACT, OBSERVATION, PRODUCT_LINK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Connection, Select

Row = dict[str, Any]

_COLUMNS = tuple(
    ARTIFACT.c[name]
    for name in (
        "filename", "product_id", "suffix", "extension", "product_type", "product_group", "calib_level", "detector",
        "description", "content_type", "content_length", "sha256", "version", "created", "data_release", "has_preview",
        "location", "linked", "mtime_ns", "archived_at",
    )
)  # fmt: skip


class Selections:
    """Reads the products of many observations, or of many names, as of one snapshot (None: now)."""

    def of_observations(
        self, connection: Connection, obs_ids: Iterable[str], *, linked: bool, snapshot: int | None
    ) -> list[Row]:
        """Return the products listed with these observations: ``parent`` (obs_id) beside what the product is.

        A product that several list comes once for each; ``relation`` is null for an observation's own.
        """
        found: list[Row] = []
        for chunk in in_chunks(sorted(set(obs_ids))):
            parents = select(OBSERVATION.c.obs_number, OBSERVATION.c.obs_id).where(
                OBSERVATION.c.obs_id.in_(chunk), alive(OBSERVATION, snapshot)
            )
            names = {row.obs_number: row.obs_id for row in connection.execute(parents)}
            own = _products(snapshot).add_columns(ARTIFACT.c.obs_number.label("parent"))
            rows = [
                {**row, "relation": None}
                for row in connection.execute(own.where(ARTIFACT.c.obs_number.in_(names))).mappings()
            ]
            if linked:
                others = (
                    _products(snapshot)
                    .add_columns(PRODUCT_LINK.c.obs_number.label("parent"), PRODUCT_LINK.c.relation)
                    .join(PRODUCT_LINK, PRODUCT_LINK.c.artifact_number == ARTIFACT.c.artifact_number)
                    .where(PRODUCT_LINK.c.obs_number.in_(names), alive(PRODUCT_LINK, snapshot))
                )
                rows += [dict(row) for row in connection.execute(others).mappings()]
            found += [{**row, "parent": names[row["parent"]]} for row in rows]
        return sorted(found, key=lambda row: (row["parent"], row["filename"]))

    def named(self, connection: Connection, filenames: Iterable[str], *, snapshot: int | None) -> list[Row]:
        """Return the products of these file names; unknown and withdrawn ones are left out."""
        return self._where(connection, ARTIFACT.c.filename, filenames, snapshot)

    def numbered(self, connection: Connection, obs_numbers: Iterable[int]) -> list[str]:
        """Return the obs_ids of the current observations with these numbers."""
        found: list[str] = []
        for chunk in in_chunks(sorted(set(obs_numbers))):
            query = select(OBSERVATION.c.obs_id).where(OBSERVATION.c.obs_number.in_(chunk), alive(OBSERVATION, None))
            found += connection.execute(query).scalars()
        return found

    def known(self, connection: Connection, obs_ids: Iterable[str], *, snapshot: int | None) -> set[str]:
        """Return those obs_ids that there are."""
        found: set[str] = set()
        for chunk in in_chunks(sorted(set(obs_ids))):
            query = select(OBSERVATION.c.obs_id).where(OBSERVATION.c.obs_id.in_(chunk), alive(OBSERVATION, snapshot))
            found.update(connection.execute(query).scalars())
        return found

    def described(self, connection: Connection, obs_ids: Iterable[str], *, snapshot: int | None) -> list[Row]:
        """Return programme, title, PI, instrument and times of these observations; unknown ones are left out."""
        names = ("obs_id", "proposal_id", "proposal_title", "proposal_pi", "instrument_name", "t_min", "t_max")
        found: list[Row] = []
        for chunk in in_chunks(sorted(set(obs_ids))):
            query = select(*(OBSERVATION.c[name] for name in names))
            where = (OBSERVATION.c.obs_id.in_(chunk), alive(OBSERVATION, snapshot))
            found += [dict(row) for row in connection.execute(query.where(*where)).mappings()]
        return found

    def _where(
        self, connection: Connection, column: ColumnElement[Any], values: Iterable[Any], snapshot: int | None
    ) -> list[Row]:
        found: list[Row] = []
        for chunk in in_chunks(sorted(set(values))):
            query = _products(snapshot).where(column.in_(chunk))
            found += [{**row, "parent": None, "relation": None} for row in connection.execute(query).mappings()]
        return found


def _products(snapshot: int | None) -> Select[Any]:
    owned = and_(OBSERVATION.c.obs_number == ARTIFACT.c.obs_number, alive(OBSERVATION, snapshot))
    return (
        select(*_COLUMNS, OBSERVATION.c.obs_id, OBSERVATION.c.proposal_id)
        .select_from(ARTIFACT)
        .outerjoin(OBSERVATION, owned)
        .where(alive(ARTIFACT, snapshot))
    )
