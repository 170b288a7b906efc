"""The client: one address, one token, and the same questions to Deepfield as to MAST."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from deepfield.client import mast, native
from deepfield.client.listing import Wanted
from deepfield.client.transfers import TIMEOUT, Transfers, words_of
from deepfield.model.errors import TransferError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepfield.client.listing import Listing
    from deepfield.client.transfers import Outcome


class Client:
    """Asks an archive at ``server``, Deepfield or MAST, with a token where exclusive data are wanted.

    ``speaks`` says which; by default the archive is asked once what it is.
    """

    def __init__(
        self, server: str, *, token: str | None = None, workers: int = 4, tries: int = 6, speaks: str | None = None
    ) -> None:
        self.server = server.rstrip("/")
        self._headers = {"Authorization": f"token {token}"} if token else {}
        self._speaks = speaks
        self._transfers = Transfers(self._headers, workers=workers, tries=tries)

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

    @property
    def transfers(self) -> Transfers:
        return self._transfers

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask the archive, with the token.

        Raises:
            TransferError: it does not answer, or not well; carries its own words.
        """
        try:
            answer = requests.request(
                method, f"{self.server}{path}", headers=self._headers, timeout=(15.0, 600.0), **options
            )
        except requests.RequestException as error:
            raise TransferError(self.server, f"it does not answer: {error}") from None
        if not answer.ok:
            raise TransferError(path, words_of(answer))
        return answer
