"""The mission's tables, as typed values: what suffixes, exposure types, bands and keywords mean.

The tables live as TSV and TOML in the folder ``tables`` of this package. An operator who knows better puts files of
the same names and columns into a folder of their own; rows there replace rows of the same key and add new ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from deepfield.missions.jwst.citation import CitationWords
from deepfield.missions.jwst.rows import NONE, check_folder, closest, read_documents, read_rows
from deepfield.model.errors import ConfigurationError
from deepfield.model.observation import ProductType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from importlib.resources.abc import Traversable
    from pathlib import Path

    from deepfield.missions.jwst.rows import Row

Stage = Literal["1b", "2a", "2b", "2c", "3"]

LEVEL_OF_STAGE: Mapping[str, int] = {"1b": 1, "2a": 2, "2b": 2, "2c": 2, "3": 3}
"""CAOM 2.4 calibration level of a processing stage; 2a to 2c are one level there."""

STAGES: tuple[Stage, ...] = ("3", "2c", "2b", "2a", "1b")
"""From the most to the least processed."""

INSTRUMENTS = frozenset({"FGS", "MIRI", "NIRCAM", "NIRISS", "NIRSPEC"})
DATAPRODUCT_TYPES = frozenset(
    {"image", "cube", "eventlist", "spectrum", "timeseries", "visibility", "measurements", "catalog", "event", "sed"}
)
"""CAOM 2.4 DataProductType."""


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
    suffix: str | None = None
    """The suffix that all its files stand for, where none is written into their names."""
    intent: str | None = None
    """What its data are for, where no exposure type tells."""
    moment: bool = False
    """Whether its data are of one moment, that of DATE-OBS and TIME-OBS, and not of a span."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a field of the model comes from in a header: keywords in order of preference."""

    keywords: tuple[str, ...]
    unit: str | None = None
    transform: str | None = None


