"""Keeps the links between observations and the products of others, and tells drafts which associations name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deepfield.catalogue.links import Links
from deepfield.ingest.draft import stored_facts
from deepfield.ingest.links import links
from deepfield.missions.jwst.names import parse_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from deepfield.catalogue.database import Connection
    from deepfield.catalogue.links import Relation
    from deepfield.catalogue.observations import Observations
    from deepfield.ingest.blueprint import FileFacts
    from deepfield.ingest.draft import Draft
    from deepfield.ingest.links import Link
    from deepfield.missions.jwst.tables import JwstTables

Row = dict[str, Any]
REMEMBERED: Final = 4000


@dataclass(frozen=True, slots=True)
class _Giver:
    facts: FileFacts
    links: tuple[Link, ...]

    def names(self, obs_id: str) -> bool:
        return any(link.names(obs_id) for link in self.links)


class Linker:
    """Reads link-giving products; remembers what the newest of them say."""

    def __init__(self, observations: Observations, tables: JwstTables) -> None:
        self._observations, self._tables, self._links = observations, tables, Links()
        self._said: dict[tuple[str, str], _Giver] = {}

    def associate(
        self,
        connection: Connection,
        drafts: Collection[Draft],
        arriving: Collection[FileFacts],
        *,
        without: Collection[str] = (),
    ) -> None:
        """Give each draft the association files of other observations that name it.

        They are those ``arriving`` and the stored ones of the drafts' programmes, but for the file names ``without``.
        """
        programmes = {facts.program for draft in drafts for facts in draft.facts.values() if facts.program}
        rows = self._links.givers(connection, programmes)
        stored = [row for row in rows if row["suffix"] == "asn" and row["filename"] not in without]
        givers = list(self._givers(connection, stored).values())
        givers += [_Giver(facts, links([facts], self._tables)) for facts in arriving if facts.suffix == "asn"]
        exact: dict[str, list[FileFacts]] = {}
        for giver in givers:
            for name in {name for link in giver.links for name in link.obs_ids}:
                exact.setdefault(name, []).append(giver.facts)
        growing = [giver for giver in givers if any(link.patterns for link in giver.links)]
        for draft in drafts:
            named = exact.get(draft.obs_id, []) + [giver.facts for giver in growing if giver.names(draft.obs_id)]
            by_name = {facts.filename: facts for facts in named if facts.filename not in draft.facts}
            draft.associations = list(by_name.values())

    def named_products(self, connection: Connection, associations: Iterable[FileFacts]) -> set[str]:
        """Return the obs_ids of the current combined observations that these associations name."""
        named: set[str] = set()
        for link in links(list(associations), self._tables):
            named |= set(self._targets(connection, link))
        parsed = ((obs_id, parse_name(obs_id, self._tables)) for obs_id in named)
        return {obs_id for obs_id, name in parsed if name is not None and name.combined}

    def update(
        self, connection: Connection, seq: int, programmes: Iterable[str], obs_numbers: Collection[int]
    ) -> set[int]:
        """Bring links up to date after products were saved; return the observations whose lists changed.

        Products written under ``seq`` are linked to all they name; others only to the observations ``obs_numbers``.
        """
        rows = self._links.givers(connection, programmes)
        givers = self._givers(connection, rows)
        fresh = self._links.rewritten(connection, seq)
        by_number = self._observations.names_of(connection, obs_numbers)
        wanted: dict[int, dict[int, Relation]] = {}
        for row in rows:
            for link in givers[row["filename"]].links:
                if row["artifact_number"] in fresh:
                    targets = set(self._targets(connection, link).values())
                else:
                    targets = {number for number, obs_id in by_number.items() if link.names(obs_id)}
                targets.discard(row["obs_number"])
                wanted[row["artifact_number"]] = dict.fromkeys(targets, link.relation)
        return self._links.save(connection, seq, wanted, of=fresh, to=obs_numbers)

    def _targets(self, connection: Connection, link: Link) -> dict[str, int]:
        rows = self._observations.current_observations(connection, link.obs_ids)
        found = {obs_id: int(row["obs_number"]) for obs_id, row in rows.items()}
        for pattern in link.patterns:
            found |= self._links.matching(connection, pattern)
        return found

    def _givers(self, connection: Connection, rows: Collection[Row]) -> dict[str, _Giver]:
        """Return what stored files give, by file name."""
        unknown = [row for row in rows if (row["filename"], row["sha256"]) not in self._said]
        if len(self._said) + len(unknown) > REMEMBERED:
            self._said.clear()
            unknown = list(rows)
        for name, facts in stored_facts(connection, self._observations, unknown, self._tables).items():
            self._said[name, facts.sha256] = _Giver(facts, links([facts], self._tables))
        return {row["filename"]: self._said[row["filename"], row["sha256"]] for row in rows}
