"""The operator's release rules as the catalogue keeps them, so that a rule once stated holds for every ingest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepfield.catalogue.releases import release_rules, state_rules
from deepfield.ingest.release import ProgramRelease, ReleaseTable

if TYPE_CHECKING:
    from deepfield.catalogue.database import Connection


def stated(connection: Connection) -> ReleaseTable:
    """Return every rule that was ever stated to this archive."""
    rows = release_rules(connection)
    return ReleaseTable(
        programs={
            row["name"]: ProgramRelease(row["exclusive_months"], row["release"])
            for row in rows
            if row["scope"] == "program"
        },
        observations={row["name"]: row["release"] for row in rows if row["scope"] == "observation"},
        default_months=next((row["exclusive_months"] for row in rows if row["scope"] == "default"), None),
    )


def state(connection: Connection, table: ReleaseTable) -> bool:
    """Keep these rules, overruling older ones of the same names; return whether that changed anything."""
    before = stated(connection)
    if before.merged(table) == before:
        return False
    rows = [_row("program", name, rule.exclusive_months, rule.release) for name, rule in table.programs.items()]
    rows += [_row("observation", name, None, moment) for name, moment in table.observations.items()]
    if table.default_months is not None:
        rows.append(_row("default", "", table.default_months, None))
    state_rules(connection, rows)
    return True


def _row(scope: str, name: str, months: int | None, release: object) -> dict[str, Any]:
    return {"scope": scope, "name": name, "exclusive_months": months, "release": release}
