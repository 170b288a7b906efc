"""The settings of a command, and the archive that they describe."""

from typing import TYPE_CHECKING

from pydantic import ValidationError

from deepfield.config import PREFIX, Settings
from deepfield.model.errors import ConfigurationError

if TYPE_CHECKING:
    from deepfield.bootstrap import Archive


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


def open_archive(settings: Settings, *, searchable: bool) -> "Archive":
    """Build the archive of these settings. Its many libraries are loaded here, so that other commands start at once."""
    from deepfield.bootstrap import build

    return build(settings, searchable=searchable)
