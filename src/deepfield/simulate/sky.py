"""One sky per field: stars, galaxies and nebulosity, made once from the seed and seen by every exposure and filter."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft, ndimage

from deepfield.simulate.programme import read_table
from deepfield.simulate.projection import deproject, project

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MAP_SIZE = 1024
IONISED_LINES_UM = (1.0833, 1.2822, 1.6440, 1.8756, 2.1661, 2.6259, 3.0392, 4.0523, 4.6538)
"""He I, Pa β, [Fe II], Pa α, Br γ, Br β, Pf ε, Br α, Pf β (vacuum)."""


def random(seed: int, *names: object) -> np.random.Generator:
    """A generator that depends on the seed and on what it is for, never on the order of work."""
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, names)).encode())])


def jansky(magnitude: Floats | float) -> Any:
    """AB magnitude to flux density in Jy."""
    return 3631.0 * 10 ** (-0.4 * np.asarray(magnitude))


@dataclass(frozen=True, slots=True, eq=False)
class Stars:
    """Point sources; flux density in Jy at 2 µm and a temperature in kelvin that gives the colour."""

    ra: Floats
    dec: Floats
    flux: Floats
    temperature: Floats

    def flux_at(self, wavelength_um: float) -> Floats:
        """Flux density in Jy, a black body through the 2 µm value."""
        exponent = 14387.77 / self.temperature
        here, there = np.expm1(exponent / wavelength_um), np.expm1(exponent / 2.0)
        return self.flux * there / here * (2.0 / wavelength_um) ** 3


@dataclass(frozen=True, slots=True, eq=False)
class Galaxies:
    """Sérsic profiles; flux in Jy at 2 µm, half-light radius in arcsec, position angle in degrees east of north."""

    ra: Floats
    dec: Floats
    flux: Floats
    slope: Floats
    radius: Floats
    index: Floats
    axis_ratio: Floats
    angle: Floats
    redshift: Floats

    def flux_at(self, wavelength_um: float) -> Floats:
        """Flux density in Jy: a power law that breaks down bluewards of the redshifted Balmer break."""
        flux = self.flux * (wavelength_um / 2.0) ** self.slope
        return np.where(wavelength_um < 0.3646 * (1 + self.redshift), 0.3 * flux, flux)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything that shines in one field."""

    name: str
    centre: tuple[float, float]
    radius: float
    stars: Stars
    galaxies: Galaxies
    gas: Floats
    dust: Floats
    background: float

    def diffuse(self, ra: Floats, dec: Floats, band: tuple[float, float]) -> Floats:
        """Surface brightness in MJy/sr of nebula and zodiacal light in a band (lower, upper) in micrometres."""
        pivot, width = sum(band) / 2, band[1] - band[0]
        zodiacal = self.background * (0.55 * (1.2 / pivot) ** 0.8 + 0.45 * (pivot / 2.8) ** 1.6)
        if not self.gas.any():
            return np.full(np.shape(ra), zodiacal)
        lines = sum(band[0] < line < band[1] for line in IONISED_LINES_UM)
        of_gas = 0.25 + 0.10 * lines / width
        aromatic = np.exp(-0.5 * ((pivot - 3.3) / max(0.12, width / 2.5)) ** 2) * min(1.0, 0.35 / width)
        of_dust = 0.12 * (pivot / 2.0) ** 1.8 + 2.2 * aromatic
        xi, eta = project(ra, dec, self.centre)
        cell = 2 * self.radius / MAP_SIZE
        at = np.stack([eta / cell + MAP_SIZE / 2, -xi / cell + MAP_SIZE / 2])
        sample = [ndimage.map_coordinates(layer, at, order=1, mode="mirror") for layer in (self.gas, self.dust)]
        return np.asarray(zodiacal + of_gas * sample[0] + of_dust * sample[1])


@lru_cache(maxsize=8)
def scene(name: str, seed: int) -> Scene:
    """The sky of a field, the same for everybody who asks with the same seed."""
    facts = read_table("fields.toml")[name]
    centre = (facts["ra"], facts["dec"])
    gas, dust = _nebula(random(seed, name, "nebula"), facts["gas"], facts["dust"])
    stars = _stars(random(seed, name, "stars"), facts)
    galaxies = _galaxies(random(seed, name, "galaxies"), facts)
    return Scene(name, centre, facts["radius"], stars, galaxies, gas, dust, facts["background"])


def _scatter(rng: np.random.Generator, number: int, facts: dict[str, Any], share: float = 1.0) -> tuple[Floats, Floats]:
    xi, eta = rng.uniform(-share, share, (2, number)) * facts["radius"]
    return deproject(xi, eta, (facts["ra"], facts["dec"]))


