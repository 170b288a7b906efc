"""What to write in a paper that used a selection: acknowledgement, facilities, and one reference for each programme."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from deepfield.missions.jwst.citation import filled
from deepfield.model.errors import InvalidValueError
from deepfield.query.listings import Grouping
from deepfield.services.bundles import search_parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from deepfield.catalogue.database import Database
    from deepfield.catalogue.selections import Selections
    from deepfield.missions.jwst.citation import CitationWords
    from deepfield.services.bundles import Selection
    from deepfield.services.search import Search

MJD_ZERO: Final = datetime(1858, 11, 17, tzinfo=UTC)
MOST: Final = 1000
"""Programmes that one citation names."""
_BY_PROGRAMME: Final = Grouping(
    subject="proposal_id",
    aggregates=(
        ("title", "first", "proposal_title"),
        ("pi", "first", "proposal_pi"),
        ("instruments", "set", "instrument_name"),
        ("first", "min", "t_min"),
        ("last", "max", "t_max"),
        ("observations", "count", "obs_number"),
    ),
)
_LATEX: Final[Mapping[str, str]] = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip
_SPECIAL: Final = re.compile("[" + re.escape("".join(_LATEX)) + "]")


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme of which a selection holds something; the rest is about what it holds."""

    programme: str
    title: str | None
    pi: str | None
    instruments: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    observations: int
    doi: str | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """Texts for a paper."""

    programmes: tuple[Programme, ...]
    instruments: tuple[str, ...]
    observations: int
    snapshot: int
    text: str
    latex: str
    facilities: str
    """For AASTeX."""
    bibtex: str


class Citations:
    """Writes what a paper has to say of its data."""

    def __init__(self, database: Database, selections: Selections, search: Search, words: CitationWords) -> None:
        self._database, self._selections, self._search, self._words = database, selections, search, words

    def cite(self, selection: Selection, *, address: str) -> Citation:
        """Return the texts for a selection of observations, files and searches of the archive at ``address``.

        What several parts of the selection hold is counted once where it is named, and with each search that finds it.

        Raises:
            InvalidValueError: nothing was selected, or of too many programmes.
            InvalidQueryError, UnresolvedNameError: a search cannot be read.
        """
        if selection.is_empty:
            raise InvalidValueError("selection", "nothing", "at least one product, observation or search")
        found: dict[str, Programme] = {}
        for row in (*self._named(selection), *self._searched(selection)):
            programme = _programme(row, self._words.doi)
            before = found.get(programme.programme)
            found[programme.programme] = programme if before is None else _joined(before, programme)
        programmes = tuple(sorted(found.values(), key=lambda each: (len(each.programme), each.programme)))
        instruments = tuple(sorted({name for each in programmes for name in each.instruments}))
        snapshot = selection.snapshot or self._search.status().snapshot
        facts = {"programs": _programs(programmes), "address": address, "snapshot": str(snapshot)}
        dois = [f"https://doi.org/{each.doi}" for each in programmes if each.doi]
        wanted = [self._words.acknowledgement, self._words.availability] if programmes else []
        sentences = [filled(words, facts) for words in wanted]
        sentences += [f"They are published as {_listed(dois)}."] if dois else []
        return Citation(
            programmes=programmes,
            instruments=instruments,
            observations=sum(each.observations for each in programmes),
            snapshot=snapshot,
            text="".join(f"{sentence}\n" for sentence in sentences),
            latex="".join(f"{_latex(sentence)}\n" for sentence in sentences),
            facilities=self._facilities(instruments),
            bibtex="\n".join(self._reference(each, address, snapshot) for each in programmes),
        )

    def _searched(self, selection: Selection) -> Iterator[Mapping[str, Any]]:
        for text in selection.searches:
            query = self._search.parse(search_parameters(text, selection.snapshot))
            listing = self._search.groups(query, _BY_PROGRAMME, order=(), offset=0, limit=MOST + 1)
            if listing.total > MOST:
                raise InvalidValueError("selection", f"{listing.total} programmes", f"at most {MOST} in one citation")
            yield from listing.table.to_pylist()

    def _named(self, selection: Selection) -> list[Mapping[str, Any]]:
        with self._database.read() as connection:
            files = self._selections.named(connection, selection.products, snapshot=selection.snapshot)
            names = {*selection.observations, *(row["obs_id"] for row in files if row["obs_id"])}
            rows = self._selections.described(connection, names, snapshot=selection.snapshot)
        return [
            {
                "name": row["proposal_id"], "title": row["proposal_title"], "pi": row["proposal_pi"],
                "instruments": [row["instrument_name"]], "first": row["t_min"], "last": row["t_max"], "observations": 1,
            }
            for row in rows
        ]  # fmt: skip

    def _facilities(self, instruments: Iterable[str]) -> str:
        names = ", ".join(self._words.instruments.get(name, name) for name in instruments)
        return f"\\facility{{{_latex(self._words.facility)}{f' ({_latex(names)})' if names else ''}}}\n"

    def _reference(self, programme: Programme, address: str, snapshot: int) -> str:
        """Write a BibTeX entry. Braces in values are balanced since they are escaped."""
        proposal = filled(self._words.proposal, {"program": programme.programme})
        years = sorted({moment.year for moment in (programme.first, programme.last) if moment is not None})
        observed = f"Observed {years[0]}{f' to {years[-1]}' if len(years) > 1 else ''}. " if years else ""
        fields = {
            "author": _latex(programme.pi) if programme.pi else None,
            "title": f"{{{_latex(programme.title)}}}" if programme.title else None,
            "howpublished": _latex(proposal),
            "doi": programme.doi,
            "url": address,
            "note": _latex(f"{observed}Retrieved as of snapshot {snapshot}"),
        }
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
        return f"@misc{{jwst-{re.sub('[^A-Za-z0-9]', '', programme.programme)},\n" + ",\n".join(lines) + "\n}\n"


def _programme(row: Mapping[str, Any], dois: Mapping[str, str]) -> Programme:
    name = row["name"] or ""
    return Programme(
        programme=name,
        title=row["title"],
        pi=row["pi"],
        instruments=tuple(sorted({each for each in row["instruments"] or () if each})),
        first=_moment(row["first"]),
        last=_moment(row["last"]),
        observations=row["observations"],
        doi=dois.get(name),
    )


def _joined(one: Programme, other: Programme) -> Programme:
    starts = [moment for moment in (one.first, other.first) if moment is not None]
    ends = [moment for moment in (one.last, other.last) if moment is not None]
    return Programme(
        programme=one.programme,
        title=one.title or other.title,
        pi=one.pi or other.pi,
        instruments=tuple(sorted({*one.instruments, *other.instruments})),
        first=min(starts, default=None),
        last=max(ends, default=None),
        observations=one.observations + other.observations,
        doi=one.doi,
    )


def _programs(programmes: Iterable[Programme]) -> str:
    names = [each.programme for each in programmes if each.programme]
    return f"program{'s' if len(names) != 1 else ''} {_listed(names)}" if names else "no program"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _latex(text: str) -> str:
    return _SPECIAL.sub(lambda found: _LATEX[found[0]], text)


def _moment(mjd: float | None) -> datetime | None:
    return None if mjd is None else MJD_ZERO + timedelta(days=mjd)
