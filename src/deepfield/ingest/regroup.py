"""Stored products under the observations that they belong to as files are identified now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepfield.ingest.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping


def regroup(
    drafts: Mapping[str, Draft], left: dict[str, str], stored: Callable[[Collection[str]], dict[str, Draft]]
) -> dict[str, Draft]:
    """Return the observations that are to be made again, each with the files that belong to it now.

    ``stored`` returns, of some obs_ids, those observations that exist. They join where files move into them. ``left``
    says why observations stay as they are, all their files included; those met here are added: ones with a file that
    would be no product any more, or be known by another name, and ones whose files would move into such.
    """
    known = dict(drafts)
    while unknown := _targets(known) - set(known):
        known |= {obs_id: Draft(obs_id) for obs_id in unknown} | stored(unknown)
    for obs_id, draft in known.items():
        if obs_id not in left and (reason := _fault(draft)):
            left[obs_id] = reason
    while blocked := {obs_id: reason for obs_id, draft in known.items() if (reason := _block(draft, left))}:
        left |= blocked
    moved = {obs_id: Draft(obs_id) for obs_id in known if obs_id not in left}
    for obs_id in moved:
        for name, facts in known[obs_id].facts.items():
            assert facts.obs_id is not None
            moved[facts.obs_id].facts[name] = facts
            moved[facts.obs_id].filed[name] = known[obs_id].filed[name]
    return {obs_id: draft for obs_id, draft in moved.items() if draft.facts or known[obs_id].facts}


def _targets(drafts: Mapping[str, Draft]) -> set[str]:
    return {facts.obs_id for draft in drafts.values() for facts in draft.facts.values() if facts.obs_id}


def _fault(draft: Draft) -> str | None:
    for name, facts in draft.facts.items():
        if facts.verdict != "product" or facts.obs_id is None:
            return f"{name} would be no product any more: {facts.reason or 'it belongs to no observation'}"
        if facts.filename != name:
            return f"{name} would be known as {facts.filename}; forget it and ingest it again"
    return None


def _block(draft: Draft, left: Mapping[str, str]) -> str | None:
    if draft.obs_id in left:
        return None
    for name, facts in draft.facts.items():
        if facts.obs_id is not None and facts.obs_id in left:
            return f"{name} would move to {facts.obs_id}, which stays as it is: {left[facts.obs_id]}"
    return None
