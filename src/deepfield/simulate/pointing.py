"""Where apertures look: SIAF geometry through ``pysiaf``, dithers and the attitude of the observatory.

``pysiaf`` asks a web page for its newest version whenever it is imported; that door is held shut here.
"""

from __future__ import annotations

import importlib
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfield.simulate.projection import Projection, unit_vector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SIAF_NAMES = {"NIRCAM": "NIRCam", "NIRISS": "NIRISS", "MIRI": "MIRI", "NIRSPEC": "NIRSpec", "FGS": "FGS"}
ARCSEC = 1 / 3600.0


@contextmanager
def _without_network() -> Iterator[None]:
    requests: Any = importlib.import_module("requests")
    original = requests.get

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("the simulator contacts no host")

    logging.getLogger("pysiaf").setLevel(logging.ERROR)
    requests.get = refuse
    try:
        yield
    finally:
        requests.get = original


@cache
def _siaf(instrument: str) -> Any:
    with _without_network():
        pysiaf = importlib.import_module("pysiaf")
    return pysiaf.Siaf(SIAF_NAMES[instrument])


@dataclass(frozen=True, slots=True)
class Aperture:
    """What headers say about a SIAF aperture. Angles in degrees, V2/V3 in arcseconds, the corner in detector pixels."""

    instrument: str
    name: str
    v2_ref: float
    v3_ref: float
    y_angle: float
    parity: int
    corner: tuple[int, int] = (1, 1)
    size: tuple[int, int] = (2048, 2048)
    x_ref: float = 1024.5
    y_ref: float = 1024.5
    full: tuple[int, int] = (2048, 2048)
    vertices: tuple[tuple[float, float], ...] = ()
    """V2, V3 of the four corners, for apertures without pixels of their own."""
    database: str = ""
    """The project reference database the aperture comes from."""


@cache
def aperture(instrument: str, name: str) -> Aperture:
    """Look an aperture up in the SIAF."""
    found = _siaf(instrument)[name]
    database = str(importlib.import_module("pysiaf").JWST_PRD_VERSION)
    reference = found.V2Ref, found.V3Ref, found.V3IdlYAngle, int(found.VIdlParity)
    if found.XSciSize is None:
        return Aperture(instrument, name, *reference, vertices=_vertices(found), database=database)
    x, y = _upright(found, *found.corners("det"))
    return Aperture(
        instrument,
        name,
        *reference,
        corner=(round(min(x) + 0.5), round(min(y) + 0.5)),
        size=(int(found.XSciSize), int(found.YSciSize)),
        x_ref=found.XSciRef,
        y_ref=found.YSciRef,
        full=(int(found.XDetSize), int(found.YDetSize)),
        database=database,
    )


def _upright(found: Any, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Detector pixels as the files count them: turned and mirrored like the pixels of the science frame."""
    turn = np.radians(found.DetSciYAngle)
    right, up = x - (found.XDetSize + 1) / 2, y - (found.YDetSize + 1) / 2
    across = found.DetSciParity * (right * np.cos(turn) + up * np.sin(turn))
    along = up * np.cos(turn) - right * np.sin(turn)
    return across + (found.XDetSize + 1) / 2, along + (found.YDetSize + 1) / 2


def _vertices(found: Any) -> tuple[tuple[float, float], ...]:
    ideal = [(getattr(found, f"XIdlVert{n}"), getattr(found, f"YIdlVert{n}")) for n in (1, 2, 3, 4)]
    if any(x is None or y is None for x, y in ideal):
        return ()
    corners = [found.idl_to_tel(x, y) for x, y in ideal]
    return tuple((float(v2), float(v3)) for v2, v3 in corners)


@dataclass(frozen=True, slots=True, eq=False)
class Pointing:
    """The attitude of the observatory during one exposure: a rotation from V2, V3 to the sky (JWST-STScI-001550)."""

    attitude: Floats

    @classmethod
    def of(cls, reference: Aperture, target: tuple[float, float], roll: float, offset: tuple[float, float]) -> Pointing:
        """The target at ``offset`` (Ideal frame, arcseconds) of the reference aperture, V3 at angle ``roll``."""
        v2, v3 = _siaf(reference.instrument)[reference.name].idl_to_tel(*offset)
        rotations = importlib.import_module("pysiaf.utils.rotations")
        return cls(np.asarray(rotations.attitude_matrix(float(v2), float(v3), *target, roll)))

    def to_sky(self, v2: Floats, v3: Floats) -> tuple[Floats, Floats]:
        """Right ascension and declination, degrees, of telescope coordinates in arcseconds."""
        x, y, z = np.tensordot(self.attitude, unit_vector(v2 * ARCSEC, v3 * ARCSEC), axes=1)
        return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arcsin(np.clip(z, -1, 1)))

    def roll_at(self, v2: float, v3: float) -> float:
        """Position angle of V3, degrees east of north, at a point of the telescope frame."""
        ra, dec = (np.radians(float(p)) for p in self.to_sky(np.array(v2), np.array(v3)))
        north = np.array([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])
        east = np.array([-np.sin(ra), np.cos(ra), 0.0])
        tilt = np.radians(v3 * ARCSEC)
        turn = np.radians(v2 * ARCSEC)
        up = self.attitude @ np.array([-np.sin(tilt) * np.cos(turn), -np.sin(tilt) * np.sin(turn), np.cos(tilt)])
        return float(np.degrees(np.arctan2(up @ east, up @ north)) % 360.0)

    def across(self, part: Aperture) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
        """The sky (degrees) at fractions (s, t) of an aperture that is a quadrilateral without pixels.

        ``s`` runs from the third SIAF vertex to the fourth, ``t`` from the third to the second.
        """

        def sky(s: Floats, t: Floats) -> tuple[Floats, Floats]:
            shares = (s * t, (1 - s) * t, (1 - s) * (1 - t), s * (1 - t))
            v2 = sum(share * corner[0] for share, corner in zip(shares, part.vertices, strict=True))
            v3 = sum(share * corner[1] for share, corner in zip(shares, part.vertices, strict=True))
            return self.to_sky(np.asarray(v2), np.asarray(v3))

        return sky

    def outline(self, seen: Aperture, frame: str) -> tuple[Floats, Floats]:
        """The corners (degrees) of an aperture's pixels, which belong to the full-frame aperture ``frame``."""
        left, low = (corner - 0.5 for corner in seen.corner)
        right, high = left + seen.size[0], low + seen.size[1]
        x, y = np.array([left, right, right, left]), np.array([low, low, high, high])
        v2, v3 = _siaf(seen.instrument)[frame].sci_to_tel(x, y)
        return self.to_sky(np.asarray(v2), np.asarray(v3))

    def projection(self, seen: Aperture, binning: tuple[int, int] = (1, 1)) -> Projection:
        """How the pixels of an imaging aperture, in blocks of ``binning`` (columns, rows), lie on the sky."""
        columns, rows = binning
        siaf = _siaf(seen.instrument)[seen.name]

        def sky(x: Floats, y: Floats) -> tuple[Floats, Floats]:
            v2, v3 = siaf.sci_to_tel((x + 0.5) * columns + 0.5, (y + 0.5) * rows + 0.5)
            return self.to_sky(np.asarray(v2), np.asarray(v3))

        reference = ((seen.x_ref - 0.5) / columns + 0.5, (seen.y_ref - 0.5) / rows + 0.5)
        return Projection.fit((seen.size[1] // rows, seen.size[0] // columns), reference, sky)
