"""What somebody takes home: a selection of observations, searches and files becomes a list of deliveries.

Every face and every form of bundle asks here, so that all agree on what is recommended, on who may have it, and on what
is left out and why.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import parse_qsl

from deepfield.model.errors import AccessDeniedError, InvalidValueError, StaleFileError, UnknownProductError
from deepfield.model.identifiers import artifact_uri
from deepfield.model.layouts import place
from deepfield.services.delivery import delivery_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from deepfield.access.policy import Readable
    from deepfield.catalogue.database import Database
    from deepfield.catalogue.selections import Selections
    from deepfield.products.store import Store
    from deepfield.services.delivery import Delivery
    from deepfield.services.search import Search

FILTERS: Final = ("suffix", "extension", "product_type", "calib_level", "detector")
"""What a selection may narrow its products by, each to any of several values."""
Status = Literal["included", "exclusive", "changed", "retired", "unknown"]


@dataclass(frozen=True, slots=True)
class Selection:
    """What somebody wants, before anybody looked what that comes down to."""

    products: tuple[str, ...] = ()
    """File names, taken as they are, recommended or not."""
    observations: tuple[str, ...] = ()
    """obs_ids, for their recommended products."""
    searches: tuple[str, ...] = ()
    """Searches as the portal's address has them (``instrument_name=NIRCAM&text=nebula``), for the same."""
    everything: bool = False
    """The whole dataset of each observation, with what is linked to it."""
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Narrow to these values of ``FILTERS``."""
    snapshot: int | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.products or self.observations or self.searches)


@dataclass(frozen=True, slots=True)
class Entry:
    """One product of a bundle, or one that is left out and why."""

    filename: str
    status: Status
    obs_id: str | None = None
    size: int = 0
    sha256: str = ""
    version: int = 0
    suffix: str | None = None
    extension: str = ""
    product_type: str = ""
    product_group: str | None = None
    calib_level: int | None = None
    detector: str | None = None
    description: str = ""
    release: datetime | None = None
    """When everybody may have it, UTC."""
    programme: str | None = None
    delivery: Delivery | None = None
    """None for a product that is left out."""

    @property
    def uri(self) -> str:
        return artifact_uri(self.filename)

    def path(self, layout: str) -> str:
        """Return where the file lies under the folder of the download."""
        return place(layout, self.filename, self.obs_id)


@dataclass(frozen=True, slots=True)
class Bundle:
    """The products of a selection, each once, by file name: those handed over and those left out."""

    entries: tuple[Entry, ...]
    snapshot: int | None = None

    @property
    def included(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.status == "included")

    @property
    def left_out(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry.status != "included")

    @property
    def size(self) -> int:
        """Bytes of all products that are handed over."""
        return sum(entry.size for entry in self.included)

    def require_something(self, rule: Readable) -> Bundle:
        """Return the bundle, unless there is nothing in it to hand over.

        Raises:
            AccessDeniedError: everything in it is under exclusive access.
            UnknownProductError: nothing that was named is there.
            InvalidValueError: the selection came down to nothing.
        """
        if self.included:
            return self
        for entry in self.entries:
            match entry.status:
                case "exclusive":
                    rule.admit(entry.filename, data_release=entry.release, program=entry.programme)
                case "changed":
                    raise StaleFileError(entry.filename, "has changed since it was ingested")
                case _:
                    raise UnknownProductError(entry.filename)
        raise InvalidValueError("selection", "no product", "a selection that comes down to at least one product")

    def paths(self, layout: str) -> Iterator[tuple[Entry, str]]:
        """Yield what is handed over with its path; two names that a layout would put at one place stay apart."""
        taken: Counter[str] = Counter()
        for entry in self.included:
            path = entry.path(layout)
            taken[path] += 1
            again = taken[path]
            yield entry, path if again == 1 else f"{path.removesuffix(entry.filename)}{again}_{path.rpartition('/')[2]}"


def search_parameters(search: str, snapshot: int | None) -> dict[str, list[str]]:
    """Return the parameters of a search of a selection, on the snapshot that it names."""
    params: dict[str, list[str]] = {}
    for name, value in parse_qsl(search, keep_blank_values=True):
        params.setdefault(name, []).append(value)
    return params if snapshot is None else {**params, "snapshot": [str(snapshot)]}


class Bundles:
    """Gathers what selections come down to, at most ``max_products`` of them."""

    def __init__(
        self, database: Database, selections: Selections, store: Store, search: Search, *, max_products: int = 50_000
    ) -> None:
        self._database, self._selections, self._store, self._search = database, selections, store, search
        self._max_products = max_products

    def gather(self, selection: Selection, *, rule: Readable) -> Bundle:
        """Return the products of a selection: recommended ones of its observations unless it asks for everything.

        An observation without a recommended product gives all of its own. Products under exclusive access, changed
        and unknown ones are in the bundle too, left out by name.

        Raises:
            InvalidValueError: nothing was asked for, or more products than one bundle holds.
            InvalidQueryError, UnresolvedNameError: a search cannot be read.
        """
        if selection.is_empty:
            raise InvalidValueError("selection", "nothing", "at least one product, observation or search")
        snapshot = selection.snapshot
        obs_ids = [*selection.observations, *self._found(selection)]
        with self._database.read() as connection:
            rows = self._selections.of_observations(connection, obs_ids, linked=selection.everything, snapshot=snapshot)
            named = self._selections.named(connection, selection.products, snapshot=snapshot)
            known = self._selections.known(connection, selection.observations, snapshot=snapshot)
            now = self._current(connection, (*rows, *named)) if snapshot is not None else {}
        chosen = rows if selection.everything else _recommended(rows)
        wanted = {row["filename"]: row for row in (*named, *chosen) if _matches(row, selection.only)}
        self._check(len(wanted))
        missing = (set(selection.products) - {row["filename"] for row in named}) | (set(selection.observations) - known)
        guarded = [_as_guarded_now(row, now) if snapshot is not None else row for row in wanted.values()]
        entries = [self._entry(row, rule) for row in guarded]
        entries += [Entry(name, "unknown") for name in missing]
        return Bundle(tuple(sorted(entries, key=lambda entry: entry.filename)), snapshot)

    def observations(self, obs_numbers: Sequence[int]) -> list[str]:
        """Return the obs_ids of the current observations with these numbers, by which MAST's clients name them."""
        with self._database.read() as connection:
            return self._selections.numbered(connection, obs_numbers)

    def open(self, entry: Entry, *, rule: Readable) -> Delivery:
        """Return what is to be handed over, after the rule was asked and the reading recorded.

        Raises:
            AccessDeniedError: the rule does not allow it.
        """
        rule.admit(entry.filename, data_release=entry.release, program=entry.programme)
        if entry.delivery is None:
            raise AccessDeniedError(entry.filename, release=entry.release)
        return entry.delivery

    def _found(self, selection: Selection) -> Iterator[str]:
        """Yield the obs_ids of the searches, page by page of one snapshot each."""
        for search in selection.searches:
            params = search_parameters(search, selection.snapshot)
            query = self._search.parse({**params, "columns": "obs_id", "limit": str(self._search.max_page)})
            while True:
                page = self._search.find(query)
                self._check(page.total)
                yield from page.table["obs_id"].to_pylist()
                if page.next is None:
                    break
                query = replace(query, after=page.next)

    def _current(self, connection: Any, rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        names = {row["filename"] for row in rows}
        return {row["filename"]: row for row in self._selections.named(connection, names, snapshot=None)}

    def _check(self, count: int) -> None:
        if count > self._max_products:
            most = f"at most {self._max_products} in one bundle: narrow it, or take it in parts"
            raise InvalidValueError("selection", f"{count} products", most)

    def _entry(self, row: Mapping[str, Any], rule: Readable) -> Entry:
        allowed = rule.allows(data_release=row["data_release"], program=row["proposal_id"])
        delivery: Delivery | None = delivery_of(row, self._store) if allowed and not row.get("retired") else None
        status: Status = "retired" if row.get("retired") else "exclusive"
        if delivery is not None:
            status = "included" if self._is_there(delivery) else "changed"
        return Entry(
            filename=row["filename"],
            status=status,
            obs_id=row["obs_id"] or row["parent"],
            size=row["content_length"],
            release=row["data_release"],
            programme=row["proposal_id"],
            delivery=delivery if status == "included" else None,
            **{name: row[name] for name in _COPIED},
        )

    def _is_there(self, delivery: Delivery) -> bool:
        """Tell whether a file on this machine still is what was ingested; object stores are believed."""
        if self._store.local_path(delivery.location) is None:
            return True
        try:
            delivery.check(self._store.stat(delivery.location))
        except StaleFileError:
            return False
        return True


_COPIED: Final = (
    "sha256", "version", "suffix", "extension", "product_type", "product_group", "calib_level", "detector",
    "description",
)  # fmt: skip


def _as_guarded_now(row: Mapping[str, Any], now: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return an earlier row under the access rule of what there is now; a product withdrawn since is retired."""
    current = now.get(row["filename"])
    if current is None:
        return {**row, "retired": True}
    return {**row, "data_release": current["data_release"], "proposal_id": current["proposal_id"]}


def _recommended(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    listed: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        listed.setdefault(row["parent"], []).append(row)
    chosen: list[Mapping[str, Any]] = []
    for products in listed.values():
        recommended = [row for row in products if row["product_group"] is not None]
        chosen += recommended or products
    return chosen


def _matches(row: Mapping[str, Any], only: Mapping[str, frozenset[str]]) -> bool:
    return all(str(row[name]).lower() in values for name, values in only.items())
