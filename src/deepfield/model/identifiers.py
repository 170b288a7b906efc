"""Identifiers of the CAOM and ObsCore worlds, and of the wire."""

from __future__ import annotations

COLLECTION = "JWST"


def observation_uri(obs_id: str) -> str:
    """Return the CAOM 2.4 ObservationURI, e.g. ``caom:JWST/jw02731-o001_t017_nircam_f187n``."""
    return f"caom:{COLLECTION}/{obs_id}"


def artifact_uri(filename: str) -> str:
    """Return the URI under which MAST clients know a product, ``mast:JWST/product/<file name>``."""
    return f"mast:{COLLECTION}/product/{filename}"


def publisher_did(authority: str, obs_id: str, product_id: str) -> str:
    """Return the ObsCore 1.1 publisher dataset identifier of a plane."""
    return f"ivo://{authority}/jwst?{obs_id}/{product_id}"
