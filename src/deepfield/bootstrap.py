"""Builds an Archive from Settings. The only place that wires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepfield.config import Settings


@dataclass(frozen=True, slots=True)
class Archive:
    """Everything one can ask of an archive."""

    settings: Settings
