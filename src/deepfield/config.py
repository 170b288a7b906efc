"""Settings: the only reader of the environment."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from typing_extensions import override

PREFIX: Final = "DEEPFIELD_"
FILE: Final = Path("deepfield.toml")


class Settings(BaseSettings):
    """Everything an operator may set, as ``DEEPFIELD_*`` in the environment or in ``deepfield.toml``.

    The environment wins over the file. ``deepfield config`` lists each setting with its value and source.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file=FILE, extra="forbid", frozen=True)

    home: Path = Field(
        default=Path("deepfield-data"), description="Folder that holds everything of the embedded default"
    )
    database_url: str | None = Field(
        default=None,
        description="Address of the catalogue: `postgresql://user@host/name` or `sqlite:////path`; default in home",
    )
    store_url: str | None = Field(
        default=None, description="fsspec address of the store for copied products; default a folder in home"
    )
    tables: Path | None = Field(
        default=None,
        description="Folder of tables that overrule those of the mission; default `tables` in home, where there is one",
    )
    host: str = Field(default="127.0.0.1", description="Address the server binds to")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8000, description="Port the server binds to; 0 takes a free one"
    )
    authority: str = Field(default="deepfield.example", description="IVOA authority in publisher dataset identifiers")
    title: Annotated[str, Field(min_length=1)] = Field(
        default="Deepfield archive of JWST data", description="What registries and people call this archive"
    )
    publisher: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Who runs the archive, as registries name it; default the authority"
    )
    contact: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="Mail address for questions about the archive, as registries give it"
    )
    workers: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Processes of an ingest; default all cores"
    )
    replica_file: Path | None = Field(
        default=None, description="DuckDB file of the search replica, one for each server process; default in home"
    )
    replica_memory: str = Field(default="1GB", description="Memory limit of the search replica, as DuckDB writes it")
    replica_threads: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Threads of the search replica; default all cores"
    )
    max_page: Annotated[int, Field(ge=1)] = Field(default=1000, description="Most rows of one page of results")
    query_seconds: Annotated[float, Field(gt=0)] = Field(
        default=30.0, description="Time limit of one portal search, seconds"
    )
    mast_max_page: Annotated[int, Field(ge=1)] = Field(
        default=500_000, description="Most rows of one page of the MAST-compatible interface"
    )
    public_url: str | None = Field(
        default=None,
        description="Address under which people and programs reach this archive, as `https://archive.example.org`; "
        "default the address that each request was sent to",
    )
    tap_seconds: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="Time limit of a synchronous query of TAP, seconds; jobs have `job_seconds`"
    )
    tap_rows: Annotated[int, Field(ge=1)] = Field(
        default=100_000, description="Rows of an answer of TAP that asks for no other number by MAXREC"
    )
    tap_most_rows: Annotated[int, Field(ge=1)] = Field(
        default=10_000_000, description="Most rows of an answer of TAP, whatever MAXREC asks for"
    )
    upload_mb: Annotated[int, Field(ge=1)] = Field(
        default=256, description="Most bytes of one upload, MB; as many again once decompressed"
    )
    upload_rows: Annotated[int, Field(ge=1)] = Field(default=1_000_000, description="Most rows of one uploaded table")
    upload_private: bool = Field(
        default=False, description="Fetch uploads from addresses of the private network and of this machine, too"
    )
    upload_seconds: Annotated[float, Field(gt=0)] = Field(
        default=30.0, description="Time limit of fetching one upload from its address, seconds"
    )
    job_threads: Annotated[int, Field(ge=1, le=64)] = Field(
        default=2, description="Asynchronous jobs that one worker runs at a time"
    )
    job_seconds: Annotated[int, Field(ge=1)] = Field(
        default=3600, description="Time limit of an asynchronous job, seconds; a job may ask for less"
    )
    job_keep_days: Annotated[float, Field(gt=0)] = Field(
        default=7, description="How long jobs and their results are kept that do not ask for another time, days"
    )
    job_keep_most_days: Annotated[float, Field(gt=0)] = Field(
        default=30, description="How long jobs and their results are kept at most, days"
    )
    jobs_waiting: Annotated[int, Field(ge=1)] = Field(
        default=20, description="Jobs of one account, or of one address of anonymous callers, that are queued or run"
    )
    jobs_kept: Annotated[int, Field(ge=1)] = Field(
        default=1000, description="Jobs of one account, or of one address of anonymous callers, in any phase"
    )
    disk_reserve_mb: Annotated[int, Field(ge=0)] = Field(
        default=1024, description="Space on the disk of home that uploads and results of jobs leave free, MB"
    )
    query_memory: str = Field(
        default="2GB", description="Memory limit of all ADQL queries together, as DuckDB writes it"
    )
    query_scratch: str = Field(
        default="20GB", description="Most disk space that ADQL queries may use for what exceeds their memory"
    )
    sesame_url: str | None = Field(
        default=None,
        description="Address of a CDS Sesame service to ask for names that nothing here knows, as "
        "`https://cds.unistra.fr/cgi-bin/nph-sesame`; without one, no host is ever asked",
    )
    sesame_seconds: Annotated[float, Field(gt=0)] = Field(
        default=5.0, description="Time limit of one question to Sesame, seconds"
    )
    sesame_keep_hours: Annotated[float, Field(gt=0)] = Field(
        default=168.0, description="How long an answer of Sesame is kept in memory, hours"
    )
    target_list_days: Annotated[float, Field(gt=0)] = Field(
        default=30.0, description="How long a list of targets is kept that nobody signed for, days"
    )
    target_list_account_days: Annotated[float, Field(gt=0)] = Field(
        default=365.0, description="How long a list of targets of an account is kept, days"
    )
    session_hours: Annotated[float, Field(gt=0)] = Field(
        default=24.0, description="How long a browser stays signed in, hours"
    )
    access_log_days: Annotated[int, Field(ge=1)] = Field(
        default=365, description="How long entries of the access log are kept, days"
    )
    oidc_issuer: str | None = Field(
        default=None,
        description="Issuer of an OpenID Connect provider to sign in with; register "
        "`<public_url>/login/openid/callback` with it",
    )
    oidc_client_id: str | None = Field(default=None, description="Identifier of this archive at the provider")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Secret of this archive at the provider; without one, PKCE alone protects the flow"
    )
    oidc_label: str = Field(default="your institution", description="What the sign-in page calls the provider")
    oidc_make_accounts: bool = Field(
        default=True,
        description="Whether anybody whom the provider vouches for gets an account, with no programme until one is "
        "granted",
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="`console` for people, `json` for one JSON object a line"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged"
    )

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
        return self.replica_file.expanduser().resolve() if self.replica_file else self.root / "replica.duckdb"

    @property
    def queries_path(self) -> Path:
        """The replica of the process that answers ADQL, beside that of its server."""
        return self.replica_path.with_name(f"{self.replica_path.stem}-queries.duckdb")

    @property
    def store_address(self) -> str:
        return self.store_url or str(self.root / "store")

    @property
    def tables_path(self) -> Path | None:
        """The folder of tables that overrule those of the mission; None where there are none."""
        if self.tables is not None:
            return self.tables.expanduser().resolve()
        default = self.root / "tables"
        return default if default.is_dir() else None

    @property
    def jobs_path(self) -> Path:
        return self.root / "jobs"

    @property
    def previews_path(self) -> Path:
        return self.root / "previews"

    @property
    def lake_path(self) -> Path:
        return self.root / "lake"


@dataclass(frozen=True, slots=True)
class Explained:
    """A setting with its value and where that came from."""

    name: str
    value: Any
    source: str
    description: str


def explain(settings: Settings) -> list[Explained]:
    """Say of each setting what it is and where it came from; passwords within addresses are left out."""
    environment = {name.upper(): name for name in os.environ}
    in_file = tomllib.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}

    def source(name: str) -> str:
        if (variable := PREFIX + name.upper()) in environment:
            return environment[variable]
        return str(FILE) if name in in_file else "default"

    return [
        Explained(name, without_password(getattr(settings, name)), source(name), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def without_password(value: Any) -> Any:
    """Replace the password of an address by asterisks; anything else stays as it is."""
    if not isinstance(value, str) or "://" not in value:
        return value
    password = urlsplit(value).password
    return value.replace(f":{password}@", ":***@") if password else value


def unknown_variables() -> list[tuple[str, str | None]]:
    """Return the ``DEEPFIELD_*`` variables of the environment that are no settings, each with the closest that is."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    strange = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)
    return [(name, next(iter(get_close_matches(name.upper(), known, n=1, cutoff=0.8)), None)) for name in strange]
