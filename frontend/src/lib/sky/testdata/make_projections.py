# ruff: noqa: INP001  (stands beside the file it writes)
"""Write projections.json: pixels that astropy.wcs gives for random directions, north of a frame up or turned.

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
FRAMES = {"ICRS": ("icrs", "RA--", "DEC-"), "GALACTIC": ("galactic", "GLON", "GLAT"),
          "ECLIPTIC": ("barycentricmeanecliptic", "ELON", "ELAT")}  # fmt: skip
TURNS = (0.0, 33.0, -120.0)
WIDTH, HEIGHT, POINTS = 990, 460, 8


def canvas_wcs(projection: str, centre: SkyCoord, fov: float, frame: str) -> WCS:
    """Return the canvas with north of the frame up, its pixels counted from the middle."""
    _, *axes = FRAMES[frame]
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"{axis}-{projection}" for axis in axes]
    wcs.wcs.crval = [centre.spherical.lon.deg, centre.spherical.lat.deg]
    wcs.wcs.crpix = [1.0, 1.0]
    wcs.wcs.cdelt = [-fov / WIDTH, fov / WIDTH]
    if projection != "AIT":
        wcs.wcs.lonpole = 180.0
    return wcs


def pixels(
    projection: str, centre: SkyCoord, points: SkyCoord, *, fov: float, frame: str, roll: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels of the canvas whose upward direction has the position angle ``roll``, degrees.

    TAN and SIN turn in their plane. AIT turns on the sphere: its points are turned about the centre first.
    """
    if projection == "AIT" and roll:
        angles = centre.position_angle(points) - roll * units.deg
        points = centre.directional_offset_by(angles, centre.separation(points))
    wcs = canvas_wcs(projection, centre, fov, frame)
    x, y = wcs.wcs_world2pix(points.spherical.lon.deg, points.spherical.lat.deg, 0)
    if projection != "AIT":
        angle = np.radians(roll)
        x, y = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return WIDTH / 2 + x, HEIGHT / 2 - y


def case(
    projection: str,
    ra: float,
    dec: float,
    fov: float,
    rng: np.random.Generator,
    *,
    frame: str = "ICRS",
    roll: float = 0.0,
) -> dict:
    largest = min(0.6 * fov, {"TAN": 55.0, "SIN": 85.0, "AIT": 179.0}[projection])
    centre = SkyCoord(ra, dec, unit="deg")
    angles = rng.uniform(0, 360, POINTS) * units.deg
    points = centre.directional_offset_by(angles, largest * np.sqrt(rng.uniform(0, 1, POINTS)) * units.deg)
    name = FRAMES[frame][0]
    own = {"equinox": "J2000"} if frame == "ECLIPTIC" else {}
    inside = [SkyCoord(each).transform_to(SkyCoord(0, 0, unit="deg", frame=name, **own)) for each in (centre, points)]
    inside = [SkyCoord(each.spherical.lon, each.spherical.lat, frame=name, **own) for each in inside]
    columns = (points.ra.deg, points.dec.deg, *pixels(projection, *inside, fov=fov, frame=frame, roll=roll))
    rows = [[float(value) for value in row] for row in zip(*columns, strict=True)]
    return {"projection": projection, "frame": frame, "roll": roll, "ra": ra, "dec": dec, "fov": fov, "points": rows}


rng = np.random.default_rng(7)
cases = [
    case(name, ra, dec, fov, rng)
    for name, fields in FIELDS.items()
    for fov in fields
    for ra, dec in CENTRES
    if (name, dec) != ("AIT", 90.0)  # there the paper leaves open which way is up
]
cases += [
    case(name, ra, dec, fov, rng, frame=frame, roll=roll)
    for name, fov in (("TAN", 12.0), ("SIN", 120.0), ("AIT", 350.0))
    for frame in FRAMES
    for roll in TURNS
    for ra, dec in (CENTRES[0], CENTRES[2], (266.40499, -28.93617), CENTRES[6])
    if frame != "ICRS" or roll
]
document = {"width": WIDTH, "height": HEIGHT, "cases": cases}
Path(__file__).with_name("projections.json").write_text(json.dumps(document, indent=None, separators=(",", ":")) + "\n")
