"""TAPRegExt 1.0: what the TAP service can do, for programs that choose by it."""

from typing import Final

from vo_models.tapregext.models import (
    DataLimit,
    DataLimits,
    DataModelType,
    Language,
    LanguageFeature,
    LanguageFeatureList,
    OutputFormat,
    TableAccess,
    TimeLimits,
    UploadMethod,
    Version,
)

from deepfield.config import Settings
from deepfield.formats.registry import FORMATS
from deepfield.query.adql.functions import USER_DEFINED
from deepfield.web.vo.vosi import interface

STANDARD: Final = "ivo://ivoa.net/std/TAPRegExt"
FEATURES: Final = {
    "adqlgeo": (
        "AREA", "BOX", "CENTROID", "CIRCLE", "CONTAINS", "COORD1", "COORD2", "COORDSYS", "DISTANCE", "INTERSECTS",
        "POINT", "POLYGON", "REGION",
    ),
    "adql-string": ("LOWER", "UPPER", "ILIKE"),
    "adql-sets": ("UNION", "EXCEPT", "INTERSECT"),
    "adql-common-table": ("WITH",),
    "adql-type": ("CAST",),
    "adql-unit": ("IN_UNIT",),
    "adql-offset": ("OFFSET",),
}  # fmt: skip
"""Optional features of ADQL 2.1 §4 by the name of their set. COALESCE is there, too, but STILTS takes the name of its
set, ``adql-conditional``, for an error."""
UPLOADS: Final = ("upload-inline", "upload-http", "upload-https")


def table_access(base: str, settings: Settings) -> TableAccess:
    """Describe the TAP service at ``base``."""
    return TableAccess(
        interface=[interface(base, "base", version="1.1")],
        data_model=[DataModelType(value="ObsCore-1.1", ivo_id="ivo://ivoa.net/std/ObsCore#core-1.1")],
        language=[_adql()],
        output_format=_formats(),
        upload_method=[UploadMethod(ivo_id=f"{STANDARD}#{method}") for method in UPLOADS],
        retention_period=TimeLimits(
            default=int(settings.job_keep_days * 86400),
            hard=int(max(settings.job_keep_days, settings.job_keep_most_days) * 86400),
        ),
        execution_duration=TimeLimits(default=settings.job_seconds, hard=settings.job_seconds),
        output_limit=DataLimits(
            default=DataLimit(value=settings.tap_rows, unit="row"),
            hard=DataLimit(value=settings.tap_most_rows, unit="row"),
        ),
        upload_limit=DataLimits(
            default=DataLimit(value=settings.upload_rows, unit="row"),
            hard=DataLimit(value=settings.upload_rows, unit="row"),
        ),
    )


def _adql() -> Language:
    functions = [LanguageFeature(form=each.form, description=each.description) for each in USER_DEFINED]
    return Language(
        name="ADQL",
        version=[Version(value=number, ivo_id=f"ivo://ivoa.net/std/ADQL#v{number}") for number in ("2.0", "2.1")],
        description="ADQL 2.0 and 2.1, strictly as the standards have it",
        language_features=[
            LanguageFeatureList(type=f"{STANDARD}#features-udf", feature=functions),
            *(
                LanguageFeatureList(
                    type=f"{STANDARD}#features-{name}", feature=[LanguageFeature(form=form) for form in forms]
                )
                for name, forms in FEATURES.items()
            ),
        ],
    )


def _formats() -> list[OutputFormat]:
    return [
        OutputFormat(mime=each.media_type, alias=[*each.short_names, *each.other_media_types], ivo_id=each.ivo_id)
        for each in FORMATS
    ]
