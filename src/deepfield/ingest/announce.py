"""Events of one commit: what arrived, what was processed again, what became public, what left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deepfield.catalogue.outbox import Event, EventFile
from deepfield.ingest.provenance import Difference, compare
from deepfield.products.header import Header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from deepfield.catalogue.outbox import EventType
    from deepfield.ingest.decision import Decision
    from deepfield.ingest.draft import Draft

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Before:
    """What the archive held before the commit, as far as events ask."""

    observations: Mapping[str, Row] = field(default_factory=dict)
    """Current observation rows by obs_id."""
    headers: Mapping[str, Row] = field(default_factory=dict)
    """Header documents of superseded versions by SHA-256."""
    programmes: frozenset[str] = frozenset()
    """Those touched by the commit that had observations before."""


def announce(
    drafts: Iterable[Draft],
    decisions: Iterable[Decision],
    withdrawn: Mapping[str, list[Row]],
    before: Before,
    *,
    at: datetime,
) -> list[Event]:
    """Return the events of a commit; ``withdrawn`` holds the artifact rows that leave, by obs_id."""
    arriving: dict[str | None, list[Decision]] = {}
    for decision in decisions:
        arriving.setdefault(decision.facts.obs_id, []).append(decision)
    events: list[Event] = []
    begun = set(before.programmes)
    for draft in drafts:
        files = arriving.get(draft.obs_id, [])
        new = [decision for decision in files if decision.status == "ingested"]
        newer = [decision for decision in files if decision.status == "superseded"]
        if new:
            programme = draft.observation.proposal.id if draft.observation else None
            if programme is not None and programme not in begun:
                begun.add(programme)
                events.append(_event("first_archived", draft, map(_file, new), at))
            events.append(_event("archived", draft, map(_file, new), at))
        elif draft.observation is not None and draft.obs_id not in before.observations:
            events.append(_event("archived", draft, _files_of(draft), at))
        if newer:
            events.append(_reprocessed(draft, newer, before, at))
        if draft.obs_id in withdrawn:
            files_gone = map(_file_of_row, withdrawn[draft.obs_id])
            events.append(_withdrawn(draft, before.observations.get(draft.obs_id), tuple(files_gone), at))
        if _became_public(draft, before.observations.get(draft.obs_id), at):
            events.append(_event("public_release", draft, _files_of(draft), at))
    return events


def _became_public(draft: Draft, row: Row | None, at: datetime) -> bool:
    release = draft.observation.data_release if draft.observation else None
    if release is None or release > at:
        return False
    if row is None:
        return True
    held = row["data_release"]
    return held is None or held > at


def _reprocessed(draft: Draft, newer: list[Decision], before: Before, at: datetime) -> Event:
    differences = [difference_of(decision, before.headers) for decision in newer]
    cause = dict.fromkeys(name for difference in differences for name in difference.cause)
    old: Row = {}
    new: Row = {}
    for difference in differences:
        old |= difference.old
        new |= difference.new
    return _event("reprocessed", draft, map(_file, newer), at, Difference(tuple(cause), old, new))


def difference_of(decision: Decision, headers: Mapping[str, Row]) -> Difference:
    """Compare a superseding file with the version it replaces."""
    assert decision.replaces is not None
    document = headers.get(decision.replaces["sha256"])
    if document is None:
        return Difference(("content",))
    return compare(Header.from_json(document), decision.facts.header)


def _event(
    kind: EventType, draft: Draft, files: Iterable[EventFile], at: datetime, difference: Difference | None = None
) -> Event:
    observation = draft.observation
    assert observation is not None
    difference = difference or Difference(())
    return Event(
        type=kind,
        time=at,
        obs_id=draft.obs_id,
        proposal_id=observation.proposal.id,
        level=observation.calib_level,
        files=tuple(sorted(files, key=lambda file: file.filename)),
        release=observation.data_release,
        cause=difference.cause,
        old=difference.old,
        new=difference.new,
    )


def _withdrawn(draft: Draft, row: Row | None, files: tuple[EventFile, ...], at: datetime) -> Event:
    known = row or dict.fromkeys(("proposal_id", "calib_level", "data_release"))
    return Event(
        type="withdrawn",
        time=at,
        obs_id=draft.obs_id,
        proposal_id=known["proposal_id"],
        level=known["calib_level"],
        files=files,
        release=known["data_release"],
    )


def _files_of(draft: Draft) -> list[EventFile]:
    return [EventFile(facts.filename, facts.size, facts.sha256) for facts in draft.facts.values()]


def _file(decision: Decision) -> EventFile:
    return EventFile(decision.facts.filename, decision.facts.size, decision.facts.sha256)


def _file_of_row(row: Row) -> EventFile:
    return EventFile(row["filename"], row["content_length"], row["sha256"])
