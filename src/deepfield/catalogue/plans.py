"""The store of planned exposures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from deepfield.catalogue.numbers import give_numbers
from deepfield.catalogue.observations import alive
from deepfield.catalogue.rows import healpix
from deepfield.catalogue.schema import PLAN
from deepfield.catalogue.versions import Row, current_rows, revise
from deepfield.model.plan import PLANNED_LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from deepfield.model.plan import PlannedExposure


class Plans:
    """Keeps what programmes plan, every earlier state by snapshot."""

    def save(self, connection: Connection, seq: int, program: str, planned: Iterable[PlannedExposure]) -> int:
        """Make these the plans of a programme (without leading zeros); return how many rows changed."""
        exposures = {exposure.obs_id: exposure for exposure in planned}
        numbers = give_numbers(connection, "plan", exposures)
        wanted = {(numbers[obs_id],): plan_row(exposure, numbers[obs_id]) for obs_id, exposure in exposures.items()}
        current = current_rows(connection, PLAN, "proposal_id", [program])
        return len(revise(connection, PLAN, current, wanted, seq))

    def of_visit(self, connection: Connection, visit_id: str, *, snapshot: int | None = None) -> list[Row]:
        """Return the planned rows of a visit, now or as they were at a snapshot."""
        query = select(PLAN).where(PLAN.c.visit_id == visit_id, alive(PLAN, snapshot)).order_by(PLAN.c.obs_id)
        return [dict(row) for row in connection.execute(query).mappings()]

    def replace(self, connection: Connection, seq: int, visit_ids: Iterable[str]) -> int:
        """End the planned rows of visits of which exposures have arrived; they stay as history. Returns how many."""
        current = current_rows(connection, PLAN, "visit_id", visit_ids)
        return len(revise(connection, PLAN, current, {}, seq))


def plan_row(exposure: PlannedExposure, number: int) -> dict[str, Any]:
    """Return the row of a planned exposure."""
    position, window = exposure.position, exposure.window
    return {
        "plan_number": number,
        "obs_id": exposure.obs_id,
        "proposal_id": exposure.program,
        "observation_number": exposure.observation_number,
        "visit_id": exposure.visit_id,
        "calib_level": PLANNED_LEVEL,
        "visit_status": exposure.status,
        "status_group": exposure.status_group,
        "target_name": exposure.target.name,
        "target_type": exposure.target.type,
        "s_ra": position.ra if position else None,
        "s_dec": position.dec if position else None,
        "s_fov": position.fov if position else None,
        "s_region": position.region if position else None,
        "healpix": healpix(position),
        "instrument_name": exposure.instrument_name,
        "template": exposure.template,
        "filters": exposure.energy.bandpass,
        "em_min": exposure.energy.lower,
        "em_max": exposure.energy.upper,
        "t_min": exposure.time.lower,
        "t_max": exposure.time.upper,
        "t_exptime": exposure.time.exposure,
        "window_start": window.start if window else None,
        "window_end": window.end if window else None,
        "repeats": exposure.repeats.visit_id if exposure.repeats else None,
        "repeated_by": exposure.repeated_by.visit_id if exposure.repeated_by else None,
        "problem_id": next((each.problem_id for each in (exposure.repeats, exposure.repeated_by) if each), None),
        "source": exposure.source,
        "planned_at": exposure.planned_at,
    }
