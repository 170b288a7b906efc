"""What there is to do for a programme, in stages whose tasks do not depend on each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from deepfield.simulate.association import Association
    from deepfield.simulate.exposure import Exposure


class Task(Protocol):
    """A piece of work that writes products into a folder; picklable, and the same bytes whenever it runs."""

    @property
    def name(self) -> str: ...

    def run(self, folder: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class Below:
    """A task whose products go into a folder of their own, so that files of equal names may stand beside each other."""

    folder: str
    task: Task

    @property
    def name(self) -> str:
        return f"{self.folder}/{self.task.name}"

    def run(self, folder: Path) -> None:
        """Write the products of the task into ``folder/<its own>``."""
        (folder / self.folder).mkdir(exist_ok=True)
        self.task.run(folder / self.folder)


@dataclass(frozen=True, slots=True)
class Plan:
    """The exposures of a programme, the associations made of them and the tasks that write the products."""

    exposures: tuple[Exposure, ...]
    associations: tuple[Association, ...]
    stages: tuple[tuple[Task, ...], ...]