@dataclass(frozen=True, slots=True)
class SourceColumns:
    """What pipelines have called the columns of source catalogues."""

    names: Mapping[str, tuple[str, ...]]
    """Our column: its names in files, in lower case, the present one first."""
    opposites: Mapping[str, tuple[str, ...]]
    """Our column of truth values: names of columns that say the contrary."""

    def in_files(self, column: str) -> tuple[str, ...]:
        """Return the names of a column in files, in lower case."""
        return self.names.get(column, (column,))


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
    text_paths: Mapping[str, str]
    """What the metadata of text tables call what a keyword says."""
    names: NameGrammar
    main_products: Mapping[str, Mapping[str, tuple[str, ...]]]
    resolving_powers: Mapping[tuple[str, str], float]
    dq_flags: Mapping[str, DqFlag]
    source_columns: SourceColumns
    citation: CitationWords

    @classmethod
    def load(cls, overrides: Path | None = None) -> JwstTables:
        """Read the tables of the package, overruled row by row by files of the same names in a folder.

        Raises:
            ConfigurationError: the folder or one of its files cannot be right; says file, line and what would be.
        """
        folders: list[Path | Traversable] = [resources.files(__package__) / "tables"]
        if overrides is not None:
            check_folder(overrides, {file.name for file in folders[0].iterdir()})
            folders.append(overrides)
        suffixes = {row.text("suffix"): _suffix(row) for row in read_rows(folders, "suffixes.tsv")}
        types = {row.text("exposure_type"): _exposure_type(row) for row in read_rows(folders, "exposure_types.tsv")}
        bands = {_band_key(row): _band(row, types) for row in read_rows(folders, "bands.tsv")}
        keywords = read_documents(folders, "keywords.toml")
        return cls(
            suffixes=suffixes,
            exposure_types=types,
            bands=tuple(bands.values()),
            recommended=_recommended(read_rows(folders, "recommended.tsv"), types, suffixes),
            keywords=_keywords(keywords),
            tree_paths={name: path for _, document in keywords for name, path in document.get("tree", {}).items()},
            text_paths={name: path for _, document in keywords for name, path in document.get("text", {}).items()},
            names=_names(read_documents(folders, "names.toml")[-1], suffixes, bands.values()),
            main_products=_main_products(read_documents(folders, "main_products.toml"), suffixes),
            resolving_powers={
                (row.choice("instrument", INSTRUMENTS), row.text("element")): row.number("resolving_power")
                for row in read_rows(folders, "resolving.tsv")
            },
            dq_flags={row.text("name"): _dq_flag(row) for row in read_rows(folders, "dq_flags.tsv")},
            source_columns=_source_columns(read_documents(folders, "source_columns.toml")),
            citation=CitationWords.of(read_documents(folders, "citation.toml")),
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
def tables_of(overrides: Path | None) -> JwstTables:
    """Return the tables under an operator's folder, read once in a process.

    Raises:
        ConfigurationError: the folder or one of its files cannot be right.
    """
    return JwstTables.load(overrides)


def default_tables() -> JwstTables:
    """Return the tables as they come with the package."""
    return tables_of(None)


def _suffix(row: Row) -> Suffix:
    return Suffix(
        name=row.text("suffix"),
        stage_of_exposure=_stage(row, "stage_of_exposure"),
        stage_of_combined=_stage(row, "stage_of_combined"),
        product_type=cast("ProductType", row.choice("product_type", get_args(ProductType))),
        content=row.text("content"),
    )


def _stage(row: Row, column: str) -> Stage | None:
    stage = row.choice(column, (*STAGES, NONE))
    return None if stage == NONE else cast("Stage", stage)


def _exposure_type(row: Row) -> ExposureType:
    return ExposureType(
        name=row.text("exposure_type"),
        instrument=row.choice("instrument", INSTRUMENTS),
        mode=row.text("mode"),
        mode_words=tuple(row.text("mode_word").split("|")),
        intent=cast("Literal['science', 'calibration']", row.choice("intent", ("science", "calibration"))),
        dataproduct_type=row.choice("dataproduct_type", DATAPRODUCT_TYPES),
        time_series=cast(
            "Literal['never', 'always', 'visit']", row.choice("time_series", ("never", "always", "visit"))
        ),
    )


def _band_key(row: Row) -> tuple[str, str, str]:
    return row.text("instrument"), row.text("element"), row.text("exposure_types")


def _band(row: Row, exposure_types: Collection[str]) -> Band:
    band = Band(
        instrument=row.choice("instrument", INSTRUMENTS),
        element=row.text("element"),
        wheel=row.text("wheel"),
        lower_um=row.number("lower_um"),
        upper_um=row.number("upper_um"),
        pivot_um=row.number("pivot_um") if row.optional("pivot_um") else None,
        crossing=row.choice("rule", ("range", "crossing")) == "crossing",
        exposure_types=row.items("exposure_types", known=exposure_types),
    )
    if band.lower_um >= band.upper_um:
        raise row.wrong("upper_um", f"more than lower_um, {band.lower_um:g} micrometres")
    return band


def _dq_flag(row: Row) -> DqFlag:
    return DqFlag(
        bit=row.whole("bit", below=32),
        name=row.text("name"),
        former_name=row.optional("former_name"),
        in_groupdq=row.choice("in_groupdq", ("yes", "no")) == "yes",
        group=row.text("group"),
        meaning=row.text("meaning"),
    )


def _recommended(
    rows: Sequence[Row], exposure_types: Collection[str], suffixes: Collection[str]
) -> dict[tuple[str, bool], Mapping[Stage, tuple[str, ...]]]:
    table: dict[tuple[str, bool], Mapping[Stage, tuple[str, ...]]] = {}
    series = {"any": (False, True), "no": (False,), "yes": (True,)}
    for row in rows:
        by_stage: dict[Stage, tuple[str, ...]] = {
            "3": row.items("stage_3", known=suffixes),
            "2b": row.items("stage_2b", known=suffixes),
            "2a": row.items("stage_2a", known=suffixes),
            "1b": row.items("stage_1b", known=suffixes),
        }
        for time_series in series[row.choice("time_series", series)]:
            table[row.known("exposure_type", exposure_types), time_series] = by_stage
    return table


def _main_products(
    documents: Sequence[tuple[str, Mapping[str, Any]]], suffixes: Collection[str]
) -> dict[str, Mapping[str, tuple[str, ...]]]:
    found: dict[str, Mapping[str, tuple[str, ...]]] = {}
    for file, document in documents:
        for kind, planes in document.items():
            for plane, listed in planes.items() if isinstance(planes, dict) else (("", None),):
                strange = [name for name in listed if name not in suffixes] if isinstance(listed, list) else [listed]
                if strange:
                    raise ConfigurationError(
                        f"{file}: [{kind}] {plane} holds {strange[0]!r}; expected a list of suffixes"
                        f"{closest(str(strange[0]), suffixes)}"
                    )
            found[kind] = {plane: tuple(listed) for plane, listed in planes.items()}
    return found


def _source_columns(documents: Sequence[tuple[str, Mapping[str, Any]]]) -> SourceColumns:
    names: dict[str, tuple[str, ...]] = {}
    opposites: dict[str, tuple[str, ...]] = {}
    for file, document in documents:
        for section, into in (("names", names), ("opposites", opposites)):
            for column, listed in document.get(section, {}).items():
                if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
                    raise ConfigurationError(
                        f"{file}: [{section}] {column} is {listed!r}; expected a list of column names"
                    )
                into[column] = tuple(name.lower() for name in listed)
    return SourceColumns(names, opposites)


def _keywords(documents: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for file, document in documents:
        ours = dict(found)
        for name, entry in document.get("field", {}).items():
            listed = entry.get("keywords") if isinstance(entry, dict) else None
            if ours and name not in ours:
                raise ConfigurationError(f"{file}: there is no field {name!r}{closest(name, ours)}")
            if not isinstance(listed, list) or not all(isinstance(keyword, str) for keyword in listed):
                raise ConfigurationError(f"{file}: keywords of {name} are {listed!r}; expected a list of keywords")
            transforms = {source.transform for source in ours.values() if source.transform}
            if ours and (transform := entry.get("transform")) is not None and transform not in transforms:
                expected = ", ".join(sorted(transforms))
                raise ConfigurationError(f"{file}: transform of {name} is {transform!r}; expected one of {expected}")
            found[name] = Source(tuple(listed), entry.get("unit"), entry.get("transform"))
    return found


def _names(
    document: tuple[str, Mapping[str, Any]], suffixes: Mapping[str, Suffix], bands: Iterable[Band]
) -> NameGrammar:
    file, content = document
    try:
        grammar = _grammar(content, suffixes, bands)
        for family in grammar.families:
            re.compile(family.pattern)
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{file} lacks {error}; expected every entry of the table that comes along") from None
    except re.error as error:
        raise ConfigurationError(f"{file}: a pattern is no regular expression: {error}") from None
    return grammar


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
            Family(
                entry["id"],
                _filled(entry["pattern"], fragments),
                entry["holds"],
                entry.get("suffix"),
                entry.get("intent"),
                entry.get("moment", False),
            )
            for entry in document["family"]
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
