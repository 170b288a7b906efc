"""When data become public: an operator's table, since no header says it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from deepfield.ingest.times import add_months, parse_time
from deepfield.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ALWAYS_PUBLIC = datetime(2021, 12, 25, 12, 20, tzinfo=UTC)
"""The launch of JWST: the release of public data that carry no date of their own."""


@dataclass(frozen=True, slots=True)
class ProgramRelease:
    """The rule of one programme: a period in calendar months, or one moment for all its data."""

    exclusive_months: int | None = None
    release: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReleaseTable:
    """The operator's rules, read from ``release.toml``; observation before programme before default.

    ::

        [default]
        exclusive_months = 0

        [programs."1234"]
        exclusive_months = 12

        [observations."jw01234001001_02101_00001_nrca1"]
        release = 2026-12-01T00:00:00Z
    """

    programs: Mapping[str, ProgramRelease] = field(default_factory=dict)
    observations: Mapping[str, datetime] = field(default_factory=dict)
    default_months: int | None = None
    """The period of programmes without a rule; none is none."""

    @classmethod
    def from_toml(cls, path: Path) -> ReleaseTable:
        """Read a ``release.toml``.

        Raises:
            ConfigurationError: the file cannot be read, or a rule in it is neither a period nor a moment.
        """
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path}: {error}") from error
        programs = {
            str(int(name)) if name.isdigit() else name: _program(f"{path}: programs.{name}", rule)
            for name, rule in _section(path, document, "programs").items()
        }
        observations: dict[str, datetime] = {}
        for name, rule in _section(path, document, "observations").items():
            moment = _moment(f"{path}: observations.{name}", rule.get("release"))
            if moment is None:
                raise ConfigurationError(f"{path}: observations.{name} needs release = <moment>")
            observations[name] = moment
        months = _months(f"{path}: default", _table(f"{path}: default", document, "default").get("exclusive_months"))
        return cls(programs, observations, months)

    def merged(self, other: ReleaseTable) -> ReleaseTable:
        """Return these rules overruled by others."""
        return ReleaseTable(
            {**self.programs, **other.programs},
            {**self.observations, **other.observations},
            self.default_months if other.default_months is None else other.default_months,
        )

    def release_of(
        self, obs_id: str, program: str | None, ended: datetime | None, members: Sequence[str] = ()
    ) -> tuple[datetime | None, str]:
        """Return when an observation becomes public, and what says so.

        ``ended`` is the end of its data, from which a period counts; ``members`` are the exposures of a combination,
        which never becomes public before the last of them. None where a period is set but nothing says when the data
        were taken: such data stay closed.
        """
        if obs_id in self.observations:
            return self.observations[obs_id], f"release table, observation {obs_id}"
        moment, said = self._by_program(program, ended)
        last = max((name for name in members if name in self.observations), key=self._moment_of, default=None)
        if moment is not None and last is not None and self.observations[last] > moment:
            return self.observations[last], f"release table, member {last}"
        return moment, said

    def _moment_of(self, name: str) -> datetime:
        return self.observations[name]

    def _by_program(self, program: str | None, ended: datetime | None) -> tuple[datetime | None, str]:
        rule = self.programs.get(program or "")
        if rule is not None and rule.release is not None:
            return rule.release, f"release table, programme {program}"
        if rule is not None and rule.exclusive_months is not None:
            months, said = rule.exclusive_months, f"release table, programme {program}"
        else:
            months, said = self.default_months or 0, "no rule for the programme, default period"
        if months == 0:
            return ended or ALWAYS_PUBLIC, f"{said}: public at once"
        if ended is None:
            return None, f"{said}: {months} months, but the end of the data is not known"
        return add_months(ended, months), f"{said}: {months} months after the end of the data"


def _section(path: Path, document: Mapping[str, Any], name: str) -> Mapping[str, Mapping[str, Any]]:
    section = _table(f"{path}: {name}", document, name)
    return {key: _table(f"{path}: {name}.{key}", section, key) for key in section}


def _table(where: str, document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} is {value!r}, not a table of rules")
    return value


def _program(where: str, rule: Mapping[str, Any]) -> ProgramRelease:
    months, moment = _months(where, rule.get("exclusive_months")), _moment(where, rule.get("release"))
    if months is None and moment is None:
        raise ConfigurationError(f"{where} needs exclusive_months = <number> or release = <moment>")
    return ProgramRelease(months, moment)


def _months(where: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1200:
        raise ConfigurationError(f"{where}: exclusive_months is {value!r}, not a number of months")
    return value


def _moment(where: str, value: object) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(), UTC)
    moment = parse_time(value)
    if moment is None:
        raise ConfigurationError(f"{where}: release is {value!r}, not a moment such as 2026-12-01T00:00:00Z")
    return moment
