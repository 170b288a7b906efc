"""Builds an Archive from Settings. The only place that wires."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from deepfield.catalogue.accounts import AccountStore
from deepfield.catalogue.database import Database
from deepfield.catalogue.feed import Feed
from deepfield.catalogue.jobs import JobQueue
from deepfield.catalogue.kept import KeptStore
from deepfield.catalogue.observations import Observations
from deepfield.catalogue.outbox import Outbox
from deepfield.catalogue.pins import Pins
from deepfield.catalogue.published import load_published
from deepfield.catalogue.selections import Selections
from deepfield.catalogue.sources import SourceFiles
from deepfield.catalogue.targets import TargetListStore
from deepfield.ingest.archivist import Archivist
from deepfield.ingest.journal import Journals
from deepfield.ingest.leftovers import Leftovers
from deepfield.ingest.pipeline import Pipeline
from deepfield.lake import SourceLake
from deepfield.missions.jwst.tables import JwstTables
from deepfield.model.errors import ConfigurationError
from deepfield.outbound.fetch import Fetcher
from deepfield.products.store import Store
from deepfield.query.engines.duckdb import DuckEngine
from deepfield.query.engines.process import QueryProcess, the_command
from deepfield.replica import Follower, Replica
from deepfield.services.accesslog import AccessLog
from deepfield.services.accounts import Accounts
from deepfield.services.audit import Audit
from deepfield.services.bundles import Bundles
from deepfield.services.citation import Citations
from deepfield.services.contents import Contents
from deepfield.services.cubes import Cubes
from deepfield.services.delivery import Deliveries
from deepfield.services.holdings import Holdings
from deepfield.services.intake import Intake
from deepfield.services.jobs import JobLimits, Jobs
from deepfield.services.keeping import Keeping
from deepfield.services.news import Newsroom
from deepfield.services.openid import OpenIdProvider
from deepfield.services.opening import Opening
from deepfield.services.passwords import Passwords
from deepfield.services.releases import Releases
from deepfield.services.resolve import Resolve
from deepfield.services.resolvers.sesame import Sesame
from deepfield.services.search import Search
from deepfield.services.series import TimeSeries
from deepfield.services.signin import SignIn
from deepfield.services.snapshots import Snapshots
from deepfield.services.sources import Sources
from deepfield.services.spectra import Spectra
from deepfield.services.tables import Tables
from deepfield.services.targets import TargetLists

if TYPE_CHECKING:
    from pathlib import Path

    from deepfield.config import Settings


@dataclass(frozen=True, slots=True)
class Archive:
    """Everything one can ask of an archive. Closes what it opened at the end of its block."""

    settings: Settings
    database: Database
    store: Store
    replica: Replica
    follower: Follower
    search: Search
    sources: Sources
    tables: Tables
    resolve: Resolve
    targets: TargetLists
    holdings: Holdings
    delivery: Deliveries
    spectra: Spectra
    cubes: Cubes
    series: TimeSeries
    contents: Contents
    bundles: Bundles
    keeping: Keeping
    citations: Citations
    newsroom: Newsroom
    intake: Intake
    audit: Audit
    releases: Releases
    jobs: Jobs
    fetcher: Fetcher
    snapshots: Snapshots
    access_log: AccessLog
    accounts: Accounts
    sign_in: SignIn
    openid: OpenIdProvider | None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop following the catalogue, write what the access log still holds, then close replica and catalogue."""
        self.replica.close()  # gives up a rebuild that the follower may be at
        self.follower.stop()
        self.tables.close()
        self.replica.close()
        self.access_log.flush()
        self.database.close()


