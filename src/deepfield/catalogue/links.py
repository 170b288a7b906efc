"""The store of links: products that an observation lists though another one owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import or_, select

from deepfield.catalogue.numbers import in_chunks
from deepfield.catalogue.observations import NAME_END, alive, with_owner
from deepfield.catalogue.schema import ARTIFACT, OBSERVATION, PRODUCT_LINK, SEQ_FROM, SEQ_TO
from deepfield.catalogue.versions import current_rows, revise

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy import Connection

Row = dict[str, Any]
Relation = Literal["association", "pool", "member", "guide_star", "msa"]
_GIVING: Final = ("asn", "pool", "msa")
_LIKE: Final = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


class Links:
    """Finds the products that others may list, and keeps who lists them."""

    def save(
        self,
        connection: Connection,
        seq: int,
        wanted: Mapping[int, Mapping[int, Relation]],
        *,
        of: Collection[int],
        to: Collection[int] = (),
    ) -> set[int]:
        """Make links the wanted ones and return the observations whose lists changed.

        ``wanted`` holds, by artifact number, {observation number: relation}, and names every artifact considered.
        It tells all links of the artifacts in ``of``, and of the others those to the observations in ``to``.
        """
        rows = {
            (number, artifact): {"obs_number": number, "artifact_number": artifact, "relation": relation}
            for artifact, targets in wanted.items()
            for number, relation in targets.items()
        }
        before = current_rows(connection, PRODUCT_LINK, "artifact_number", of)
        there = current_rows(connection, PRODUCT_LINK, "obs_number", to)
        before |= {key: row for key, row in there.items() if row["artifact_number"] in wanted}
        return {key[0] for key in revise(connection, PRODUCT_LINK, before, rows, seq)}

    def givers(self, connection: Connection, programmes: Iterable[str]) -> list[Row]:
        """Return the current artifacts of these programmes that other observations may list, with their ``obs_id``.

        They are associations, pools, shutter files and guide-star products.
        """
        giving = or_(ARTIFACT.c.suffix.in_(_GIVING), OBSERVATION.c.obs_id.contains("_gs-", autoescape=True))
        found: list[Row] = []
        for chunk in in_chunks(sorted(set(programmes))):
            query = with_owner(None).where(OBSERVATION.c.proposal_id.in_(chunk), giving)
            found += [dict(row) for row in connection.execute(query).mappings()]
        return found

    def rewritten(self, connection: Connection, seq: int) -> set[int]:
        """Return the numbers of the artifacts that a snapshot began or ended."""
        query = select(ARTIFACT.c.artifact_number).where(or_(ARTIFACT.c[SEQ_FROM] == seq, ARTIFACT.c[SEQ_TO] == seq))
        return set(connection.execute(query).scalars())

    def matching(self, connection: Connection, pattern: str) -> dict[str, int]:
        """Return {obs_id: number} of the current observations that fit a pattern, ``*`` standing for any text."""
        start = pattern.partition("*")[0]
        like = "%".join(piece.translate(_LIKE) for piece in pattern.split("*"))
        query = select(OBSERVATION.c.obs_id, OBSERVATION.c.obs_number).where(
            OBSERVATION.c.obs_id >= start,
            OBSERVATION.c.obs_id < start + NAME_END,
            OBSERVATION.c.obs_id.like(like, escape="\\"),
            alive(OBSERVATION, None),
        )
        return {row.obs_id: row.obs_number for row in connection.execute(query)}
