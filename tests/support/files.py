"""Small product files, written with the keywords a test cares about."""

import json
from pathlib import Path

import numpy as np
from astropy.io import fits

EXPOSURE = "jw01234001001_02101_00001_nrca1"


def write_product(path: Path, *, value=0.0, date="2026-02-01T00:00:00.000", **keywords) -> Path:
    """Write a calibrated exposure of 8 × 8 pixels, all of this value."""
    header = {
        "DATE": date,
        "FILENAME": path.name,
        "TELESCOP": "JWST",
        "INSTRUME": "NIRCAM",
        "DETECTOR": "NRCA1",
        "EXP_TYPE": "NRC_IMAGE",
        "FILTER": "F200W",
        "PUPIL": "CLEAR",
        "PROGRAM": "01234",
        "OBSERVTN": "001",
        "VISIT": "001",
        "TARGPROP": "NGC 3324",
        "PI_NAME": "Cannon, Annie",
        "DATE-BEG": "2026-01-01T00:00:00.000",
        "DATE-END": "2026-01-01T01:00:00.000",
        "EFFEXPTM": 100.0,
        "CAL_VER": "2.0.1",
        "CRDS_CTX": "jwst_1535.pmap",
        "SDP_VER": "2026_1a",
    }
    primary = fits.PrimaryHDU()
    for keyword, text in (header | {key.replace("_DASH_", "-"): text for key, text in keywords.items()}).items():
        if text is not None:
            primary.header[keyword] = text
    science = fits.ImageHDU(np.full((8, 8), value, dtype=np.float32), name="SCI")
    science.header["S_REGION"] = "POLYGON ICRS 9.9 -20.1 10.1 -20.1 10.1 -19.9 9.9 -19.9"
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([primary, science]).writeto(path, overwrite=True)
    return path


def write_catalogue(path: Path, rows: int, *, date="2026-02-01T00:00:00.000") -> Path:
    """Write a source catalogue of so many sources around (10, -20)."""
    columns = "".join(f"# - {{name: {name}, {kind}}}\n" for name, kind in CATALOGUE_COLUMNS.items())
    head = f"# %ECSV 1.0\n# ---\n# datatype:\n{columns}# meta:\n#   date: {date}\n# schema: astropy-2.0\n"
    lines = [" ".join(CATALOGUE_COLUMNS)]
    lines += [f"{n} {10 + n * 1e-4!r} {-20 + n * 1e-4!r} {n * 1e-6!r} {n % 2 == 0}" for n in range(1, rows + 1)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + "\n".join(lines) + "\n")
    return path


CATALOGUE_COLUMNS = {
    "label": "datatype: int64",
    "sky_centroid.ra": "unit: deg, datatype: float64",
    "sky_centroid.dec": "unit: deg, datatype: float64",
    "isophotal_flux": "unit: Jy, datatype: float64",
    "is_extended": "datatype: bool",
}


def write_association(path: Path, product: str, members: list[str], *, kind="image3") -> Path:
    """Write a stage-3 association of these members."""
    listed = [{"expname": name, "exptype": "science"} for name in members]
    document = {"asn_type": kind, "program": "01234", "products": [{"name": product, "members": listed}]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path
