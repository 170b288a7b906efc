"""The mission's tables, as typed values: what suffixes, exposure types, bands and keywords mean.

The tables live as TSV and TOML in the folder ``tables`` of this package. An operator who knows better puts files of
the same names and columns into a folder of their own; rows there replace rows of the same key and add new ones.
"""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, cast

from deepfield.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from deepfield.model.observation import ProductType

Stage = Literal["1b", "2a", "2b", "2c", "3"]

LEVEL_OF_STAGE: Mapping[str, int] = {"1b": 1, "2a": 2, "2b": 2, "2c": 2, "3": 3}
"""CAOM 2.4 calibration level of a processing stage; 2a to 2c are one level there."""

STAGES: tuple[Stage, ...] = ("3", "2c", "2b", "2a", "1b")
"""From the most to the least processed."""


@dataclass(frozen=True, slots=True)
class Suffix:
    """What a product suffix stands for. ``stage_*`` is None where no such product exists."""

    name: str
    stage_of_exposure: Stage | None
    stage_of_combined: Stage | None
    product_type: ProductType
    content: str
    """Half a sentence: what the product holds."""

    def stage(self, *, combined: bool) -> Stage | None:
        """Return the stage of such a product of an exposure, or of a combination of exposures."""
        first, second = self.stage_of_exposure, self.stage_of_combined
        return (second or first) if combined else (first or second)


@dataclass(frozen=True, slots=True)
class ExposureType:
    """What an EXP_TYPE stands for."""

    name: str
    instrument: str
    mode: str
    mode_words: tuple[str, ...]
    """The archive's ``INSTRUMENT/MODE``; two for FGS, by detector."""
    intent: Literal["science", "calibration"]
    dataproduct_type: str
    time_series: Literal["never", "always", "visit"]

    def mode_word(self, detector: str | None) -> str:
        """Return the archive's name of instrument and mode."""
        if len(self.mode_words) > 1 and detector and detector[-1:].isdigit():
            return self.mode_words[min(int(detector[-1]), len(self.mode_words)) - 1]
        return self.mode_words[0]


@dataclass(frozen=True, slots=True)
class Band:
    """A wavelength range selected by an optical element (or two, joined by ``;``); micrometres in vacuum."""

    instrument: str
    element: str
    wheel: str
    lower_um: float
    upper_um: float
    pivot_um: float | None
    crossing: bool
    """Whether the element takes the range of the filter it is crossed with."""
    exposure_types: tuple[str, ...]
    """The exposure types for which the range holds; empty for all."""


@dataclass(frozen=True, slots=True)
class DqFlag:
    """A bit of the DQ and PIXELDQ planes."""

    bit: int
    name: str
    former_name: str | None
    """The name that files of older pipelines know."""
    in_groupdq: bool
    group: str
    meaning: str

    @property
    def value(self) -> int:
        return 1 << self.bit


