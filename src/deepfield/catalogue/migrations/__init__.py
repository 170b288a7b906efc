"""Alembic migrations of the catalogue, run by ``Database.upgrade``."""
