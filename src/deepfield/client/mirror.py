"""Keeps a copy of what another archive holds of a scope: fetches what is new or changed there, and nothing else."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self
from urllib.parse import urlsplit

from deepfield.client.ledger import Copy, Ledger, Settled
from deepfield.client.listing import Remote
from deepfield.client.mast import address_of
from deepfield.client.transfers import digest_of, tag_of
from deepfield.client.upstream import offered
from deepfield.model.errors import StorageError, TransferError
from deepfield.model.identifiers import artifact_uri
from deepfield.model.layouts import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import requests

    from deepfield.client.client import Client
    from deepfield.client.transfers import Outcome
    from deepfield.client.upstream import Offer, Offered, Scope

GONE: Final = frozenset({404, 410})
LAYOUT: Final = "programme"
Reason = Literal["new", "changed", "damaged"]


@dataclass(frozen=True, slots=True)
class Step:
    """A file to fetch, and why."""

    offer: Offer
    remote: Remote
    reason: Reason
    revision: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a mirror would do now."""

    scope: Scope
    offered: Offered
    steps: tuple[Step, ...]
    kept: tuple[Copy, ...]
    """What is here as it is there."""
    exclusive: tuple[Offer, ...]
    """Not public yet, and no token was given."""
    retired: tuple[Copy, ...]
    """Fetched before, and withdrawn by the archive since; what is here stays."""
    left: tuple[Copy, ...]
    """Fetched before, and still there, but no longer of the scope."""

    @property
    def size(self) -> int:
        """Bytes to fetch, as far as they are known."""
        return sum(step.remote.size or 0 for step in self.steps)


