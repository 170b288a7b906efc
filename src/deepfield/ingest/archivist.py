"""Files read products under their observations, in a transaction that its caller opens and commits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepfield.catalogue.contents import save_contents, undescribed
from deepfield.catalogue.keywords import save_keywords
from deepfield.catalogue.numbers import hold_writers, next_snapshot
from deepfield.ingest.announce import Before, announce, difference_of
from deepfield.ingest.assemble import assemble
from deepfield.ingest.decision import Decision, decide
from deepfield.ingest.draft import Draft, assemble_drafts, assemble_each, stored_drafts, stored_facts
from deepfield.ingest.footprint import UNION
from deepfield.ingest.inheritance import MEMBERS, Member
from deepfield.ingest.keywords import keyword_row
from deepfield.ingest.linker import Linker
from deepfield.ingest.links import members_of
from deepfield.ingest.planes import artifact_of
from deepfield.ingest.regroup import regroup
from deepfield.ingest.report import Entry
from deepfield.ingest.rules import stated
from deepfield.ingest.testimony import Testimony
from deepfield.missions.jwst.tables import default_tables
from deepfield.model.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from deepfield.catalogue.database import Connection
    from deepfield.catalogue.observations import Observations
    from deepfield.catalogue.outbox import Outbox
    from deepfield.catalogue.sources import SourceFiles
    from deepfield.ingest.reading import Reading
    from deepfield.ingest.release import ReleaseTable
    from deepfield.missions.jwst.tables import JwstTables
    from deepfield.model.observation import Artifact, Observation

Row = dict[str, Any]


@dataclass(slots=True)
class Filing:
    """What one transaction did."""

    seq: int | None = None
    """Its snapshot number; None where nothing changed."""
    entries: list[Entry] = field(default_factory=list)
    observations: set[str] = field(default_factory=set)
    """obs_ids that changed."""
    contents: bool = False
    """Whether more is known now of what files say."""
    shed: set[str] = field(default_factory=set)
    """SHA-256 of the contents of products that left."""
    left: dict[str, str] = field(default_factory=dict)
    """obs_ids that could not be made again and stay as they are, with the reason."""


@dataclass(slots=True)
class _Work:
    """What a transaction is going to write."""

    drafts: dict[str, Draft]
    decisions: list[Decision] = field(default_factory=list)
    withdrawn: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def historical(self) -> list[Decision]:
        return [decision for decision in self.decisions if decision.status == "historical"]


class Archivist:
    """Decides, assembles, versions, links and announces. Nothing here commits."""

    def __init__(
        self, observations: Observations, sources: SourceFiles, outbox: Outbox, tables: JwstTables | None = None
    ) -> None:
        """Take the stores, and the mission's tables where they are not those that come along."""
        self._observations, self._sources, self._outbox = observations, sources, outbox
        self._tables = tables or default_tables()
        self._linker = Linker(observations, self._tables)

    def file(self, connection: Connection, readings: Sequence[Reading], *, at: datetime) -> Filing:
        """File these readings, at most one of a file name, and remember each by its path."""
        hold_writers(connection)
        table = stated(connection)
        decisions = self._decide(connection, readings, at)
        work = _Work(self._drafts(connection, decisions))
        known = self._members(connection, work.drafts)
        refused = assemble_drafts(work.drafts.values(), decisions, table, self._tables, known)
        work.decisions = [refused.get(decision.facts.filename, decision) for decision in decisions]
        filing = Filing()
        before = self._write(connection, work, filing, table, at)
        filing.entries = [_entry_of_decision(decision, before) for decision in work.decisions]
        filing.entries += [_entry_of_reading(reading) for reading in readings if not reading.is_product]
        self._remember(connection, readings, filing.entries, at)
        return filing

    def refile(self, connection: Connection, obs_ids: Iterable[str], *, at: datetime) -> Filing:
        """Identify and assemble observations again from what is stored, under the rules, tables and code of now.

        A product that belongs to another observation now moves there. An observation that cannot be made again stays
        as it is, and the filing says why. Where nothing changes, no snapshot number is taken.
        """
        hold_writers(connection)
        table = stated(connection)
        rows = self._observations.current_observations(connection, obs_ids)
        rows |= self._leaning(connection, rows)
        known = self._stored(connection, rows)
        filing = Filing()
        drafts: dict[str, Draft] = {}
        failed: dict[str, str] | None = None
        while failed is None or failed:
            drafts = regroup(known, filing.left, lambda names: self._stored_by_name(connection, names))
            self._linker.associate(connection, drafts.values(), ())
            failed = assemble_each(drafts.values(), table, self._tables, self._members(connection, drafts))
            filing.left |= failed
        emptied = [obs_id for obs_id, draft in drafts.items() if not draft.facts]
        work = _Work(drafts, withdrawn={obs_id: self._leaving(connection, obs_id)[1][obs_id] for obs_id in emptied})
        savepoint = connection.begin_nested()
        self._write(connection, work, filing, table, at)
        if filing.seq is not None:
            filing.contents |= self._describe_past(connection, filing.seq, drafts.values())
        filing.observations = set() if filing.seq is None else self._observations.changed(connection, filing.seq)
        if filing.observations or filing.contents:
            savepoint.commit()
        else:
            savepoint.rollback()
            filing.seq = None
        return filing

    def withdraw(self, connection: Connection, name: str, *, at: datetime) -> Filing:
        """Take an observation (by obs_id) or a product (by file name) out of the current archive; history stays.

        Raises:
            NotFoundError: nothing current has this name.
        """
        hold_writers(connection)
        table = stated(connection)
        rows, leaving = self._leaving(connection, name)
        rows |= self._leaning(connection, rows)
        work = _Work(self._stored(connection, rows), withdrawn=leaving)
        for obs_id, files in leaving.items():
            for file in files:
                work.drafts[obs_id].drop(file["filename"])
        gone = {file["filename"] for files in leaving.values() for file in files}
        self._linker.associate(connection, work.drafts.values(), (), without=gone)
        assemble_drafts(work.drafts.values(), (), table, self._tables, self._members(connection, work.drafts))
        filing = Filing()
        self._write(connection, work, filing, table, at)
        filenames = [file["filename"] for files in leaving.values() for file in files]
        self._sources.forget(connection, filenames)
        history = self._observations.history(connection, filenames)
        filing.shed = {checksum for versions in history.values() for checksum in versions}
        return filing

    def _stored(
        self, connection: Connection, rows: Mapping[str, Row], *, without: Collection[str] = ()
    ) -> dict[str, Draft]:
        return stored_drafts(connection, self._observations, rows, self._tables, without=without)

    def _stored_by_name(self, connection: Connection, obs_ids: Iterable[str]) -> dict[str, Draft]:
        return self._stored(connection, self._observations.current_observations(connection, obs_ids))

    def _leaving(self, connection: Connection, name: str) -> tuple[dict[str, Row], dict[str, list[Row]]]:
        """Return the observation row and the artifact rows that a name speaks of, by obs_id."""
        rows = self._observations.current_observations(connection, [name])
        if rows:
            number = rows[name]["obs_number"]
            return rows, {name: list(self._observations.artifacts_of(connection, [number])[number].values())}
        artifact = self._observations.current_artifacts(connection, [name]).get(name)
        if artifact is None:
            raise NotFoundError(f"{name!r} is neither an observation nor a product of this archive")
        rows = self._observations.observations_of(connection, [artifact["obs_number"]])
        return rows, {obs_id: [artifact] for obs_id in rows}

    def _leaning(self, connection: Connection, obs_ids: Iterable[str]) -> dict[str, Row]:
        """Return the combined observations that say, or could say, what these members say."""
        return self._observations.leaning_on(connection, obs_ids, origins=(UNION, MEMBERS))

    def _members(self, connection: Connection, drafts: Mapping[str, Draft]) -> dict[str, Member]:
        """Return the stored observations that are science members of combined drafts and no drafts themselves."""
        members: set[str] = set()
        for draft in drafts.values():
            if draft.combined:
                files = (*draft.facts.values(), *draft.associations)
                members |= set(members_of(draft.obs_id, files, self._tables).science)
        rows = self._observations.current_observations(connection, members - drafts.keys())
        return {obs_id: Member.of_row(row) for obs_id, row in rows.items()}

    def _decide(self, connection: Connection, readings: Sequence[Reading], at: datetime) -> list[Decision]:
        products = {reading.facts.filename: reading for reading in readings if reading.is_product and reading.facts}
        current = self._observations.current_artifacts(connection, products)
        history = self._observations.history(connection, products)
        return [decide(reading, current.get(name), history.get(name, {}), at=at) for name, reading in products.items()]

    def _drafts(self, connection: Connection, decisions: Sequence[Decision]) -> dict[str, Draft]:
        """Return every observation that arriving files touch, with all the files it is going to have."""
        arriving = [decision for decision in decisions if decision.arrives]
        obs_ids = {decision.facts.obs_id for decision in arriving if decision.facts.obs_id}
        rows = self._observations.current_observations(connection, obs_ids)
        left = {decision.current["obs_number"] for decision in arriving if decision.current}
        rows |= self._observations.observations_of(connection, left)
        names = {decision.facts.filename for decision in arriving}
        drafts = self._stored(connection, rows, without=names)
        for decision in arriving:
            if decision.facts.obs_id:
                drafts.setdefault(decision.facts.obs_id, Draft(decision.facts.obs_id)).take(decision)
        associations = [decision.facts for decision in arriving if decision.facts.suffix == "asn"]
        named = self._linker.named_products(connection, associations) - set(drafts)
        rows = self._observations.current_observations(connection, named)
        rows |= {obs_id: row for obs_id, row in self._leaning(connection, drafts).items() if obs_id not in drafts}
        drafts |= self._stored(connection, rows, without=names)
        self._linker.associate(connection, drafts.values(), associations, without=names)
        return drafts

    def _write(self, connection: Connection, work: _Work, filing: Filing, table: ReleaseTable, at: datetime) -> Before:
        before = self._before(connection, work)
        if not work.drafts and not work.historical:
            return before
        filing.observations = set(work.drafts)
        writing = [decision for decision in work.decisions if decision.filed]
        documents = {decision.facts.sha256: decision.reading.document for decision in writing}
        self._observations.save_headers(connection, documents)
        filing.seq = next_snapshot(connection)
        for decision in work.historical:
            filing.contents |= self._save_historical(connection, filing.seq, decision, table)
        if work.historical and work.drafts:  # a current version of the same product may change beside an older one
            filing.seq = next_snapshot(connection)
        filing.contents |= save_contents(connection, filing.seq, _artifacts(work.drafts.values()))
        changed = self._save(connection, filing.seq, work.drafts, before)
        filing.contents |= save_keywords(connection, filing.seq, self._keywords(work.drafts))
        self._summarise(connection, filing.seq, work.drafts, changed, at)
        self._relink(connection, filing.seq, work.drafts, before, at)
        events = announce(work.drafts.values(), work.decisions, work.withdrawn, before, at=at)
        self._outbox.add(connection, filing.seq, events)
        return before

    def _before(self, connection: Connection, work: _Work) -> Before:
        proposals = {draft.observation.proposal.id for draft in work.drafts.values() if draft.observation}
        superseded = [decision.replaces["sha256"] for decision in work.decisions if decision.replaces]
        return Before(
            observations=self._observations.current_observations(connection, work.drafts),
            headers=self._observations.headers(connection, superseded),
            programmes=frozenset(self._observations.programmes_begun(connection, filter(None, proposals))),
        )

    def _save(self, connection: Connection, seq: int, drafts: Mapping[str, Draft], before: Before) -> set[str]:
        """Save planes and artifacts; return the obs_ids whose products changed."""
        changed: set[str] = set()
        for obs_id, draft in drafts.items():
            row = before.observations.get(obs_id)
            if draft.observation is not None:
                _, differs = self._observations.save_products(connection, seq, draft.observation, draft.filed)
                changed |= {obs_id} if differs else set()
            elif row is not None:
                self._observations.withdraw(connection, seq, row["obs_number"])
        return changed

    def _keywords(self, drafts: Mapping[str, Draft]) -> dict[str, dict[str, dict[str, Any]]]:
        """Return what the FITS files of observations say under the keywords that are searched, by obs_id and name."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for obs_id, draft in drafts.items():
            observation = draft.observation
            combined = observation is not None and observation.algorithm != "exposure"
            rows = {
                name: keyword_row(facts, obs_id, self._tables, combined=combined)
                for name, facts in (draft.facts.items() if observation is not None else ())
            }
            found[obs_id] = {name: row for name, row in rows.items() if row is not None}
        return found

    def _save_historical(self, connection: Connection, seq: int, decision: Decision, table: ReleaseTable) -> bool:
        assert decision.facts.obs_id is not None
        assert decision.filed is not None
        alone = assemble(decision.facts.obs_id, [decision.facts], release=table, tables=self._tables)
        self._observations.save_historical(connection, seq, alone, decision.filed)
        return save_contents(connection, seq, _artifacts_of(alone))

    def _describe_past(self, connection: Connection, seq: int, drafts: Iterable[Draft]) -> bool:
        """Keep what superseded versions of these files say, where nothing is kept; tell whether there were any."""
        history = self._observations.history(connection, [name for draft in drafts for name in draft.facts])
        missing = undescribed(connection, (sha256 for versions in history.values() for sha256 in versions))
        artifacts: list[Artifact] = []
        for name, versions in history.items():
            for row in self._observations.versions(connection, name) if missing & versions.keys() else ():
                if row["sha256"] in missing:
                    facts = stored_facts(connection, self._observations, [row], self._tables)[name]
                    artifacts.append(artifact_of(facts, Testimony([facts], self._tables)))
        return save_contents(connection, seq, artifacts)

    def _summarise(
        self, connection: Connection, seq: int, drafts: Mapping[str, Draft], changed: Collection[str], at: datetime
    ) -> None:
        for obs_id, draft in drafts.items():
            if draft.observation is not None:
                differs = obs_id in changed
                self._observations.save_summary(connection, seq, draft.observation, at=at, changed=differs)

    def _relink(
        self, connection: Connection, seq: int, drafts: Mapping[str, Draft], before: Before, at: datetime
    ) -> None:
        programmes = {draft.observation.proposal.id for draft in drafts.values() if draft.observation}
        programmes |= {row["proposal_id"] for row in before.observations.values()}
        numbers = self._observations.numbers(connection, drafts)
        changed = self._linker.update(connection, seq, filter(None, programmes), set(numbers.values()))
        self._observations.relist(connection, seq, changed, at=at)

    def _remember(
        self, connection: Connection, readings: Sequence[Reading], entries: Iterable[Entry], at: datetime
    ) -> None:
        by_path = {reading.found.path: reading for reading in readings}
        rows = []
        for entry in entries:
            reading = by_path[entry.path]
            row = {"path": entry.path, "size": reading.found.size, "mtime_ns": reading.found.mtime_ns}
            row |= {"sha256": reading.sha256, "status": entry.status, "obs_id": entry.obs_id, "reason": entry.reason}
            rows.append(row | {"filename": reading.facts.filename if reading.facts else None, "seen_at": at})
        self._sources.record(connection, rows)


def _artifacts(drafts: Iterable[Draft]) -> Iterator[Artifact]:
    for draft in drafts:
        if draft.observation is not None:
            yield from _artifacts_of(draft.observation)


def _artifacts_of(observation: Observation) -> Iterator[Artifact]:
    return (artifact for plane in observation.planes for artifact in plane.artifacts)


def _entry_of_decision(decision: Decision, before: Before) -> Entry:
    reason = decision.reason
    if decision.status == "superseded":
        reason = f"{reason} ({', '.join(difference_of(decision, before.headers).cause)})"
    return Entry(decision.reading.found.path, decision.status, decision.facts.obs_id, reason)


def _entry_of_reading(reading: Reading) -> Entry:
    if reading.refusal is not None or reading.facts is None:
        return Entry(reading.found.path, "refused", reason=reading.refusal)
    return Entry(reading.found.path, "kept", reason=reading.facts.reason)