@dataclass(frozen=True, slots=True)
class Family:
    """A family of file names."""

    id: str
    pattern: str
    holds: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field of the model comes from in a header: keywords in order of preference."""

    keywords: tuple[str, ...]
    unit: str | None = None
    transform: str | None = None


@dataclass(frozen=True, slots=True)
class NameGrammar:
    """The families of file names, and how tokens of optical elements fall apart."""

    families: tuple[Family, ...]
    media_types: Mapping[str, str]
    slits: frozenset[str]
    channels: frozenset[str]
    bands: frozenset[str]
    detectors: frozenset[str]
    markers: frozenset[str]
    elements: frozenset[str]


@dataclass(frozen=True, slots=True)
class JwstTables:
    """All tables of the mission."""

    suffixes: Mapping[str, Suffix]
    exposure_types: Mapping[str, ExposureType]
    bands: tuple[Band, ...]
    recommended: Mapping[tuple[str, bool], Mapping[Stage, tuple[str, ...]]]
    keywords: Mapping[str, Source]
    tree_paths: Mapping[str, str]
    """Where the metadata tree keeps what a keyword says."""
    names: NameGrammar
    main_products: Mapping[str, Mapping[str, tuple[str, ...]]]
    resolving_powers: Mapping[tuple[str, str], float]
    dq_flags: Mapping[str, DqFlag]

    @classmethod
    def load(cls, overrides: Path | None = None) -> JwstTables:
        """Read the tables of the package, overruled row by row by files of the same names in a folder.

        Raises:
            ConfigurationError: an operator's file cannot be read or lacks a column.
        """
        folders: list[Path | Traversable] = [resources.files(__package__) / "tables"]
        if overrides is not None:
            folders.append(overrides)
        suffixes = {row["suffix"]: _suffix(row) for row in _rows(folders, "suffixes.tsv")}
        keywords = _documents(folders, "keywords.toml")
        bands = {_band_key(row): _band(row) for row in _rows(folders, "bands.tsv")}
        return cls(
            suffixes=suffixes,
            exposure_types={row["exposure_type"]: _exposure_type(row) for row in _rows(folders, "exposure_types.tsv")},
            bands=tuple(bands.values()),
            recommended=_recommended(_rows(folders, "recommended.tsv")),
            keywords=_keywords(keywords),
            tree_paths={name: path for document in keywords for name, path in document.get("tree", {}).items()},
            names=_grammar(_documents(folders, "names.toml")[-1], suffixes, bands.values()),
            main_products=_main_products(_documents(folders, "main_products.toml")),
            resolving_powers={
                (row["instrument"], row["element"]): float(row["resolving_power"])
                for row in _rows(folders, "resolving.tsv")
            },
            dq_flags={row["name"]: _dq_flag(row) for row in _rows(folders, "dq_flags.tsv")},
        )

    def recommended_suffixes(self, exposure_type: str | None, *, time_series: bool) -> Mapping[Stage, tuple[str, ...]]:
        """Return which suffixes are recommended at each stage; nothing for an exposure type without an entry."""
        return self.recommended.get((exposure_type or "", time_series), {})

    def main_suffixes(self, dataproduct_type: str | None, product_id: str) -> tuple[str, ...]:
        """Return the suffixes that may stand for a plane, the best first."""
        return self.main_products.get(dataproduct_type or "image", {}).get(product_id, ())

    def resolving_power(self, instrument: str, element: str) -> float | None:
        """Return the typical resolving power of a disperser; None for a filter."""
        return self.resolving_powers.get((instrument, element))

    def band(self, instrument: str, element: str, exposure_type: str | None = None) -> Band | None:
        """Return the range of an element; that of the exposure type where there are several."""
        found = [band for band in self.bands if band.instrument == instrument and band.element == element]
        named = [band for band in found if exposure_type in band.exposure_types]
        general = [band for band in found if not band.exposure_types]
        return next(iter((*named, *general, *found)), None)


@cache
def default_tables() -> JwstTables:
    """Return the tables as they come with the package."""
    return JwstTables.load()


def _rows(folders: Sequence[Path | Traversable], name: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    columns: set[str] = set()
    for folder in folders:
        file = folder / name
        if not file.is_file():
            continue
        lines = [line for line in file.read_text("utf-8").splitlines() if line and not line.startswith("#")]
        read = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
        if columns and read and not columns <= set(read[0]):
            raise ConfigurationError(f"{file} lacks the columns {', '.join(sorted(columns - set(read[0])))}")
        columns = columns or set(read[0])
        rows.extend(read)
    return rows


def _documents(folders: Sequence[Path | Traversable], name: str) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = []
    for folder in folders:
        file = folder / name
        if file.is_file():
            try:
                documents.append(tomllib.loads(file.read_text("utf-8")))
            except tomllib.TOMLDecodeError as error:
                raise ConfigurationError(f"{file} is not TOML: {error}") from error
    return documents


def _text(value: str) -> str | None:
    return None if value == "-" else value


def _items(value: str) -> tuple[str, ...]:
    return () if value == "-" else tuple(value.split(","))


def _suffix(row: Mapping[str, str]) -> Suffix:
    return Suffix(
        name=row["suffix"],
        stage_of_exposure=cast("Stage | None", _text(row["stage_of_exposure"])),
        stage_of_combined=cast("Stage | None", _text(row["stage_of_combined"])),
        product_type=cast("ProductType", row["product_type"]),
        content=row["content"],
    )


def _exposure_type(row: Mapping[str, str]) -> ExposureType:
    return ExposureType(
        name=row["exposure_type"],
        instrument=row["instrument"],
        mode=row["mode"],
        mode_words=tuple(row["mode_word"].split("|")),
        intent=cast("Literal['science', 'calibration']", row["intent"]),
        dataproduct_type=row["dataproduct_type"],
        time_series=cast("Literal['never', 'always', 'visit']", row["time_series"]),
    )


def _band_key(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["instrument"], row["element"], row["exposure_types"]


def _band(row: Mapping[str, str]) -> Band:
    pivot = _text(row["pivot_um"])
    return Band(
        instrument=row["instrument"],
        element=row["element"],
        wheel=row["wheel"],
        lower_um=float(row["lower_um"]),
        upper_um=float(row["upper_um"]),
        pivot_um=float(pivot) if pivot else None,
        crossing=row["rule"] == "crossing",
        exposure_types=_items(row["exposure_types"]),
    )


def _dq_flag(row: Mapping[str, str]) -> DqFlag:
    return DqFlag(
        bit=int(row["bit"]),
        name=row["name"],
        former_name=_text(row["former_name"]),
        in_groupdq=row["in_groupdq"] == "yes",
        group=row["group"],
        meaning=row["meaning"],
    )


def _recommended(
    rows: Sequence[Mapping[str, str]],
) -> dict[tuple[str, bool], Mapping[Stage, tuple[str, ...]]]:
    table: dict[tuple[str, bool], Mapping[Stage, tuple[str, ...]]] = {}
    for row in rows:
        by_stage: dict[Stage, tuple[str, ...]] = {
            "3": _items(row["stage_3"]),
            "2b": _items(row["stage_2b"]),
            "2a": _items(row["stage_2a"]),
            "1b": _items(row["stage_1b"]),
        }
        for time_series in {"any": (False, True), "no": (False,), "yes": (True,)}[row["time_series"]]:
            table[row["exposure_type"], time_series] = by_stage
    return table


def _main_products(documents: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, tuple[str, ...]]]:
    return {
        kind: {plane: tuple(suffixes) for plane, suffixes in planes.items()}
        for document in documents
        for kind, planes in document.items()
    }


def _keywords(documents: Sequence[Mapping[str, Any]]) -> dict[str, Source]:
    return {
        field: Source(tuple(entry["keywords"]), entry.get("unit"), entry.get("transform"))
        for document in documents
        for field, entry in document.get("field", {}).items()
    }


def _grammar(document: Mapping[str, Any], suffixes: Mapping[str, Suffix], bands: Iterable[Band]) -> NameGrammar:
    known = sorted(
        {*suffixes, *document["intermediate"]} - {"asn", "pool", "stream"}, key=lambda name: (-len(name), name)
    )
    fragments: dict[str, str] = {"suffixes": "|".join(sorted(known, key=lambda name: (-len(name), name)))}
    for name, text in document["fragments"].items():
        fragments[name] = _filled(text, fragments)
    tokens = document["optical_elements"]
    elements = {part.lower() for band in bands for part in band.element.split(";")}
    return NameGrammar(
        families=tuple(
            Family(entry["id"], _filled(entry["pattern"], fragments), entry["holds"]) for entry in document["family"]
        ),
        media_types=document["media_types"],
        slits=frozenset(tokens["slits"]),
        channels=frozenset(tokens["channels"]),
        bands=frozenset(tokens["bands"]),
        detectors=frozenset(tokens["detectors"]),
        markers=frozenset(tokens["markers"]),
        elements=frozenset(elements | set(tokens["positions"])),
    )


def _filled(text: str, fragments: Mapping[str, str]) -> str:
    for name, fragment in fragments.items():
        text = text.replace("{{" + name + "}}", fragment)
    return text