def build(settings: Settings, *, searchable: bool = True) -> Archive:
    """Open the archive that these settings describe, making it where there is none.

    The replica belongs to one process: a command that runs beside a server asks for an archive that is not
    ``searchable``, and whose searches answer that the index is not there. Nothing follows the catalogue until
    ``archive.follower.start()``.

    Raises:
        ConfigurationError: a setting or a table of the operator cannot be right, the folder cannot be written, the
            replica is another process's.
    """
    if searchable:
        _resolve_offline()
    tables = JwstTables.load(settings.tables_path)
    root = _home(settings)
    database = Database(settings.catalogue_url)
    database.upgrade()
    store = Store(settings.store_address)
    observations, sources, outbox = Observations(), SourceFiles(), Outbox()
    replica = Replica(
        settings.replica_path if searchable else root / f"replica-{os.getpid()}.none",
        Feed(database),
        memory=settings.replica_memory,
        threads=settings.replica_threads,
    )
    engine = DuckEngine(replica, seconds=settings.query_seconds)
    resolve = Resolve(engine, sesame=_sesame(settings))
    targets = TargetLists(
        database,
        TargetListStore(),
        resolve,
        days=settings.target_list_days,
        account_days=settings.target_list_account_days,
    )
    search = Search(engine, resolve, targets, max_page=settings.max_page)
    archivist = Archivist(observations, sources, outbox, tables)
    lake = SourceLake(settings.lake_path, tables.source_columns)
    leftovers = Leftovers(database, observations, store, settings.previews_path, lake)
    pipeline = Pipeline(
        database,
        observations,
        sources,
        archivist,
        leftovers,
        journals=Journals(root / "journals"),
        previews=settings.previews_path,
        lake=lake,
        store_address=settings.store_address,
        release_table=root / "release.toml",
        tables=settings.tables_path,
        workers=settings.workers,
    )
    account_store, passwords = AccountStore(), Passwords()
    holdings = Holdings(database, observations, previews_path=settings.previews_path)
    delivery = Deliveries(database, observations, store)
    opening = Opening(delivery, holdings)
    access_log = AccessLog(database, account_store, keep_days=settings.access_log_days)
    return Archive(
        settings=settings,
        database=database,
        store=store,
        replica=replica,
        follower=Follower(replica),
        holdings=holdings,
        delivery=delivery,
        spectra=Spectra(opening),
        cubes=Cubes(opening),
        series=TimeSeries(opening),
        contents=Contents(opening),
        intake=Intake(database, observations, pipeline, archivist, leftovers),
        audit=Audit(database, observations, store),
        sources=Sources(engine, lake),
        tables=Tables(
            QueryProcess(the_command("deepfield.query_process"), settings.model_dump(mode="json")),
            load_published(),
            newest=lambda: replica.snapshot,
        ),
        search=search,
        keeping=Keeping(database, KeptStore()),
        newsroom=Newsroom(search),
        citations=Citations(database, Selections(), search, tables.citation),
        bundles=Bundles(database, Selections(), store, search),
        resolve=resolve,
        targets=targets,
        releases=Releases(database, observations, outbox),
        jobs=Jobs(database, JobQueue(), settings.jobs_path, limits=_job_limits(settings)),
        fetcher=Fetcher(
            seconds=settings.upload_seconds, limit=settings.upload_mb << 20, private=settings.upload_private
        ),
        snapshots=Snapshots(database, Pins()),
        access_log=access_log,
        accounts=Accounts(database, account_store, access_log, passwords),
        sign_in=SignIn(database, account_store, access_log, passwords, session_hours=settings.session_hours),
        openid=_openid(settings),
    )


def _job_limits(settings: Settings) -> JobLimits:
    return JobLimits(
        duration=timedelta(seconds=settings.job_seconds),
        keep=timedelta(days=settings.job_keep_days),
        keep_most=timedelta(days=max(settings.job_keep_days, settings.job_keep_most_days)),
        waiting=settings.jobs_waiting,
        kept=settings.jobs_kept,
        reserve=settings.disk_reserve_mb << 20,
    )


def _resolve_offline() -> None:
    """Keep astropy's coordinates from asking any host for the rotation of the Earth: tables that ship with it do."""
    from astropy.utils import iers

    iers.conf.auto_download = False
    iers.conf.iers_degraded_accuracy = "ignore"


def _sesame(settings: Settings) -> Sesame | None:
    if settings.sesame_url is None:
        return None
    return Sesame(settings.sesame_url, seconds=settings.sesame_seconds, keep_hours=settings.sesame_keep_hours)


def _openid(settings: Settings) -> OpenIdProvider | None:
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None:
        raise ConfigurationError("oidc_client_id is missing: the provider at oidc_issuer knows this archive by it")
    secret = settings.oidc_client_secret
    return OpenIdProvider(
        settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=None if secret is None else secret.get_secret_value(),
    )


def _home(settings: Settings) -> Path:
    try:
        settings.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"home {settings.root} cannot be made: {error.strerror}") from None
    return settings.root
