"""The client: one address, one token, and the same questions to Deepfield as to MAST."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from deepfield.client import mast, native, searching
from deepfield.client.listing import Wanted
from deepfield.client.pace import PASSING, Pace, backoff
from deepfield.client.transfers import TIMEOUT, Transfers, words_of
from deepfield.model.errors import TransferError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from deepfield.client.listing import Listing
    from deepfield.client.searching import TargetList
    from deepfield.client.transfers import Outcome


class Client:
    """Asks an archive at ``server``, Deepfield or MAST, with a token where exclusive data are wanted.

    ``speaks`` says which; by default the archive is asked once what it is. ``rate`` bounds the requests a second, and
    ``patience`` says how often a question is asked again that found the archive busy or away.
    """

    def __init__(
        self,
        server: str,
        *,
        token: str | None = None,
        workers: int = 4,
        tries: int = 6,
        speaks: str | None = None,
        rate: float | None = None,
        patience: int = 0,
    ) -> None:
        self.server = server.rstrip("/")
        self.has_token, self._patience, self._pace = token is not None, patience, Pace(rate)
        self._headers = {"Authorization": f"token {token}"} if token else {}
        self._speaks = speaks
        self._transfers = Transfers(self._headers, workers=workers, tries=tries, pace=self._pace)

    @cached_property
    def speaks(self) -> str:
        """``deepfield`` or ``mast``.

        Raises:
            TransferError: the archive does not answer.
        """
        if self._speaks is not None:
            return self._speaks
        try:
            answer = requests.get(f"{self.server}/api/v1/status", timeout=TIMEOUT)
            is_ours = answer.ok and answer.json().get("name") == "Deepfield"
        except requests.JSONDecodeError:
            is_ours = False
        except requests.RequestException as error:
            raise TransferError(self.server, f"it does not answer: {error}") from None
        return "deepfield" if is_ours else "mast"

    def listing(self, wanted: Wanted) -> Listing:
        """Return what a selection comes down to.

        Raises:
            TransferError: the archive cannot be asked, or says that the selection is wrong.
        """
        ask = native.listing if self.speaks == "deepfield" else mast.listing
        return ask(self.ask, self.server, wanted)

    def shared(self, link: str) -> Wanted:
        """Return the selection of a shared basket, by its link or identifier.

        Raises:
            TransferError: there is none.
        """
        return native.shared(self.ask, link)

    def download(
        self, wanted: Wanted | Listing, folder: str | Path, *, tell: Callable[[int], None] = lambda _count: None
    ) -> list[Outcome]:
        """Fetch a selection into a folder; what is there already, whole, is kept.

        Raises:
            TransferError: the archive cannot be asked. A file that fails is an outcome, not an error.
        """
        listing = self.listing(wanted) if isinstance(wanted, Wanted) else wanted
        return list(self._transfers.fetch(listing.remotes, Path(folder), tell=tell))

    def search(self, **parameters: str) -> list[dict[str, Any]]:
        """Return the observations that a search at a Deepfield finds, all of one snapshot, one dictionary a row.

        The parameters are those of the portal's address: ``position="NGC 3324", radius="12'", filters="F444W*"``.

        Raises:
            TransferError: the archive cannot be asked, or says what is wrong with the search.
        """
        return searching.search(self.ask, parameters)

    def send_targets(self, targets: Iterable[str] | str | Path, *, name: str = "targets") -> TargetList:
        """Send names or positions, or the file that holds them, to be searched at once by ``search(targets=…)``.

        Raises:
            TransferError: the archive cannot be asked, or cannot read them.
        """
        return searching.send_targets(self.ask, targets, name)

    def targets(self, link: str) -> TargetList:
        """Return a list of targets by its identifier or a link to it.

        Raises:
            TransferError: there is none.
        """
        return searching.targets(self.ask, link)

    @property
    def transfers(self) -> Transfers:
        return self._transfers

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask the archive, with the token.

        Raises:
            TransferError: it does not answer, or not well; carries its own words.
        """
        answer = self._asked(method, path, options)
        if not answer.ok:
            raise TransferError(path, words_of(answer))
        return answer

    def look(self, path: str) -> requests.Response:
        """Ask for the headers of an address alone, with the token; whatever the archive says is returned.

        Raises:
            TransferError: it does not answer.
        """
        return self._asked("HEAD", path, {"allow_redirects": True})

    def _asked(self, method: str, path: str, options: Mapping[str, Any]) -> requests.Response:
        failures = 0
        while True:
            self._pace.keep()
            answer, trouble = None, ""
            try:
                answer = requests.request(
                    method, f"{self.server}{path}", headers=self._headers, timeout=(15.0, 600.0), **options
                )
            except requests.RequestException as error:
                trouble = str(error)
            if answer is not None and (answer.status_code not in PASSING or failures >= self._patience):
                return answer
            if failures >= self._patience:
                raise TransferError(self.server, f"it does not answer: {trouble}")
            failures += 1
            time.sleep(backoff(failures, answer))
