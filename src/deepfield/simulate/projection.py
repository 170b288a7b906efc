"""Pixels and the sky: a gnomonic (TAN) projection with an optional SIP distortion, ICRS degrees.

One value serves the renderer, the FITS cards and the gwcs object, so the three cannot disagree
(FITS Paper II §5.1.3 for TAN; Shupe et al. 2005 for SIP).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

SIP_ORDER = 4
FIXED_POINT_STEPS = 7


def unit_vector(ra: ArrayLike, dec: ArrayLike) -> Floats:
    """Cartesian unit vectors, shape (3, …), of positions in degrees."""
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def deproject(xi: ArrayLike, eta: ArrayLike, centre: tuple[float, float]) -> tuple[Floats, Floats]:
    """The sky position (ra, dec) of a point of the tangent plane at ``centre``; all in degrees."""
    xi, eta = np.radians(xi), np.radians(eta)
    ra0, dec0 = np.radians(centre[0]), np.radians(centre[1])
    below = np.cos(dec0) - eta * np.sin(dec0)
    ra = ra0 + np.arctan2(xi, below)
    dec = np.arctan2(np.sin(dec0) + eta * np.cos(dec0), np.hypot(xi, below))
    return np.degrees(ra) % 360.0, np.degrees(dec)


def project(ra: ArrayLike, dec: ArrayLike, centre: tuple[float, float]) -> tuple[Floats, Floats]:
    """The tangent-plane coordinates (xi, eta), in degrees, of a sky position; NaN behind the plane."""
    ra, dec = np.radians(ra), np.radians(dec)
    ra0, dec0 = np.radians(centre[0]), np.radians(centre[1])
    towards = np.sin(dec0) * np.sin(dec) + np.cos(dec0) * np.cos(dec) * np.cos(ra - ra0)
    towards = np.where(towards > 0.01, towards, np.nan)
    xi = np.cos(dec) * np.sin(ra - ra0) / towards
    eta = (np.cos(dec0) * np.sin(dec) - np.sin(dec0) * np.cos(dec) * np.cos(ra - ra0)) / towards
    return np.degrees(xi), np.degrees(eta)


def _no_distortion() -> Floats:
    return np.zeros((SIP_ORDER + 1, SIP_ORDER + 1))


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Where the pixels of an image of ``shape`` (rows, columns) lie on the sky.

    ``crpix`` counts from 1 as in FITS; every method counts pixels from 0. ``cd`` is in degrees per pixel.
    """

    shape: tuple[int, int]
    crpix: tuple[float, float]
    crval: tuple[float, float]
    cd: Floats
    a: Floats = field(default_factory=_no_distortion)
    b: Floats = field(default_factory=_no_distortion)

    @classmethod
    def fit(
        cls, shape: tuple[int, int], crpix: tuple[float, float], sky: Callable[[Floats, Floats], tuple[Floats, Floats]]
    ) -> Projection:
        """The projection closest to ``sky``, a function from pixels (from 0) to degrees, exact at ``crpix``."""
        crval = tuple(float(v) for v in sky(np.array(crpix[0] - 1.0), np.array(crpix[1] - 1.0)))
        x, y = np.meshgrid(np.linspace(-0.5, shape[1] - 0.5, 13), np.linspace(-0.5, shape[0] - 0.5, 13))
        plane = np.stack([p.ravel() for p in project(*sky(x, y), (crval[0], crval[1]))], axis=1)
        u, v = x.ravel() - (crpix[0] - 1), y.ravel() - (crpix[1] - 1)
        powers = [(i, n - i) for n in range(1, SIP_ORDER + 1) for i in range(n, -1, -1)]
        scale = max(shape)
        terms = np.stack([(u / scale) ** i * (v / scale) ** j for i, j in powers], axis=1)
        solution = np.linalg.lstsq(terms, plane, rcond=None)[0]
        solution /= np.array([float(scale) ** (i + j) for i, j in powers])[:, None]
        cd = np.array(solution[:2].T, np.float64)
        higher: Floats = np.linalg.solve(cd, solution[2:].T)
        a, b = _no_distortion(), _no_distortion()
        for (i, j), (first, second) in zip(powers[2:], higher.T, strict=True):
            a[i, j], b[i, j] = first, second
        return cls(shape, crpix, (crval[0], crval[1]), cd, a, b)

    @classmethod
    def north_up(
        cls, shape: tuple[int, int], centre: tuple[float, float], scale: float, roll: float = 0.0
    ) -> Projection:
        """A plain TAN grid of square pixels of ``scale`` degrees whose y axis points ``roll`` degrees east of north."""
        sin, cos = np.sin(np.radians(roll)), np.cos(np.radians(roll))
        cd = scale * np.array([[-cos, sin], [sin, cos]])
        return cls(shape, ((shape[1] + 1) / 2, (shape[0] + 1) / 2), centre, cd)

    @classmethod
    def from_cards(cls, cards: Mapping[str, float], shape: tuple[int, int]) -> Projection:
        """Read back what ``cards`` wrote."""
        cd = np.array([[cards[f"PC{i}_{j}"] * cards[f"CDELT{i}"] for j in (1, 2)] for i in (1, 2)])
        a, b = _no_distortion(), _no_distortion()
        for i in range(SIP_ORDER + 1):
            for j in range(SIP_ORDER + 1 - i):
                a[i, j], b[i, j] = cards.get(f"A_{i}_{j}", 0.0), cards.get(f"B_{i}_{j}", 0.0)
        return cls(shape, (cards["CRPIX1"], cards["CRPIX2"]), (cards["CRVAL1"], cards["CRVAL2"]), cd, a, b)

    @property
    def distorted(self) -> bool:
        return bool(self.a.any() or self.b.any())

    @property
    def scale(self) -> float:
        """Side of the reference pixel, degrees."""
        return float(np.sqrt(abs(np.linalg.det(self.cd))))

    def _undistorted(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        u, v = np.broadcast_arrays(
            np.asarray(x, float) - (self.crpix[0] - 1), np.asarray(y, float) - (self.crpix[1] - 1)
        )
        if not self.distorted:
            return u, v
        return u + np.polynomial.polynomial.polyval2d(u, v, self.a), v + np.polynomial.polynomial.polyval2d(
            u, v, self.b
        )

    def to_plane(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Tangent-plane coordinates in degrees about ``crval`` of pixel positions."""
        u, v = self._undistorted(x, y)
        return self.cd[0, 0] * u + self.cd[0, 1] * v, self.cd[1, 0] * u + self.cd[1, 1] * v

    def to_sky(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Right ascension and declination, degrees, of pixel positions."""
        return deproject(*self.to_plane(x, y), self.crval)

    def from_sky(self, ra: ArrayLike, dec: ArrayLike) -> tuple[Floats, Floats]:
        """Pixel positions of sky positions (NaN on the far side of the sky; without distortion far from the image)."""
        inverse = np.linalg.inv(self.cd)
        xi, eta = project(ra, dec, self.crval)
        wanted = inverse[0, 0] * xi + inverse[0, 1] * eta, inverse[1, 0] * xi + inverse[1, 1] * eta
        u, v = wanted
        if self.distorted:
            reach = 2.0 * max(self.shape)
            near = (np.abs(u) < reach) & (np.abs(v) < reach)
            for _ in range(FIXED_POINT_STEPS):
                first, second = self._undistorted(
                    np.where(near, u, 0.0) + self.crpix[0] - 1, np.where(near, v, 0.0) + self.crpix[1] - 1
                )
                u = np.where(near, u + wanted[0] - first, wanted[0])
                v = np.where(near, v + wanted[1] - second, wanted[1])
        return u + self.crpix[0] - 1, v + self.crpix[1] - 1

    def grid(self) -> tuple[Floats, Floats]:
        """Sky positions of all pixel centres."""
        y, x = np.mgrid[: self.shape[0], : self.shape[1]]
        return self.to_sky(x, y)

    def pixel_area(self) -> Floats:
        """Area of every pixel relative to the reference pixel."""
        y, x = np.mgrid[: self.shape[0], : self.shape[1]].astype(float)
        across = [b - a for a, b in zip(self.to_plane(x - 0.5, y), self.to_plane(x + 0.5, y), strict=True)]
        along = [b - a for a, b in zip(self.to_plane(x, y - 0.5), self.to_plane(x, y + 0.5), strict=True)]
        return np.abs(across[0] * along[1] - across[1] * along[0]) / self.scale**2

    def corners(self) -> tuple[Floats, Floats]:
        """The outer corners of the image on the sky, in order round its edge."""
        x = np.array([-0.5, self.shape[1] - 0.5, self.shape[1] - 0.5, -0.5])
        y = np.array([-0.5, -0.5, self.shape[0] - 0.5, self.shape[0] - 0.5])
        return self.to_sky(x, y)

    @property
    def s_region(self) -> str:
        """The footprint as JWST headers write it."""
        ra, dec = self.corners()
        return polygon_text(ra, dec)

    def cards(self) -> dict[str, float | int | str]:
        """The FITS keywords of this projection."""
        scale = self.scale
        kind = "TAN-SIP" if self.distorted else "TAN"
        cards: dict[str, float | int | str] = {"WCSAXES": 2, "CTYPE1": f"RA---{kind}", "CTYPE2": f"DEC--{kind}"}
        for axis in (1, 2):
            cards[f"CRPIX{axis}"] = float(self.crpix[axis - 1])
            cards[f"CRVAL{axis}"] = float(self.crval[axis - 1])
            cards[f"CUNIT{axis}"] = "deg"
            cards[f"CDELT{axis}"] = scale
            for other in (1, 2):
                cards[f"PC{axis}_{other}"] = float(self.cd[axis - 1, other - 1] / scale)
        if self.distorted:
            cards |= {"A_ORDER": SIP_ORDER, "B_ORDER": SIP_ORDER}
            for i in range(SIP_ORDER + 1):
                for j in range(SIP_ORDER + 1 - i):
                    if i + j >= 2:
                        cards[f"A_{i}_{j}"], cards[f"B_{i}_{j}"] = float(self.a[i, j]), float(self.b[i, j])
        return cards


def polygon_text(ra: Floats, dec: Floats) -> str:
    """Vertices in degrees as an S_REGION text, nine decimals like the pipeline."""
    return "POLYGON ICRS  " + " ".join(
        f"{r:.9f} {d:.9f}" for r, d in zip(np.atleast_1d(ra), np.atleast_1d(dec), strict=True)
    )
