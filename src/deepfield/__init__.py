"""Deepfield: a discovery portal and archive for JWST data that anyone can run."""

__version__ = "0.1.0"