class Mirror:
    """Copies of one archive in a folder: ``files`` below it, and the ledger that says which version each is."""

    def __init__(self, client: Client, folder: Path, ledger: Ledger) -> None:
        self._client, self._ledger = client, ledger
        self.files = folder / "files"

    @classmethod
    @contextmanager
    def open(cls, client: Client, home: Path) -> Iterator[Self]:
        """Open the mirror of an archive under a home, alone.

        Raises:
            TransferError: another process has it open.
        """
        folder = home / "mirrors" / _folder_of(client.server)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise TransferError(client.server, "another mirror of it is under way in this home") from None
            yield cls(client, folder, Ledger.open(folder / "ledger.jsonl"))

    def plan(self, scope: Scope, *, verify: bool = False, workers: int = 4) -> Plan:
        """Ask the archive and compare; ``verify`` reads the copies that are here again.

        Raises:
            TransferError: the archive cannot be asked, or says what is wrong with the scope.
        """
        client, settled = self._client, self._ledger.scopes.get(scope.text(), Settled())
        found = offered(client.ask, client.server, scope, since=settled.newest)
        steps: list[Step] = []
        kept: list[Copy] = []
        exclusive: list[Offer] = []
        doubtful: list[tuple[Offer, Copy]] = []
        for offer in found.offers:
            copy = self._ledger.copies.get(offer.name)
            if not offer.is_public and not client.has_token:
                exclusive.append(offer)
            elif copy is None:
                steps.append(_step(offer, "new", 1))
            elif not self._is_whole(copy, verify=verify):
                steps.append(_step(offer, "damaged", copy.revision))
            elif (differs := _differs(offer, copy)) is None:
                doubtful.append((offer, copy))
            elif differs:
                steps.append(_step(offer, "changed", copy.revision + 1))
            else:
                kept.append(copy)
        with ThreadPoolExecutor(workers, thread_name_prefix="look") as pool:
            for (offer, copy), changed in zip(doubtful, pool.map(self._has_changed, doubtful), strict=True):
                if changed:
                    steps.append(_step(offer, "changed", copy.revision + 1))
                else:
                    kept.append(copy)
        names = {offer.name for offer in found.offers}
        missing = [self._ledger.copies[name] for name in sorted(settled.names - names) if name in self._ledger.copies]
        gone = {copy.name for copy in missing if self._is_gone(copy)}
        return Plan(
            scope, found, tuple(steps), tuple(kept), tuple(exclusive),
            retired=tuple(copy for copy in missing if copy.name in gone),
            left=tuple(copy for copy in missing if copy.name not in gone),
        )  # fmt: skip

    def require_space(self, plan: Plan, *, reserve: int = 0, quota: int | None = None) -> None:
        """Make sure that everything of a plan fits before anything of it is fetched.

        Raises:
            StorageError: the disk would have less than ``reserve`` bytes left, or all copies more than ``quota``.
        """
        partial = sum(path.stat().st_size for path in self.files.rglob("*.part")) if self.files.exists() else 0
        free = shutil.disk_usage(self.files.parent).free
        if free - max(plan.size - partial, 0) < reserve:
            reason = f"{plan.size} bytes are to be fetched, {free} are free and {reserve} of them are to stay so"
            raise StorageError(str(self.files), reason)
        held = sum(copy.size for copy in self._ledger.copies.values())
        if quota is not None and held + plan.size > quota:
            reason = f"{held} bytes are here and {plan.size} are to be fetched; the quota is {quota}"
            raise StorageError(str(self.files), reason)

    def run(self, plan: Plan, *, tell: Callable[[int], None] = lambda _count: None) -> Iterator[tuple[Step, Outcome]]:
        """Fetch what a plan says, yielding what became of each file as it ends. Stopped, it goes on next time."""
        steps = {step.remote.path: step for step in plan.steps}
        self._begin(plan.steps)
        complete, refused = True, {offer.name for offer in plan.exclusive}
        for outcome in self._client.transfers.fetch([step.remote for step in plan.steps], self.files, tell=tell):
            step = steps[outcome.path]
            if outcome.state != "failed":
                self._ledger.copied(self._copy(step, outcome))
            elif outcome.denied:
                refused.add(step.offer.name)
            else:
                complete = False
            yield step, outcome
        if complete:
            names = {offer.name for offer in plan.offered.offers} - refused
            before = self._ledger.scopes.get(plan.scope.text(), Settled()).newest
            newest = {**before, **plan.offered.newest}
            self._ledger.ended(plan.scope.text(), names, newest)

    def _begin(self, steps: Sequence[Step]) -> None:
        """Remove pieces of other versions than those that are about to be fetched."""
        versions = {step.offer.name: _version(step.offer) for step in steps}
        for step in steps:
            if self._ledger.begun.get(step.offer.name, versions[step.offer.name]) != versions[step.offer.name]:
                (self.files / f"{step.remote.path}.part").unlink(missing_ok=True)
        self._ledger.starts(versions)

    def _copy(self, step: Step, outcome: Outcome) -> Copy:
        offer, tag = step.offer, outcome.tag
        if tag is None and offer.modified is None:
            tag = tag_of(self._look(offer.url))
        size = (self.files / step.remote.path).stat().st_size
        return Copy(offer.name, step.remote.path, size, outcome.sha256, offer.modified, tag, step.revision)

    def _look(self, url: str) -> requests.Response:
        return self._client.look(url.removeprefix(self._client.server))

    def _is_whole(self, copy: Copy, *, verify: bool) -> bool:
        path = self.files / copy.path
        if not path.is_file() or path.stat().st_size != copy.size:
            return False
        if not verify or copy.sha256 is None:
            return True
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == copy.sha256

    def _has_changed(self, pair: tuple[Offer, Copy]) -> bool:
        """Ask of one file whether it still is what was fetched, since no service tells when it came."""
        offer, copy = pair
        answer = self._look(offer.url)
        if not answer.ok:
            return False  # whoever is to have it will be told so when it is fetched
        digest = digest_of(answer)
        if digest is not None and copy.sha256 is not None:
            return digest != copy.sha256
        return tag_of(answer) != copy.etag

    def _is_gone(self, copy: Copy) -> bool:
        address = address_of(self._client.server, artifact_uri(copy.name))
        return self._look(address).status_code in GONE


def _step(offer: Offer, reason: Reason, revision: int) -> Step:
    path = place(LAYOUT, offer.name, offer.obs_id)
    if revision > 1:  # bytes that are linked by the archive's history stay where they are
        folder, _, name = path.rpartition("/")
        path = f"{folder}/revision-{revision}/{name}"
    return Step(offer, Remote(path, offer.url, offer.size, offer.sha256), reason, revision)


def _differs(offer: Offer, copy: Copy) -> bool | None:
    """Tell whether what is offered is another version than the copy; None where only asking for it can tell."""
    if offer.size is not None and offer.size != copy.size:
        return True
    if offer.sha256 is not None and copy.sha256 is not None:
        return offer.sha256 != copy.sha256
    if offer.modified is not None:
        return copy.modified is None or offer.modified > copy.modified
    return None if copy.modified is None else False


def _version(offer: Offer) -> str:
    return offer.sha256 or f"{offer.size}@{offer.modified}"


def _folder_of(server: str) -> str:
    parts = urlsplit(server)
    return re.sub(r"[^A-Za-z0-9.-]", "_", f"{parts.netloc}{parts.path}").strip("._") or "archive"
