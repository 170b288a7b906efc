"""ADQL's mathematical functions and the user-defined ones that this archive has, in the engine's SQL."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from deepfield.query.frames import UCDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepfield.model.tables import ColumnType

Result = Literal["same", "float64"]


@dataclass(frozen=True, slots=True)
class Mathematical:
    """How the engine spells a function of arguments ``{0}`` and ``{1}``: doubles, unless ``result`` is ``same``."""

    sql: str
    result: Result = "float64"
    unit: str | None = None
    keeps_unit: bool = False


MATHEMATICAL: Final[Mapping[str, Mathematical]] = MappingProxyType(
    {
        "ABS": Mathematical("abs({0})", "same", keeps_unit=True),
        "ACOS": Mathematical("acos({0})", unit="rad"),
        "ASIN": Mathematical("asin({0})", unit="rad"),
        "ATAN": Mathematical("atan({0})", unit="rad"),
        "ATAN2": Mathematical("atan2({0}, {1})", unit="rad"),
        "CEILING": Mathematical("ceil({0})", keeps_unit=True),
        "COS": Mathematical("cos({0})"),
        "COT": Mathematical("cot({0})"),
        "DEGREES": Mathematical("degrees({0})", unit="deg"),
        "EXP": Mathematical("exp({0})"),
        "FLOOR": Mathematical("floor({0})", keeps_unit=True),
        "LOG": Mathematical("ln({0})"),
        "LOG10": Mathematical("log10({0})"),
        "PI": Mathematical("pi()"),
        "POWER": Mathematical("pow({0}, {1})"),
        "RADIANS": Mathematical("radians({0})", unit="rad"),
        "ROUND": Mathematical("round({0}, {1})", keeps_unit=True),
        "SIN": Mathematical("sin({0})"),
        "SQRT": Mathematical("sqrt({0})"),
        "TAN": Mathematical("tan({0})"),
        "TRUNCATE": Mathematical("(trunc({0} * pow(1e1, {1})) / pow(1e1, {1}))", keeps_unit=True),
    }
)
"""All but MOD and RAND, which differ by type and by the number of their arguments."""
DIGITS: Final = frozenset({"ROUND", "TRUNCATE"})
"""Functions whose second argument, a number of digits, may be left out."""


Argument = Literal["number", "integer", "count", "text", "moment", "point", "interval", "frame", "geometry"]


@dataclass(frozen=True, slots=True)
class UserDefined:
    """A function beyond the standard: how it is called, what it gives, and how the engine spells it."""

    name: str
    arguments: tuple[Argument, ...]
    sql: str
    type: ColumnType
    form: str
    """As TAPRegExt declares it: ``name(arg type, …) -> type``."""
    description: str
    unit: str | None = None
    ucd: str | None = None
    aggregate: bool = False
    shape: Literal["", "point", "same"] = ""
    """Whether the value is a point, made of the list that the SQL gives, or a geometry as the last argument is."""
    arraysize: str | None = None
    """Of an array, as VOTable writes it."""


_BIN: Final = (
    "CASE WHEN {0} IS NULL OR {0} < {1} THEN 0 WHEN {0} >= {2} THEN {3} + 1 "
    "ELSE least({3}, 1 + CAST(floor(({0} - {1}) / ({2} - {1}) * {3}) AS BIGINT)) END"
)
_MOTION: Final = (
    "ra DOUBLE PRECISION, dec DOUBLE PRECISION, parallax DOUBLE PRECISION, pmra DOUBLE PRECISION, "
    "pmdec DOUBLE PRECISION, radial_velocity DOUBLE PRECISION, ref_epoch DOUBLE PRECISION, out_epoch DOUBLE PRECISION"
)
FRAMES: Final = tuple(UCDS)
MOST_BINS: Final = 10_000


def _words(argument: int) -> str:
    """Return the SQL that lists the words of an argument in lower case."""
    return rf"regexp_extract_all(lower({{{argument}}}), '[\p{{{{L}}}}\p{{{{N}}}}_]+')"


_ONE: Final = "CAST({} AS SMALLINT)"
USER_DEFINED: Final[tuple[UserDefined, ...]] = (
    UserDefined(
        "ivo_healpix_index",
        ("integer", "number", "number"),
        "sky_cell({0}, {1}, {2})",
        "int64",
        "ivo_healpix_index(hpxOrder INTEGER, long DOUBLE PRECISION, lat DOUBLE PRECISION) -> BIGINT",
        "HEALPix index (nested) of a position in degrees, at an order from 0 to 29",
        ucd="pos.healpix",
    ),
    UserDefined(
        "ivo_healpix_index",
        ("integer", "point"),
        "sky_cell({0}, {1})",
        "int64",
        "ivo_healpix_index(hpxOrder INTEGER, p POINT) -> BIGINT",
        "HEALPix index (nested) of a point, at an order from 0 to 29",
        ucd="pos.healpix",
    ),
    UserDefined(
        "ivo_healpix_center",
        ("integer", "integer"),
        "sky_cell_centre({0}, {1})",
        "float64",
        "ivo_healpix_center(hpxOrder INTEGER, hpxIndex BIGINT) -> POINT",
        "Point in the middle of a HEALPix cell (nested)",
        shape="point",
    ),
    UserDefined(
        "ivo_epoch_prop_pos",
        ("number",) * 8,
        "sky_moved({0}, {1}, {2}, {3}, {4}, {5}, {6}, {7})",
        "float64",
        f"ivo_epoch_prop_pos({_MOTION}) -> POINT",
        "Where uniform motion in space takes a star from one epoch to another: degrees, mas, mas/yr, km/s, Julian "
        "years; a missing parallax, motion or radial velocity counts as none; without a place or epoch there is no "
        "point",
        shape="point",
    ),
    UserDefined(
        "ivo_epoch_prop_pos",
        ("number",) * 6,
        "sky_moved({0}, {1}, CAST(NULL AS DOUBLE), {2}, {3}, CAST(NULL AS DOUBLE), {4}, {5})",
        "float64",
        "ivo_epoch_prop_pos(ra DOUBLE PRECISION, dec DOUBLE PRECISION, pmra DOUBLE PRECISION, "
        "pmdec DOUBLE PRECISION, ref_epoch DOUBLE PRECISION, out_epoch DOUBLE PRECISION) -> POINT",
        "Where proper motion takes a star from one epoch to another: degrees, mas/yr, Julian years",
        shape="point",
    ),
    UserDefined(
        "ivo_epoch_prop",
        ("number",) * 8,
        "sky_propagated({0}, {1}, {2}, {3}, {4}, {5}, {6}, {7})",
        "float64",
        f"ivo_epoch_prop({_MOTION}) -> DOUBLE PRECISION(6)",
        "What uniform motion in space makes of longitude, latitude (degrees), parallax (mas), proper motions (mas/yr) "
        "and radial velocity (km/s) of a star from one epoch to another (Julian years); what is missing stays missing",
        arraysize="6",
    ),
    UserDefined(
        "ivo_geom_transform",
        ("frame", "frame", "geometry"),
        "sky_turned({2}, {0}, {1})",
        "float64",
        "ivo_geom_transform(from_sys VARCHAR(*), to_sys VARCHAR(*), geo GEOMETRY) -> GEOMETRY",
        "A point, circle or polygon in another reference frame, by a simple rotation; the frames, written out, are "
        f"{', '.join(FRAMES)}. FK4 has the equinox B1950.0, FK5 and ECLIPTIC have J2000.0",
        shape="same",
    ),
    UserDefined(
        "ivo_hms_to_degrees",
        ("text",),
        "hours_as_degrees({0})",
        "float64",
        "ivo_hms_to_degrees(hms VARCHAR(*)) -> DOUBLE PRECISION",
        "Degrees of an angle in hours, minutes and seconds: '3:34:45.4', '033445.4' or '3h34m45.4s'; else null",
        unit="deg",
    ),
    UserDefined(
        "ivo_dms_to_degrees",
        ("text",),
        "degrees_as_degrees({0})",
        "float64",
        "ivo_dms_to_degrees(dms VARCHAR(*)) -> DOUBLE PRECISION",
        "Degrees of an angle in degrees, minutes and seconds: '-42:9:6.8', '420906.8' or '42d9m6.8s'; else null",
        unit="deg",
    ),
    UserDefined(
        "ivo_normal_random",
        ("number", "number"),
        "({0} + {1} * sqrt(-2e0 * ln(1e0 - random())) * cos(2e0 * pi() * random()))",
        "float64",
        "ivo_normal_random(mu DOUBLE PRECISION, sigma DOUBLE PRECISION) -> DOUBLE PRECISION",
        "A random number of a normal distribution, another one in each row",
    ),
    UserDefined(
        "ivo_histogram",
        ("number", "number", "number", "count"),
        f"list_transform(range(0, {{3}} + 2), lambda bin: CAST(coalesce(histogram({_BIN})[bin], 0) AS BIGINT))",
        "int64",
        "ivo_histogram(val DOUBLE PRECISION, lower DOUBLE PRECISION, upper DOUBLE PRECISION, nbins INTEGER) "
        "-> BIGINT(*)",
        f"Numbers of values of a group in nbins (written out, at most {MOST_BINS}) bins of equal width from lower to "
        "upper; before them those below lower or missing, behind them those from upper on",
        aggregate=True,
        arraysize="*",
    ),
    UserDefined(
        "ivo_hasword",
        ("text", "text"),
        _ONE.format(f"list_has_all({_words(0)}, {_words(1)})"),
        "int16",
        "ivo_hasword(haystack VARCHAR(*), needle VARCHAR(*)) -> INTEGER",
        "1 where a text holds all words of another, whatever the case, else 0",
    ),
    UserDefined(
        "ivo_hashlist_has",
        ("text", "text"),
        _ONE.format("list_contains(string_split(lower({0}), '#'), lower({1}))"),
        "int16",
        "ivo_hashlist_has(hashlist VARCHAR(*), item VARCHAR(*)) -> INTEGER",
        "1 where a list of words joined by # has one of them, whatever the case, else 0",
    ),
    UserDefined(
        "ivo_nocasematch",
        ("text", "text"),
        _ONE.format("({0} ILIKE {1})"),
        "int16",
        "ivo_nocasematch(value VARCHAR(*), pat VARCHAR(*)) -> INTEGER",
        "1 where a text is like a pattern of LIKE, whatever the case, else 0",
    ),
    UserDefined(
        "ivo_string_agg",
        ("text", "text"),
        "string_agg({0}, {1})",
        "unicode",
        "ivo_string_agg(expr VARCHAR(*), deli VARCHAR(*)) -> VARCHAR(*)",
        "The texts of a group, one after the other, with a text between them",
        aggregate=True,
    ),
    UserDefined(
        "ivo_interval_overlaps",
        ("number", "number", "number", "number"),
        _ONE.format("({0} <= {3} AND {2} <= {1} AND {0} <= {1} AND {2} <= {3})"),
        "int16",
        "ivo_interval_overlaps(l1 DOUBLE PRECISION, h1 DOUBLE PRECISION, l2 DOUBLE PRECISION, h2 DOUBLE PRECISION)"
        " -> INTEGER",
        "1 where two intervals have a value in common, ends included, else 0",
    ),
    UserDefined(
        "ivo_interval_has",
        ("number", "interval"),
        _ONE.format("({0} BETWEEN {1}[1] AND {1}[2])"),
        "int16",
        "ivo_interval_has(val DOUBLE PRECISION, iv INTERVAL) -> INTEGER",
        "1 where a value lies in an interval, ends included, else 0",
    ),
    UserDefined(
        "ivo_to_mjd",
        ("moment",),
        "(epoch_us({0}) / 864e8 + 40587e0)",
        "float64",
        "ivo_to_mjd(d TIMESTAMP) -> DOUBLE PRECISION",
        "Modified Julian Date of a time (UTC)",
        unit="d",
        ucd="time.epoch",
    ),
    UserDefined(
        "ivo_to_jd",
        ("moment",),
        "(epoch_us({0}) / 864e8 + 24405875e-1)",
        "float64",
        "ivo_to_jd(d TIMESTAMP) -> DOUBLE PRECISION",
        "Julian Date of a time (UTC)",
        unit="d",
        ucd="time.epoch",
    ),
)
NAMES: Final = frozenset(each.name for each in USER_DEFINED)
