# ruff: noqa: INP001  (stands beside the file it writes)
"""Write projections.json: pixels that astropy.wcs gives for random directions, north up.

Run by hand from the root of the repository when cases are added:
``.venv/bin/python frontend/src/lib/sky/testdata/make_projections.py``.
Pixels are those of a canvas: origin at the top left corner, y downwards.
"""

import json
from pathlib import Path

import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

CENTRES = [
    (159.3283, -58.6283),
    (0.0, 0.0),
    (0.0001, 12.5),
    (359.9999, -33.0),
    (45.0, 90.0),
    (200.0, -90.0),
    (270.5, 89.97),
    (83.6, 22.0),
]
FIELDS = {"TAN": (0.001, 0.2, 12.0, 60.0), "SIN": (0.2, 30.0, 120.0, 200.0), "AIT": (220.0, 350.0)}
WIDTH, HEIGHT, POINTS = 990, 460, 8


def canvas_wcs(projection: str, ra: float, dec: float, fov: float) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{projection}", f"DEC--{projection}"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [1.0, 1.0]
    wcs.wcs.cdelt = [-fov / WIDTH, fov / WIDTH]
    if projection != "AIT":
        wcs.wcs.lonpole = 180.0
    return wcs


def case(projection: str, ra: float, dec: float, fov: float, rng: np.random.Generator) -> dict:
    largest = min(0.6 * fov, {"TAN": 55.0, "SIN": 85.0, "AIT": 179.0}[projection])
    centre = SkyCoord(ra, dec, unit="deg")
    angles = rng.uniform(0, 360, POINTS) * units.deg
    points = centre.directional_offset_by(angles, largest * np.sqrt(rng.uniform(0, 1, POINTS)) * units.deg)
    x, y = canvas_wcs(projection, ra, dec, fov).wcs_world2pix(points.ra.deg, points.dec.deg, 0)
    columns = (points.ra.deg, points.dec.deg, WIDTH / 2 + x, HEIGHT / 2 - y)
    rows = [[float(value) for value in row] for row in zip(*columns, strict=True)]
    return {"projection": projection, "ra": ra, "dec": dec, "fov": fov, "points": rows}


rng = np.random.default_rng(7)
cases = [
    case(name, ra, dec, fov, rng)
    for name, fields in FIELDS.items()
    for fov in fields
    for ra, dec in CENTRES
    if (name, dec) != ("AIT", 90.0)  # there the paper leaves open which way is up
]
document = {"width": WIDTH, "height": HEIGHT, "cases": cases}
Path(__file__).with_name("projections.json").write_text(json.dumps(document, indent=None, separators=(",", ":")) + "\n")