def _count(density: float, radius: float) -> int:
    return round(density * (2 * radius * 60) ** 2)


def _stars(rng: np.random.Generator, facts: dict[str, Any]) -> Stars:
    bright, faint = facts["star_magnitudes"]
    number = _count(facts["stars"], facts["radius"])
    magnitude = faint + np.log10(rng.uniform(10 ** (-0.28 * (faint - bright)), 1, number)) / 0.28
    ra, dec = _scatter(rng, number, facts)
    chosen = facts["bright_stars"]
    bright_ra, bright_dec = _scatter(rng, len(chosen), facts, 0.6)
    if facts.get("central_star"):
        bright_ra[0], bright_dec[0] = facts["ra"], facts["dec"]
    magnitude = np.concatenate([magnitude, chosen])
    temperature = 10 ** rng.normal(3.62, 0.12, magnitude.size)
    return Stars(np.append(ra, bright_ra), np.append(dec, bright_dec), jansky(magnitude), temperature)


def _galaxies(rng: np.random.Generator, facts: dict[str, Any]) -> Galaxies:
    number = _count(facts["galaxies"], facts["radius"])
    magnitude = 27.0 + np.log10(rng.uniform(10 ** (-0.35 * 7.5), 1, number)) / 0.35
    ra, dec = _scatter(rng, number, facts)
    group = facts.get("group", 0)
    magnitude[:group] = np.linspace(18.4, 22.5, group)
    ra[:group], dec[:group] = _scatter(rng, group, facts, 0.1)
    if group:
        ra[0], dec[0] = facts["ra"], facts["dec"]
    spheroidal = rng.random(number) < 0.3
    return Galaxies(
        ra,
        dec,
        jansky(magnitude),
        slope=rng.normal(np.where(spheroidal, 1.0, 0.2), 0.4),
        radius=np.clip(0.35 * 10 ** (0.12 * (24 - magnitude)) * rng.lognormal(0, 0.3, number), 0.06, 3.0),
        index=np.where(spheroidal, rng.uniform(2.5, 4.5, number), rng.uniform(0.7, 1.6, number)),
        axis_ratio=np.where(spheroidal, rng.uniform(0.6, 1, number), rng.uniform(0.2, 0.95, number)),
        angle=rng.uniform(0, 180, number),
        redshift=rng.gamma(2.0, 0.9, number),
    )


def _power_law(rng: np.random.Generator, slope: float) -> Floats:
    """Gaussian noise of unit variance with a power spectrum of the given slope."""
    ky, kx = fft.fftfreq(MAP_SIZE)[:, None], fft.rfftfreq(MAP_SIZE)[None, :]
    wave = np.hypot(ky, kx)
    wave[0, 0] = 1.0
    spectrum = (rng.normal(size=wave.shape) + 1j * rng.normal(size=wave.shape)) * wave ** (-slope / 2)
    spectrum[0, 0] = 0.0
    noise: Floats = fft.irfft2(spectrum, (MAP_SIZE, MAP_SIZE))
    return np.asarray(noise / noise.std())


def _nebula(rng: np.random.Generator, gas: float, dust: float) -> tuple[Floats, Floats]:
    """Two layers in MJy/sr: gas lit from one side of a ragged wall, and the wall of dust with its bright rim."""
    if gas <= 0 and dust <= 0:
        nothing = np.zeros((MAP_SIZE, MAP_SIZE))
        return nothing, nothing
    y, x = np.mgrid[-1 : 1 : MAP_SIZE * 1j, -1 : 1 : MAP_SIZE * 1j]
    turbulence = _power_law(rng, 3.7)
    filaments = np.exp(-np.abs(_power_law(rng, 3.4)) * 3.0) * np.exp(-np.abs(_power_law(rng, 3.1)) * 1.1)
    depth = y + 0.35 * x + 0.17 * turbulence + 0.05 * _power_law(rng, 3.2)
    wall = 1 / (1 + np.exp(depth / 0.03))
    rim = np.exp(-0.5 * ((depth - 0.01) / 0.024) ** 2) * (0.35 + 1.2 * filaments)
    haze = np.exp(0.45 * _power_law(rng, 3.8))
    lit = gas * ((1 - 0.85 * wall) * (0.35 + 0.45 * haze * np.exp(-np.clip(depth, 0, None) * 1.1)) + 1.7 * rim)
    clouds = dust * (wall * (0.25 + 0.9 * filaments * np.exp(0.35 * turbulence) * np.exp(depth * 0.8)) + 0.9 * rim)
    return lit, clouds
