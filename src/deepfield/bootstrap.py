"""Builds an Archive from Settings. The only place that wires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pydantic import ValidationError

from deepfield.config import PREFIX, Settings
from deepfield.model.errors import ConfigurationError

if TYPE_CHECKING:
    from deepfield.catalogue.database import Database
    from deepfield.catalogue.feed import Feed
    from deepfield.products.store import Store
    from deepfield.replica import Replica
    from deepfield.services.audit import Audit
    from deepfield.services.delivery import Deliveries
    from deepfield.services.holdings import Holdings
    from deepfield.services.intake import Intake
    from deepfield.services.releases import Releases
    from deepfield.services.resolve import Resolve
    from deepfield.services.search import Search


def load_settings() -> Settings:
    """Read the settings of this environment.

    Raises:
        ConfigurationError: a setting has a value that cannot be right, or does not exist.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(
            f"setting {name} ({PREFIX}{name.upper()}) is {first['input']!r}: {first['msg']}"
        ) from None
    except ValueError as error:  # deepfield.toml is not TOML
        raise ConfigurationError(f"deepfield.toml: {error}") from None


@dataclass(frozen=True, slots=True)
class Archive:
    """Everything one can ask of an archive. Closes what it opened at the end of its block."""

    settings: Settings
    database: Database
    feed: Feed
    store: Store
    replica: Replica
    search: Search
    resolve: Resolve
    holdings: Holdings
    delivery: Deliveries
    intake: Intake
    audit: Audit
    releases: Releases

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the replica and the catalogue."""
        self.replica.close()
        self.database.close()


def build(settings: Settings) -> Archive:
    """Open the archive that these settings describe, making it where there is none."""
    raise NotImplementedError
