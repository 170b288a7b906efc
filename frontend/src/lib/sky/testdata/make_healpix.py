# ruff: noqa: INP001  (stands beside the file it writes)
"""Write healpix.json: nested cells and their corners as hpgeom gives them. Run by hand like make_projections.py."""

import json
from pathlib import Path

import hpgeom
import numpy as np

rng = np.random.default_rng(11)
ra = np.concatenate([rng.uniform(0, 360, 60), [0.0, 359.9999, 45.0, 12.0, 200.0]])
dec = np.concatenate([np.degrees(np.arcsin(rng.uniform(-1, 1, 60))), [0.3, 41.9, 89.9999, -89.99, -41.7]])
rows = []
for order in (0, 1, 5, 12):
    cells = hpgeom.angle_to_pixel(2**order, ra, dec, nest=True, lonlat=True, degrees=True)
    for here, there, cell in zip(ra, dec, cells, strict=True):
        lon, lat = hpgeom.boundaries(2**order, int(cell), step=1, nest=True, lonlat=True, degrees=True)
        corners = [[float(a), float(b)] for a, b in zip(lon, lat, strict=True)]
        rows.append({"order": order, "ra": float(here), "dec": float(there), "cell": int(cell), "corners": corners})
Path(__file__).with_name("healpix.json").write_text(json.dumps(rows, separators=(",", ":")) + "\n")
