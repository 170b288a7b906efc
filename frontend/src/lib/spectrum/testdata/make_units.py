# ruff: noqa: INP001  (stands beside the file it writes)
"""Write units.json: conversions of astropy that the page's own are held against. Run with the project's Python."""

import json
from pathlib import Path

import numpy as np
from astropy import units as u

X = {"um": u.um, "nm": u.nm, "Angstrom": u.AA, "GHz": u.GHz, "km/s": u.km / u.s}
Y = {
    "Jy": u.Jy, "mJy": u.mJy, "uJy": u.uJy, "MJy": u.MJy,
    "erg/s/cm2/Hz": u.erg / u.s / u.cm**2 / u.Hz, "erg/s/cm2/Angstrom": u.erg / u.s / u.cm**2 / u.AA,
    "W/m2/um": u.W / u.m**2 / u.um,
}  # fmt: skip
SURFACE = {
    "MJy/sr": u.MJy / u.sr, "Jy/arcsec2": u.Jy / u.arcsec**2,
    "erg/s/cm2/Angstrom/arcsec2": u.erg / u.s / u.cm**2 / u.AA / u.arcsec**2,
}  # fmt: skip

rng = np.random.default_rng(3)
cases = []
for _ in range(12):
    wavelength, rest, value = rng.uniform(0.6, 28), rng.uniform(0.6, 28), 10 ** rng.uniform(-9, 3)
    place = wavelength * u.um
    rules = u.spectral() + u.doppler_optical(rest * u.um)
    cases.append(
        {
            "wavelength": wavelength,
            "rest": rest,
            "value": value,
            "x": {name: place.to_value(unit, rules) for name, unit in X.items()},
            "flux": {
                a: {b: (value * A).to_value(B, u.spectral_density(place)) for b, B in Y.items()} for a, A in Y.items()
            },
            "surface": {
                a: {b: (value * A * u.sr).to(B * u.sr, u.spectral_density(place)).value for b, B in SURFACE.items()}
                for a, A in SURFACE.items()
            },
        }
    )
Path(__file__).with_name("units.json").write_text(json.dumps(cases, indent=1) + "\n")
