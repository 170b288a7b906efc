"""Write projections.json: pixels that astropy.wcs gives for random directions, north up, LONPOLE = 180.

Run by hand from the root of the repository when cases are added:
``.venv/bin/python frontend/src/lib/sky/testdata/make_projections.py``.
Pixels are those of a canvas: origin at the top left corner, y downwards.
"""

import json
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS

CENTRES = [(159.3283, -58.6283), (0.0, 0.0), (0.0001, 12.5), (359.9999, -33.0), (45.0, 90.0), (200.0, -90.0), (270.5, 89.97), (83.6, 22.0)]
FIELDS = {"TAN": (0.001, 0.2, 12.0, 60.0), "SIN": (0.2, 30.0, 120.0, 200.0)}
WIDTH, HEIGHT, POINTS = 990, 460, 8


def canvas_wcs(projection: str, ra: float, dec: float, fov: float) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{projection}", f"DEC--{projection}"]
    wcs.wcs.crval = [ra, dec]
    wcs.wcs.crpix = [1.0, 1.0]
    wcs.wcs.cdelt = [-fov / WIDTH, fov / WIDTH]
    wcs.wcs.lonpole = 180.0
    return wcs


def case(projection: str, ra: float, dec: float, fov: float, rng: np.random.Generator) -> dict:
    largest = min(0.6 * fov, 85.0 if projection == "SIN" else 55.0)
    centre = SkyCoord(ra, dec, unit="deg")
    points = centre.directional_offset_by(rng.uniform(0, 360, POINTS) * _DEG, largest * np.sqrt(rng.uniform(0, 1, POINTS)) * _DEG)
    x, y = canvas_wcs(projection, ra, dec, fov).wcs_world2pix(points.ra.deg, points.dec.deg, 0)
    rows = zip(points.ra.deg, points.dec.deg, WIDTH / 2 + x, HEIGHT / 2 - y, strict=True)
    return {"projection": projection, "ra": ra, "dec": dec, "fov": fov, "points": [[float(v) for v in row] for row in rows]}


_DEG = SkyCoord(0, 0, unit="deg").ra.unit
rng = np.random.default_rng(7)
cases = [case(name, ra, dec, fov, rng) for name, fields in FIELDS.items() for fov in fields for ra, dec in CENTRES]
document = {"width": WIDTH, "height": HEIGHT, "cases": cases}
Path(__file__).with_name("projections.json").write_text(json.dumps(document, indent=None, separators=(",", ":")) + "\n")
