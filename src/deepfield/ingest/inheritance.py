"""What the members of a combination say in its place: where its own files are silent, their agreement stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deepfield.ingest.footprint import union_of
from deepfield.missions.jwst.names import parse_name
from deepfield.model.observation import Energy, Target, Time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deepfield.ingest.footprint import Footprint
    from deepfield.missions.jwst.tables import JwstTables
    from deepfield.model.observation import Observation

MEMBERS: Final = "members of the association"
"""How the origin of a value begins that was taken from members."""

_EXPOSURE: Final = ("program", "observation", "visit", "visit_group", "sequence", "activity", "exposure")


@dataclass(frozen=True, slots=True)
class Member:
    """What one member observation is known to be."""

    obs_id: str
    region: str | None
    exp_type: str | None
    is_tso: bool
    template: str | None
    subarray: str | None
    target: Target
    time: Time
    energy: Energy

    @classmethod
    def of(cls, observation: Observation) -> Member:
        """Return what an assembled observation says."""
        return cls(
            observation.obs_id,
            region=observation.position.region if observation.position else None,
            exp_type=observation.exp_type,
            is_tso=observation.is_tso,
            template=observation.template,
            subarray=observation.subarray,
            target=observation.target,
            time=observation.time or Time(),
            energy=observation.energy or Energy(),
        )

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Member:
        """Return what the row of a stored observation says."""
        names = ("target_name", "target_standard_name", "target_classification", "target_type")
        return cls(
            row["obs_id"],
            region=row["s_region"],
            exp_type=row["exp_type"],
            is_tso=row["is_tso"],
            template=row["template"],
            subarray=row["subarray"],
            target=Target(*(row[name] for name in names)),
            time=Time(row["t_min"], row["t_max"], row["t_exptime"]),
            energy=Energy(row["em_min"], row["em_max"], row["filters"], row["em_res_power"]),
        )


_FIELDS: Final[Mapping[str, Callable[[Member], Any]]] = {
    "exp_type": lambda member: member.exp_type,
    "is_tso": lambda member: member.is_tso,
    "template": lambda member: member.template,
    "subarray": lambda member: member.subarray,
    "target.name": lambda member: None if member.target.name == "UNKNOWN" else member.target.name,
    "target.standard_name": lambda member: member.target.standard_name,
    "target.category": lambda member: member.target.classification,
    "target.type": lambda member: member.target.type,
}
"""Fields of ``keywords.toml`` on which all members agree or none is heard."""


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What the science members of a combination say together."""

    members: Sequence[Member] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Values of fields of ``keywords.toml``."""
    time: Time | None = None
    energy: Energy | None = None
    footprint: Footprint | None = None

    @property
    def origin(self) -> str:
        """Return the words that say where its values come from."""
        count = len(self.members)
        return f"{MEMBERS}: {self.members[0].obs_id}" + (f" and {count - 1} more" if count > 1 else "")

    @classmethod
    def of(cls, members: Sequence[Member], tables: JwstTables, *, placed: bool) -> Inheritance:
        """Return what these members leave to their combination; ``placed`` if that lies where they lie."""
        if not members:
            return cls()
        said = {name: _agreed([get(member) for member in members]) for name, get in _FIELDS.items()}
        regions = [member.region for member in members if member.region] if placed else []
        return cls(
            members,
            {name: value for name, value in said.items() if value is not None},
            _time(members, tables),
            _energy(members),
            union_of(regions) if regions else None,
        )


def _agreed(values: Sequence[Any]) -> Any:
    said = {value for value in values if value is not None}
    return said.pop() if len(said) == 1 else None


def _time(members: Sequence[Member], tables: JwstTables) -> Time | None:
    """Return the span of the members, and their exposure time: detectors and segments share that of their exposure."""
    lower = min((m.time.lower for m in members if m.time.lower is not None), default=None)
    upper = max((m.time.upper for m in members if m.time.upper is not None), default=None)
    exposures: dict[tuple[str, ...], float] = {}
    for member in members:
        if member.time.exposure is not None:
            key = _exposure_of(member.obs_id, tables)
            exposures[key] = max(exposures.get(key, 0.0), member.time.exposure)
    seconds = sum(exposures.values()) if exposures else None
    return None if lower is upper is seconds is None else Time(lower, upper, seconds, seconds, 1)


def _exposure_of(obs_id: str, tables: JwstTables) -> tuple[str, ...]:
    name = parse_name(obs_id, tables)
    return tuple(name.fields[part] for part in _EXPOSURE if part in name.fields) if name else (obs_id,)


def _energy(members: Sequence[Member]) -> Energy | None:
    """Return the reach of the members in wavelength, and their band and resolving power where they agree."""
    lower = min((m.energy.lower for m in members if m.energy.lower is not None), default=None)
    upper = max((m.energy.upper for m in members if m.energy.upper is not None), default=None)
    bandpass = _agreed([m.energy.bandpass for m in members])
    if lower is upper is bandpass is None:
        return None
    return Energy(lower, upper, bandpass, _agreed([m.energy.resolving_power for m in members]))
