"""A handful of small product files, enough to find, look at and download: written by astropy in a second."""

from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from deepfield.bootstrap import Archive, build
from deepfield.config import Settings

PUBLIC = "jw01111001001_02101_00001_nrcb1"
PUBLIC_FILE = f"{PUBLIC}_cal.fits"
EXCLUSIVE = "jw02222001001_02101_00001_mirimage"
EXCLUSIVE_FILE = f"{EXCLUSIVE}_cal.fits"
RELEASE = "2199-01-01T00:00:00Z"
"""Of programme 2222."""

EXPOSURES = {
    # root: instrument, exposure type, filter, pupil, target, ra, dec, PI, title
    PUBLIC: ("NIRCAM", "NRC_IMAGE", "F200W", "CLEAR", "NGC 3324", 159.30, -58.62, "Pontoppidan, Klaus", "Cosmic cliffs"),
    "jw01111001001_02101_00002_nrcb1": (
        "NIRCAM", "NRC_IMAGE", "F200W", "CLEAR", "NGC 3324", 159.31, -58.62, "Pontoppidan, Klaus", "Cosmic cliffs",
    ),
    "jw01111002001_02101_00001_nrcalong": (
        "NIRCAM", "NRC_IMAGE", "F444W", "CLEAR", "NGC 3324", 159.30, -58.61, "Pontoppidan, Klaus", "Cosmic cliffs",
    ),
    EXCLUSIVE: ("MIRI", "MIR_IMAGE", "F770W", None, "M-16", 274.70, -13.84, "Rosseland, Svein", "Pillars at last"),
}  # fmt: skip


def build_archive(home: Path, products: Path) -> Archive:
    """Ingest these products into an archive of their own, ready to be searched."""
    archive = build(Settings(home=home, workers=1))
    archive.intake.ingest([products])
    archive.replica.catch_up()
    return archive


def write_products(folder: Path) -> None:
    """Write an uncal and a cal file of each exposure, and the operator's table of releases."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, root in enumerate(EXPOSURES):
        for suffix in ("uncal", "cal"):
            write_exposure(folder / f"{root}_{suffix}.fits", number=number)
    (folder / "release.toml").write_text(f'[programs."2222"]\nrelease = {RELEASE}\n')


def write_exposure(path: Path, *, number: int = 0, date: str = "2026-02-01T10:00:00.000") -> None:
    """Write one exposure of 64 × 48 pixels; another ``date`` makes another version of it."""
    root, _, suffix = path.stem.rpartition("_")
    instrument, exp_type, bandpass, pupil, target, ra, dec, pi, title = EXPOSURES[root]
    primary = fits.PrimaryHDU()
    primary.header.update(
        DATE=date, FILENAME=path.name, TELESCOP="JWST", INSTRUME=instrument, EXP_TYPE=exp_type, FILTER=bandpass,
        DETECTOR=root.rsplit("_", 1)[1].upper().replace("NRCALONG", "NRCALONG"), SUBARRAY="FULL",
        PROGRAM=root[2:7], OBSERVTN=root[7:10], VISIT=root[10:13], VISIT_ID=root[2:13],
        TARGPROP=target, TARGNAME=target, TARGTYPE="FIXED", TARG_RA=ra, TARG_DEC=dec, PI_NAME=pi, TITLE=title,
        CATEGORY="GO", TEMPLATE="NIRCam Imaging", TSOVISIT=False,
        **{"DATE-OBS": "2025-06-01", "DATE-BEG": f"2025-06-01T0{number}:00:00.000", "DATE-END": f"2025-06-01T0{number}:10:00.000"},
        EXPSTART=60827.0 + number / 24, EXPEND=60827.0 + number / 24 + 600 / 86400, EXPMID=60827.0 + number / 24 + 300 / 86400,
        EFFEXPTM=601.2, DURATION=612.0, CAL_VER="1.17.1", CRDS_CTX="jwst_1322.pmap", SDP_VER="2025_1",
    )  # fmt: skip
    if pupil:
        primary.header["PUPIL"] = pupil
    rng = np.random.default_rng(number)
    shape = (48, 64) if suffix != "uncal" else (1, 2, 48, 64)
    data = rng.normal(10, 1, shape).astype(np.float32 if suffix != "uncal" else np.uint16)
    science = fits.ImageHDU(data, name="SCI")
    if suffix != "uncal":
        science.header.update(_wcs(ra, dec).to_header())
        science.header["BUNIT"] = "MJy/sr"
    corners = _wcs(ra, dec).all_pix2world([[0, 0], [63, 0], [63, 47], [0, 47]], 0)
    science.header["S_REGION"] = "POLYGON ICRS " + " ".join(f"{value:.9f}" for value in corners.ravel())
    fits.HDUList([primary, science]).writeto(path)


def _wcs(ra: float, dec: float) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crpix, wcs.wcs.crval = (32.5, 24.5), (ra, dec)
    wcs.wcs.cdelt, wcs.wcs.cunit = (-0.5 / 3600, 0.5 / 3600), ("deg", "deg")
    wcs.wcs.radesys = "ICRS"
    return wcs
