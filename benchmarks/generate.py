"""Writes a large made-up archive straight into a SQLite catalogue, as ``scale.toml`` describes it.

Same size, same rows. Observations are drawn by numpy; planes, products and links are made from them inside SQLite.
Indexes are dropped for the load and made again at its end.
"""

from __future__ import annotations

import sqlite3
import tomllib
from pathlib import Path
from typing import Any

import hpgeom
import numpy as np

from deepfield.catalogue.database import Database
from deepfield.catalogue.schema import OBSERVATION

SCALE = tomllib.loads(Path(__file__).with_name("scale.toml").read_text(encoding="utf-8"))
CHUNK = 50_000
MJD_2022 = 59580.0
TAKEN_OVER = 61369.0
"""Day (MJD) up to which released data came after their release: no server has a million releases to announce."""
SUFFIXES = ("uncal", "rate", "rateints", "cal", "crf", "trapsfilled")
LINKS = SCALE["products_per_observation"] - SCALE["own_products"]


def generate(path: Path, number: int, *, seed: int = 1) -> None:
    """Write a catalogue of ``number`` observations into a new file."""
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-500000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    programmes = Programmes(np.random.default_rng(seed), number)
    for start in range(0, number, CHUNK):
        rows = programmes.observations(start, min(CHUNK, number - start))
        marks = ", ".join("?" * (len(rows) + 1))
        connection.executemany(
            f"INSERT INTO observation ({', '.join(rows)}, seq_from) VALUES ({marks})",
            ((*row, 1) for row in zip(*rows.values(), strict=True)),
        )
    for statement in (*derived(), f"UPDATE snapshot SET seq = 1, next_number = {number * 100 + 100}"):
        connection.execute(statement)
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute("COMMIT")
    connection.close()


