"""What the operator says about releases, and which observations have become public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, insert, select

from deepfield.catalogue.schema import EVENT, OBSERVATION, RELEASE_RULE, SEQ_TO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection


def newly_public(connection: Connection, now: datetime, *, after: int, limit: int) -> list[dict[str, Any]]:
    """Return current observations that were exclusive when they arrived, are not any more, and nobody was told.

    At most ``limit`` of those with a number above ``after``, in the order of their numbers.
    """
    release = OBSERVATION.c.data_release
    told = select(EVENT.c.event_id).where(
        EVENT.c.type == "public_release", EVENT.c.obs_id == OBSERVATION.c.obs_id, EVENT.c.time >= release
    )
    query = select(OBSERVATION).where(
        OBSERVATION.c[SEQ_TO].is_(None),
        OBSERVATION.c.obs_number > after,
        release <= now,
        release > OBSERVATION.c.archived_at,
        ~told.exists(),
    )
    query = query.order_by(OBSERVATION.c.obs_number).limit(limit)
    return [dict(row) for row in connection.execute(query).mappings()]


def release_rules(connection: Connection) -> list[dict[str, Any]]:
    """Return every rule that was stated, by scope and name."""
    query = select(RELEASE_RULE).order_by(RELEASE_RULE.c.scope, RELEASE_RULE.c.name)
    return [dict(row) for row in connection.execute(query).mappings()]


def state_rules(connection: Connection, rules: Iterable[Mapping[str, Any]]) -> None:
    """Keep these rules (rows of ``release_rule``) in place of what was said before under the same names."""
    for rule in rules:
        same = and_(RELEASE_RULE.c.scope == rule["scope"], RELEASE_RULE.c.name == rule["name"])
        connection.execute(delete(RELEASE_RULE).where(same))
        connection.execute(insert(RELEASE_RULE), [dict(rule)])
