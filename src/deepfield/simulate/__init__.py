"""A small, physically plausible JWST archive, written from nothing: the demo and the tests' data."""

from deepfield.simulate.archive import Summary, simulate

__all__ = ["Summary", "simulate"]
