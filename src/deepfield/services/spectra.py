"""Spectra of products: which there are, the columns of one, and the slit it was taken from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deepfield.model.errors import InvalidValueError, NothingToShowError
from deepfield.products.extracted import Extraction, list_extractions, read_spectrum, spectra_of
from deepfield.products.rectified import list_slits, read_slit
from deepfield.services.opening import Remembered, nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepfield.access.policy import Readable
    from deepfield.products.extracted import Spectrum
    from deepfield.products.rectified import Rectified, Slit
    from deepfield.services.opening import Opening

WHAT: Final = "spectrum"
SLIT: Final = "two-dimensional spectrum"
SORTED_BY: Final = (
    "label",
    "source_id",
    "ra",
    "dec",
    "points",
    "signal_to_noise",
    "low",
    "high",
    "integration",
    "order",
)
_REMEMBERED: Final = 8


@dataclass(frozen=True, slots=True)
class SpectrumList:
    """Some of the spectra of a product."""

    filename: str
    total: int
    """Spectra of the product."""
    found: int
    """Of them with the words asked for."""
    spectra: Sequence[Extraction]


class Spectra:
    """Looks for spectra in products and hands them out exactly as they stand there."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._lists: Remembered[list[Extraction]] = Remembered(_REMEMBERED)

    def list(
        self, filename: str, *, rule: Readable, words: str = "", sort: str = "", offset: int = 0, limit: int = 100
    ) -> SpectrumList:
        """Return the spectra of a product with their outlines; none where it holds none.

        Raises:
            InvalidValueError: ``sort`` names no fact of spectra.
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        if sort.removeprefix("-") not in {"", *SORTED_BY}:
            raise InvalidValueError(
                "sort", sort, f"one of {', '.join(SORTED_BY)}, with - before it for a descending one"
            )
        delivery = self._opening.find(filename, rule=rule)

        def listed() -> list[Extraction]:
            if self._opening.header(delivery).container != "fits":
                return []
            with self._opening.fits(delivery, WHAT) as file:
                return list_extractions(file)

        known = self._lists.get(delivery.sha256, listed)
        found = spectra_of(known, words=words, sort=sort)
        return SpectrumList(filename, len(known), len(found), found[offset : offset + limit])

    def spectrum(self, filename: str, key: str, *, rule: Readable) -> Spectrum:
        """Return one spectrum with all columns of the file.

        Raises:
            InvalidValueError: the key is none.
            NothingToShowError: the product holds no such spectrum.
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        with self._opening.fits(self._opening.find(filename, rule=rule), WHAT) as file:
            found = read_spectrum(file, key)
            if found is None:
                raise nothing(file, f"{WHAT} {key}")
            return found

    def slits(self, filename: str, *, rule: Readable) -> Sequence[Slit]:
        """Return the two-dimensional spectra of a product; none where it holds none.

        Raises:
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        delivery = self._opening.find(filename, rule=rule)
        try:
            with self._opening.fits(delivery, SLIT) as file:
                return list_slits(file)
        except NothingToShowError:
            return []

    def slit(self, filename: str, number: int, *, rule: Readable) -> Rectified:
        """Return one two-dimensional spectrum by the number of its HDU.

        Raises:
            NothingToShowError: the product holds none there.
            UnknownProductError, AccessDeniedError, StaleFileError, UnreadableFileError, BusyError: as opening does.
        """
        with self._opening.fits(self._opening.find(filename, rule=rule), SLIT) as file:
            found = read_slit(file, number)
            if found is None:
                raise nothing(file, f"{SLIT} in HDU {number}")
            return found
