"""A few thousand made-up observations with everything that is hard about real ones, written straight into a catalogue."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import hpgeom

from deepfield.catalogue.schema import OBSERVATION, SNAPSHOT, TABLES
from deepfield.catalogue.versions import begin_rows, end_rows

if TYPE_CHECKING:
    from random import Random

    from sqlalchemy import Connection

    from deepfield.catalogue.database import Database

NOW = datetime(2026, 6, 1, tzinfo=UTC)
INSTRUMENTS = ("NIRCAM", "MIRI", "NIRSPEC", "NIRISS")
FILTERS = ("F444W", "F200W;CLEAR", "F187N", "f%_weird", "a,b", "x..y", "null", "!not", "it's; DROP", None)
TARGETS = (
    ("NGC 3324", "NGC 3324", "Cosmic cliffs of the Carina nebula", "Pontoppidan, Klaus"),
    ("NGC-3324-BKG", "NGC 3324", "Cosmic cliffs of the Carina nebula", "Pontoppidan, Klaus"),
    ("M31", "Messier 31", "Stars in the Andromeda galaxy", "Öpik, Ernst"),
    ("HUDF", None, "Deep survey of the first galaxies", "Núñez, José"),
    ("Jupiter", "JUPITER", "Giant planets", "de Pater, Imke"),
    ("WASP-39", "WASP-39b", "Transiting exoplanet community", "Batalha, Natalie"),
    (None, None, None, None),
)


def observation(number: int, random: Random, **given: Any) -> dict[str, Any]:
    """Make a row of table ``observation``; the same random state gives the same row."""
    programme = random.randrange(len(TARGETS))
    target, standard, title, pi = TARGETS[programme]
    ra, dec, fov, region = place(random)
    start = round(random.uniform(59_700, 61_300), random.choice((0, 6)))
    shortest = random.choice((0.6e-6, 1.1e-6, 3.9e-6, 5e-6)) * random.uniform(1, 1.01)
    release = NOW + timedelta(days=random.randint(-900, 400))
    row: dict[str, Any] = dict.fromkeys(OBSERVATION.c.keys())
    row |= {
        "obs_number": number,
        "obs_id": f"jw{programme + 1000:05d}{number:06d}_02101_00001_nrca1",
        "obs_collection": "JWST",
        "algorithm": random.choice(("exposure", "composite")),
        "intent": random.choice(("science", "calibration", None)),
        "target_name": target,
        "target_standard_name": standard,
        "moving_target": target == "Jupiter",
        "s_ra": ra,
        "s_dec": dec,
        "s_fov": fov,
        "s_region": region,
        "instrument_name": random.choice(INSTRUMENTS),
        "filters": random.choice(FILTERS),
        "dataproduct_type": random.choice(("image", "cube", "spectrum", None)),
        "calib_level": random.choice((-1, 1, 2, 3, None)),
        "is_tso": random.random() < 0.1,
        "t_min": random.choice((start, start, start, 60_000.0, None)),
        "t_exptime": random.choice((0.0, 100.0, None, *(10 ** random.uniform(-1, 5) for _ in range(5)))),
        "em_min": random.choice((shortest, shortest, None)),
        "em_max": random.choice((shortest * random.uniform(1, 3), shortest * 1.5, shortest * 1.5, None)),
        "proposal_id": str(programme + 1000),
        "proposal_pi": pi,
        "proposal_title": title,
        "data_release": random.choice((release, release, release, None)),
        "n_products": random.randint(1, 9),
        "access_estsize": random.choice((0, 10 ** random.randint(3, 12))),
        "archived_at": NOW,
        "modified_at": NOW,
    }
    row |= given
    if row["s_ra"] is not None:
        row["healpix"] = int(hpgeom.angle_to_pixel(1 << 29, row["s_ra"], row["s_dec"], nest=True, lonlat=True))
    del row["seq_from"], row["seq_to"]
    return row


def place(random: Random) -> tuple[float | None, float | None, float | None, str | None]:
    """Make a centre, a field of view and a footprint: in crowds, at the poles, across RA 0, points, none, one huge."""
    kind = random.randrange(12)
    if kind == 0:
        return None, None, None, None
    ra, dec = [(0.001, 0.0), (53.1, -27.8), (10.0, 89.999), (200.0, -89.99), (359.99, 45.0)][kind % 5]
    if kind > 9:
        ra, dec = random.uniform(0, 360), math.degrees(math.asin(random.uniform(-1, 1)))
    size = random.choice((0.01, 0.04, 0.04, 0.3, 2.0 if random.random() < 0.1 else 0.1))
    ra, dec = offset(ra, dec, random.uniform(0, 3 * size), random.uniform(0, 360))
    if kind == 1:
        return ra, dec, None, None
    if kind == 2:
        return ra, dec, 2 * size, f"CIRCLE ICRS {ra!r} {dec!r} {size!r}"
    turn = random.uniform(0, 360)
    corners = [
        offset(ra, dec, size, turn + angle) for angle in sorted(random.uniform(0, 90) + 90 * i for i in range(4))
    ]
    return ra, dec, 2 * size, "POLYGON ICRS " + " ".join(f"{x!r} {y!r}" for x, y in corners)


def offset(ra: float, dec: float, distance: float, angle: float) -> tuple[float, float]:
    """Return the position at a distance and position angle, all in degrees."""
    alpha, delta, r, t = (math.radians(value) for value in (ra, dec, distance, angle))
    z = math.sin(delta) * math.cos(r) + math.cos(delta) * math.sin(r) * math.cos(t)
    y = math.sin(r) * math.sin(t)
    x = math.cos(delta) * math.cos(r) - math.sin(delta) * math.sin(r) * math.cos(t)
    return math.degrees(alpha + math.atan2(y, x)) % 360.0, math.degrees(math.atan2(z, math.hypot(x, y)))


def commit(database: Database, rows: list[dict[str, Any]], *, ended: list[dict[str, Any]] = ()) -> int:
    """Write rows of ``observation`` under the next snapshot number, ending others; returns the number."""
    with database.begin() as connection:
        seq = _next(connection)
        end_rows(connection, OBSERVATION, [{**row, "seq_from": row["seq_from"]} for row in ended], seq)
        begin_rows(connection, OBSERVATION, rows, seq)
    return seq


def commit_to(database: Database, table: str, rows: list[dict[str, Any]]) -> int:
    """Write rows of any versioned table under the next snapshot number."""
    with database.begin() as connection:
        seq = _next(connection)
        begin_rows(connection, TABLES[table], rows, seq)
    return seq


def _next(connection: Connection) -> int:
    seq = connection.execute(SNAPSHOT.select()).mappings().one()["seq"] + 1
    connection.execute(SNAPSHOT.update().values(seq=seq))
    return seq