class Programmes:
    """Programmes with targets, from which observations are drawn."""

    def __init__(self, random: np.random.Generator, number: int) -> None:
        self.random = random
        count = max(20, round(SCALE["programmes"] * min(1.0, number / SCALE["observations"] * 4)))
        size = SCALE["programme_size"]
        sizes = lognormal(random, size["p50"], size["p99"], count)
        targets = np.maximum(1, lognormal(random, size["targets_p50"], size["targets_p99"], count)).astype(int)
        self.programme = np.repeat(np.arange(count), targets)  # of each target
        weights = sizes[self.programme] / targets[self.programme]
        self.target = np.sort(random.choice(len(self.programme), number, p=weights / weights.sum()))
        self.number = number
        self.first = 1000 + np.sort(random.choice(9000, count, replace=False))
        words = SCALE["vocabulary"]
        self.titles = [self.title(words) for _ in range(count)]
        self.names = [self.name(words["syllables"]) for _ in range(count // 2 + 1)]
        self.pi = random.integers(0, len(self.names), count)
        self.category = random.choice(list(words["category"]), count, p=list(words["category"].values()))
        self.targets = [self.target_name(words["catalogues"]) for _ in self.programme]
        self.ra, self.dec = self.places(len(self.programme))
        self.month = self.draw_months(number)
        self.periods = random.choice(len(SCALE["release"]), count, p=shares([r["share"] for r in SCALE["release"]]))

    def title(self, words: dict[str, list[str]]) -> str:
        first, second, third, fourth = (
            self.random.choice(words[part]) for part in ("first", "second", "third", "fourth")
        )
        return f"A {first} {second} of {third} in {fourth}"

    def name(self, syllables: list[str]) -> str:
        family = "".join(self.random.choice(syllables, 2)).capitalize()
        return f"{family}, {''.join(self.random.choice(syllables, 2)).capitalize()}"

    def target_name(self, catalogues: list[str]) -> str:
        return f"{self.random.choice(catalogues)}-{self.random.integers(1, 9999)}"

    def places(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Some targets lie in well-known fields, the others anywhere."""
        fields = np.array(list(SCALE["fields"].values()))
        near = fields[self.random.integers(0, len(fields), number)] + self.random.normal(0, 0.08, (number, 2))
        ra = self.random.uniform(0, 360, number)
        dec = np.degrees(np.arcsin(self.random.uniform(-1, 1, number)))
        known = self.random.random(number) < SCALE["in_fields"]
        return np.where(known, near[:, 0] % 360, ra), np.clip(np.where(known, near[:, 1], dec), -89.9, 89.9)

    def draw_months(self, number: int) -> np.ndarray:
        months = SCALE["months"]
        starts = np.array([(np.datetime64(month) - np.datetime64("2022-01")).astype(int) for month in months])
        return self.random.choice(starts, number, p=shares(list(months.values())))

    def observations(self, start: int, count: int) -> dict[str, list[Any]]:
        """Return columns of consecutive observations."""
        random, modes = self.random, SCALE["mode"]
        rows = np.arange(start, start + count)
        target = self.target[rows]
        programme = self.programme[target]
        mode = random.choice(len(modes), count, p=shares([each["share"] for each in modes]))
        elements = np.empty(count, object)
        detector = np.empty(count, object)
        for at, each in enumerate(modes):
            mine = mode == at
            share = shares(list(each["elements"].values()))
            elements[mine] = random.choice(np.array(list(each["elements"]), object), mine.sum(), p=share)
            detector[mine] = random.choice(np.array(each["detectors"], object), mine.sum())
        field = np.array([each["field"] for each in modes])[mode] * np.where(
            np.char.find(detector.astype(str), "long") > 0, 2, 1
        )
        ra = (self.ra[target] + random.normal(0, 0.02, count) / np.cos(np.radians(self.dec[target]))) % 360
        dec = np.clip(self.dec[target] + random.normal(0, 0.02, count), -89.95, 89.95)
        begun = MJD_2022 + self.month[rows] * 30.44 + random.uniform(0, 30.4, count)
        exposure = np.round(10 ** random.normal(2.6, 0.5, count), 3)
        low, high = np.array([each["wavelengths"] for each in modes])[mode].T
        shortest = np.round(low * (high / low) ** random.uniform(0, 0.8, count), 10)
        days = np.array([each["days"] for each in SCALE["release"]])[self.periods[programme]]
        released = begun + random.uniform(days[:, 0], days[:, 1])
        level = random.choice([1, 2, 3], count, p=[0.12, 0.78, 0.10])
        number = np.array([f"{self.first[p]:05d}" for p in programme])
        obs_id = [
            f"jw{n}{r // 2000 % 1000:03d}001_{2 + r // 500 % 4:02d}101_{r % 500 + 1:05d}_{d}" if level_ < 3
            else f"jw{n}-o{r // 50 % 1000:03d}_t{t % 1000:03d}_{modes[m]['name'].split('/')[0].lower()}_{e.lower().replace(';', '-')}-{r}"
            for n, r, d, level_, t, m, e in zip(number, rows, detector, level, target, mode, elements, strict=True)
        ]  # fmt: skip
        columns: dict[str, Any] = {
            "obs_number": rows + 1,
            "obs_id": obs_id,
            "obs_collection": ["JWST"] * count,
            "algorithm": np.where(level == 3, "image3", "exposure"),
            "intent": np.where(random.random(count) < 0.92, "science", "calibration"),
            "target_name": [self.targets[t] for t in target],
            "target_standard_name": [self.targets[t].replace("-", " ") for t in target],
            "target_classification": ["Galaxy; Spiral galaxies"] * count,
            "target_type": ["FIXED"] * count,
            "moving_target": [0] * count,
            "s_ra": ra,
            "s_dec": dec,
            "s_fov": np.round(field * np.sqrt(2) * 1.02, 8),
            "s_region": outlines(ra, dec, field, random.uniform(0, 90, count)),
            "s_pixel_scale": np.round(field * 3600 / 2048, 5),
            "s_resolution": np.round(shortest * 32500, 6),
            "healpix": hpgeom.angle_to_pixel(1 << 29, ra, dec, nest=True, lonlat=True, degrees=True),
            "instrument_name": [modes[m]["name"].split("/")[0] for m in mode],
            "instrument_mode": [modes[m]["name"] for m in mode],
            "detector": [d.upper() for d in detector],
            "exp_type": [modes[m]["exp_type"] for m in mode],
            "template": [modes[m]["name"] for m in mode],
            "aperture": [f"{d.upper()}_FULL" for d in detector],
            "subarray": np.where(random.random(count) < 0.85, "FULL", "SUB400P"),
            "filters": elements,
            "dataproduct_type": [modes[m]["type"] for m in mode],
            "calib_level": level,
            "is_tso": [int(modes[m]["type"] == "timeseries") for m in mode],
            "t_min": np.round(begun, 8),
            "t_max": np.round(begun + exposure / 86400 * 1.1, 8),
            "t_exptime": exposure,
            "em_min": shortest,
            "em_max": np.round(np.minimum(high, shortest * random.uniform(1.05, 2.0, count)), 10),
            "em_res_power": np.round(10 ** random.uniform(0.5, 3.5, count), 1),
            "proposal_id": [str(self.first[p]) for p in programme],
            "proposal_pi": [self.names[self.pi[p]] for p in programme],
            "proposal_title": [self.titles[p] for p in programme],
            "proposal_type": self.category[programme],
            "visit_id": [f"{n}{r // 2000 % 1000:03d}001" for n, r in zip(number, rows, strict=True)],
            "observation_number": [f"{r // 2000 % 1000:03d}" for r in rows],
            "visit_status": random.choice(SCALE["vocabulary"]["status"], count, p=[0.9, 0.05, 0.02, 0.02, 0.01]),
            "data_release": moments(released),
            "cal_ver": random.choice(["1.18.1", "1.19.0", "1.20.2", "2.0.1"], count, p=[0.1, 0.2, 0.4, 0.3]),
            "crds_ctx": random.choice(["jwst_1364.pmap", "jwst_1413.pmap", "jwst_1464.pmap"], count, p=[0.2, 0.3, 0.5]),
            "obs_creation_date": moments(begun + 30),
            "main_product": [f"{each}_cal.fits" for each in obs_id],
            "preview_product": [f"{each}_cal.fits" for each in obs_id],
            "n_products": [SCALE["products_per_observation"]] * count,
            "access_estsize": random.integers(10**6, 2 * 10**9, count),
            "archived_at": moments(np.where(released < TAKEN_OVER, np.maximum(released, begun + 2), begun + 2)),
            "modified_at": moments(begun + 30),
            "origin": ['{"target.name": "TARGPROP", "position": "S_REGION of SCI", "energy": "filters"}'] * count,
            "members": ["[]"] * count,
            "notes": ["[]"] * count,
        }
        assert set(columns) == set(OBSERVATION.c.keys()) - {"seq_from", "seq_to"}
        return {name: values.tolist() if isinstance(values, np.ndarray) else values for name, values in columns.items()}


def lognormal(random: np.random.Generator, p50: float, p99: float, count: int) -> np.ndarray:
    return random.lognormal(np.log(p50), np.log(p99 / p50) / 2.326, count)


def shares(values: list[float]) -> np.ndarray:
    return np.array(values) / np.sum(values)


def moments(mjd: np.ndarray) -> list[str]:
    stamps = (np.datetime64("1858-11-17T00:00:00.000000") + (mjd * 86_400e6).astype("timedelta64[us]")).astype(str)
    return [f"{stamp}Z" for stamp in stamps]


def outlines(ra: np.ndarray, dec: np.ndarray, field: np.ndarray, turn: np.ndarray) -> list[str]:
    """Return squares around the centres, in the plane of the sky."""
    corners = []
    for angle in (45, 135, 225, 315):
        theta, r = np.radians(turn + angle), np.radians(field) / np.sqrt(2)
        delta, alpha = np.radians(dec), np.radians(ra)
        x, y = r * np.sin(theta), r * np.cos(theta)
        c = np.arctan(np.hypot(x, y))
        rho = np.hypot(x, y)
        d = np.arcsin(np.cos(c) * np.sin(delta) + y * np.sin(c) * np.cos(delta) / rho)
        a = alpha + np.arctan2(x * np.sin(c), rho * np.cos(delta) * np.cos(c) - y * np.sin(delta) * np.sin(c))
        corners += [np.degrees(a) % 360, np.degrees(d)]
    return ["POLYGON ICRS " + " ".join(map(repr, row)) for row in np.round(np.array(corners).T, 8).tolist()]


def derived() -> list[str]:
    """Return the statements that make planes, products and links of the observations."""
    visit = SCALE["visit_observations"]
    products = ", ".join(f"({at}, '{suffix}')" for at, suffix in enumerate(SUFFIXES))
    digest = "(o.obs_number * 10 + s.column1)"
    spread = f"printf('%016x%016x%016x%016x', {digest} * 2654435761, {digest} * 40503, {digest} * 97, {digest})"
    return [
        (
            "INSERT INTO plane (plane_number, obs_number, obs_id, product_id, calib_level, dataproduct_type, data_release, "
            "main_product, s_ra, s_dec, s_fov, s_region, t_min, t_max, t_exptime, em_min, em_max, filters, cal_ver, "
            "crds_ctx, seq_from) SELECT obs_number, obs_number, obs_id, 'cal', calib_level, dataproduct_type, data_release, "
            "main_product, s_ra, s_dec, s_fov, s_region, t_min, t_max, t_exptime, em_min, em_max, filters, cal_ver, "
            "crds_ctx, 1 FROM observation"
        ),
        (
            "INSERT INTO artifact (artifact_number, obs_number, product_id, filename, suffix, extension, product_type, "
            "product_group, calib_level, description, detector, content_type, content_length, sha256, version, created, "
            "data_release, location, linked, mtime_ns, has_preview, archived_at, seq_from) "
            f"SELECT o.obs_number * 10 + s.column1, o.obs_number, 'cal', o.obs_id || '_' || s.column2 || '.fits', s.column2, "
            "'fits', 'SCIENCE', 'Minimum Recommended Products', o.calib_level, 'calibrated exposure', o.detector, "
            f"'application/fits', o.access_estsize / 6, {spread}, 1, o.obs_creation_date, o.data_release, "
            "'/archive/' || o.visit_id || '/' || o.obs_id || '_' || s.column2 || '.fits', 1, 1700000000000000000, 1, "
            f"o.archived_at, 1 FROM observation AS o CROSS JOIN (VALUES {products}) AS s"
        ),
        # each lists the products of the next four observations of its visit, going round
        (
            "INSERT INTO product_link (obs_number, artifact_number, relation, seq_from) "
            f"WITH RECURSIVE near(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM near WHERE at < {LINKS // len(SUFFIXES)}), "
            f"sort(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM sort WHERE at < {len(SUFFIXES) - 1}) "
            f"SELECT o.obs_number, ((o.obs_number - 1) / {visit} * {visit} + (o.obs_number - 1 + near.at) % {visit} + 1) * 10 "
            "+ sort.at, CASE sort.at WHEN 0 THEN 'association' WHEN 1 THEN 'pool' ELSE 'guide_star' END, 1 "
            "FROM observation AS o, near, sort"
        ),
    ]
