"""Made-up observations for tests of what stores and searches them."""

import dataclasses
import hashlib
from datetime import UTC, datetime

from deepfield.catalogue.rows import Filed
from deepfield.model.observation import (
    Artifact,
    Energy,
    Observation,
    Plane,
    Position,
    Proposal,
    Provenance,
    Target,
    Time,
)

ARCHIVED = datetime(2026, 3, 1, 12, 30, 0, 250_000, tzinfo=UTC)
MADE = datetime(2026, 2, 1, tzinfo=UTC)


def artifact(filename="jw01234001001_02101_00001_nrca1_cal.fits", content="1", **changed):
    fields = {
        "filename": filename,
        "suffix": filename.rpartition("_")[2].partition(".")[0],
        "extension": filename.rpartition(".")[2],
        "product_type": "SCIENCE",
        "product_group": "Minimum Recommended Products",
        "calib_level": 2,
        "content_type": "application/fits",
        "content_length": 2**33 + len(content),
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
        "created": MADE,
        "data_release": ARCHIVED,
        "detector": "NRCA1",
        "description": "exposure, calibrated; “µJy”",
    }
    return Artifact(**(fields | changed))


def observation(obs_id="jw01234001001_02101_00001_nrca1", artifacts=None, **changed):
    artifacts = (artifact(f"{obs_id}_cal.fits"),) if artifacts is None else tuple(artifacts)
    sky = Position(10.0, -20.0, "POLYGON ICRS 9.9 -20.1 10.1 -20.1 10.0 -19.9", 0.3, 0.031, (2048, 2048))
    energy, time = Energy(1.9e-6, 2.1e-6, "F200W", 4.5), Time(61000.25, 61000.5, 1203.5)
    provenance = Provenance(version="2.0.1", context="jwst_1535.pmap", sdp_version="2026_1a", last_executed=MADE)
    plane = Plane(
        "cal", 2, "image", ARCHIVED, ARCHIVED, artifacts[0].filename, artifacts, sky, energy, time, provenance
    )
    fields = {
        "obs_id": obs_id,
        "algorithm": "exposure",
        "intent": "science",
        "instrument_name": "NIRCAM",
        "instrument_mode": "NIRCAM/IMAGE",
        "calib_level": 2,
        "dataproduct_type": "image",
        "proposal": Proposal("1234", "Cannon, Annie", 'Stars, "classified"\nby eye', "GO"),
        "target": Target("NGC 3324", None, "Star forming region; nebula", "FIXED"),
        "planes": (plane,),
        "position": sky,
        "energy": energy,
        "time": time,
        "data_release": ARCHIVED,
        "provenance": provenance,
        "main_product": artifacts[0].filename,
        "origin": {"target.name": "TARGPROP"},
        "notes": ("one", "two"),
    }
    return Observation(**(fields | changed))


def filed(version=1, **changed):
    fields = {"location": "/data/x.fits", "linked": True, "mtime_ns": 5, "has_preview": False, "archived_at": ARCHIVED}
    return Filed(version=version, **(fields | changed))


def save(database, *observations, at=ARCHIVED, version=1, links=None):
    """Commit these observations as ingest does and return the snapshot number."""
    from deepfield.catalogue.links import Links
    from deepfield.catalogue.numbers import next_snapshot
    from deepfield.catalogue.observations import Observations

    store = Observations()
    with database.begin() as connection:
        seq = next_snapshot(connection)
        changed = {}
        for one in observations:
            names = [file.filename for plane in one.planes for file in plane.artifacts]
            changed[one.obs_id] = store.save_products(
                connection, seq, one, {name: filed(version, archived_at=at) for name in names}
            )
        if links:
            Links().save(connection, seq, links, of=list(links))
        for one in observations:
            store.save_summary(connection, seq, one, at=at, changed=changed[one.obs_id][1] or bool(links))
    return seq


def with_files(one, *artifacts):
    """The observation with other artifacts in its only plane."""
    (plane,) = one.planes
    plane = dataclasses.replace(plane, artifacts=tuple(artifacts), main_product=artifacts[0].filename)
    return dataclasses.replace(one, planes=(plane,), main_product=artifacts[0].filename)
