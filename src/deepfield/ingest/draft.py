"""Observations in the making: what is stored of them, with the files that arrive and without those that leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from deepfield.ingest.assemble import assemble
from deepfield.ingest.blueprint import identify
from deepfield.ingest.decision import filed_of
from deepfield.ingest.inheritance import Member
from deepfield.model.errors import InvalidValueError
from deepfield.products.header import Header

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from deepfield.catalogue.database import Connection
    from deepfield.catalogue.observations import Observations
    from deepfield.catalogue.rows import Filed
    from deepfield.ingest.blueprint import FileFacts
    from deepfield.ingest.decision import Decision
    from deepfield.ingest.release import ReleaseTable
    from deepfield.missions.jwst.tables import JwstTables
    from deepfield.model.observation import Observation

Row = dict[str, Any]
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Draft:
    """One observation with all the files it is going to have."""

    obs_id: str
    facts: dict[str, FileFacts] = field(default_factory=dict)
    """By file name."""
    filed: dict[str, Filed] = field(default_factory=dict)
    associations: list[FileFacts] = field(default_factory=list)
    """Association files of other observations that name this one."""
    observation: Observation | None = None
    """None once no file is left."""

    def take(self, decision: Decision) -> None:
        """Let an arriving file be part of the observation."""
        assert decision.filed is not None
        self.facts[decision.facts.filename] = decision.facts
        self.filed[decision.facts.filename] = decision.filed

    def drop(self, filename: str) -> None:
        """Take a file out."""
        self.facts.pop(filename, None)
        self.filed.pop(filename, None)

    @property
    def combined(self) -> bool:
        """Whether it is a combination of other observations."""
        return any(facts.combined for facts in self.facts.values())

    def assemble(self, release: ReleaseTable, tables: JwstTables, known: dict[str, Member]) -> None:
        """Assemble the observation from its files; ``known`` tells of others by obs_id, and is told of this one.

        Raises:
            InvalidValueError: the assembled observation lacks one of the files.
        """
        self.observation = None
        known.pop(self.obs_id, None)
        if not self.facts:
            return
        files, associations = list(self.facts.values()), self.associations
        observation = assemble(
            self.obs_id, files, associations=associations, known=known, release=release, tables=tables
        )
        assembled = {artifact.filename for plane in observation.planes for artifact in plane.artifacts}
        if assembled != set(self.facts):
            raise InvalidValueError(self.obs_id, sorted(assembled), f"the files {sorted(self.facts)}")
        self.observation = observation
        known[self.obs_id] = Member.of(observation)


def stored_drafts(
    connection: Connection,
    observations: Observations,
    rows: Mapping[str, Row],
    tables: JwstTables,
    *,
    without: Collection[str] = (),
) -> dict[str, Draft]:
    """Return current observations (rows by obs_id) as they are stored, their files identified again.

    ``without`` names files that are left out, wherever they are filed.
    """
    owned = observations.artifacts_of(connection, [row["obs_number"] for row in rows.values()])
    drafts: dict[str, Draft] = {}
    for obs_id, row in rows.items():
        files = {name: file for name, file in owned[row["obs_number"]].items() if name not in without}
        drafts[obs_id] = Draft(
            obs_id,
            facts=stored_facts(connection, observations, files.values(), tables),
            filed={name: filed_of(file) for name, file in files.items()},
        )
    return drafts


def stored_facts(
    connection: Connection, observations: Observations, files: Iterable[Row], tables: JwstTables
) -> dict[str, FileFacts]:
    """Identify stored files (artifact rows) again from their header documents; facts by file name."""
    rows = {file["filename"]: file for file in files}
    documents = observations.headers(connection, [file["sha256"] for file in rows.values()])
    facts: dict[str, FileFacts] = {}
    for name, file in rows.items():
        header = Header.from_json(documents[file["sha256"]])
        facts[name] = identify(header, size=file["content_length"], sha256=file["sha256"], tables=tables)
    return facts


def assemble_drafts(
    drafts: Iterable[Draft],
    decisions: Iterable[Decision],
    release: ReleaseTable,
    tables: JwstTables,
    known: dict[str, Member],
) -> dict[str, Decision]:
    """Assemble every draft, members before combinations; return the decisions, by file name, on refused files.

    A file that makes its observation impossible leaves it, and the others stay.
    """
    arriving = {decision.facts.filename: decision for decision in decisions if decision.arrives}
    refused: dict[str, Decision] = {}
    for draft in sorted(drafts, key=lambda draft: draft.combined):
        mine = {name: decision for name, decision in arriving.items() if name in draft.facts}
        try:
            draft.assemble(release, tables, known)
        except Exception as error:
            if not mine:
                raise
            log.exception("ingest.assembly", obs_id=draft.obs_id, error=str(error))
            refused |= _assemble_one_by_one(draft, mine, release, tables, known)
    return refused


def assemble_each(
    drafts: Iterable[Draft], release: ReleaseTable, tables: JwstTables, known: dict[str, Member]
) -> dict[str, str]:
    """Assemble every draft, members before combinations; return, by obs_id, why some cannot be."""
    failed: dict[str, str] = {}
    for draft in sorted(drafts, key=lambda draft: draft.combined):
        try:
            draft.assemble(release, tables, known)
        except Exception as error:
            log.exception("ingest.assembly", obs_id=draft.obs_id, error=str(error))
            failed[draft.obs_id] = f"it cannot be assembled: {error}"
    return failed


def _assemble_one_by_one(
    draft: Draft,
    arriving: Mapping[str, Decision],
    release: ReleaseTable,
    tables: JwstTables,
    known: dict[str, Member],
) -> dict[str, Decision]:
    refused: dict[str, Decision] = {}
    for name in arriving:
        draft.drop(name)
    for name, decision in arriving.items():
        draft.take(decision)
        try:
            draft.assemble(release, tables, known)
        except Exception as error:  # noqa: BLE001  whatever is wrong with it is wrong with this file
            draft.drop(name)
            refused[name] = decision.refused(f"{draft.obs_id} cannot be assembled with it: {error}")
    draft.assemble(release, tables, known)
    return refused
