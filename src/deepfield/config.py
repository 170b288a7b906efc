"""Settings: the only reader of the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import override
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource


class Settings(BaseSettings):
    """Everything an operator may set, as ``DEEPFIELD_*`` in the environment or in ``deepfield.toml``.

    The environment wins over the file. ``deepfield config`` lists each setting with its value and source.
    """

    model_config = SettingsConfigDict(env_prefix="DEEPFIELD_", toml_file="deepfield.toml", extra="forbid", frozen=True)

    home: Path = Field(Path("deepfield-data"), description="Folder that holds everything of the embedded default")
    database_url: str | None = Field(None, description="SQLAlchemy address of the catalogue; default SQLite in home")
    store_url: str | None = Field(None, description="fsspec address of the store for copied products; default in home")
    host: str = Field("127.0.0.1", description="Address the server binds to")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        8000, description="Port the server binds to; 0 takes a free one"
    )
    authority: str = Field("deepfield.example", description="IVOA authority in publisher dataset identifiers")
    workers: Annotated[int, Field(ge=1)] | None = Field(None, description="Processes of an ingest; default all cores")
    replica_memory: str = Field("1GB", description="Memory limit of the search replica, as DuckDB writes it")
    replica_threads: Annotated[int, Field(ge=1)] | None = Field(None, description="Threads of the replica; default all")
    max_page: Annotated[int, Field(ge=1)] = Field(1000, description="Most rows of one page of results")
    query_seconds: Annotated[float, Field(gt=0)] = Field(30.0, description="Time limit of one portal search")
    log_format: Literal["console", "json"] = Field("console", description="How the log is written")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged")

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def root(self) -> Path:
        """The absolute home folder."""
        return self.home.expanduser().resolve()

    @property
    def catalogue_url(self) -> str:
        return self.database_url or f"sqlite:///{self.root / 'catalogue.sqlite'}"

    @property
    def replica_path(self) -> Path:
        return self.root / "replica.duckdb"

    @property
    def store_address(self) -> str:
        return self.store_url or str(self.root / "store")

    @property
    def previews_path(self) -> Path:
        return self.root / "previews"
