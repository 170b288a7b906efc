"""Alembic's entry point: migrates on the connection that ``Database.upgrade`` hands over."""

from __future__ import annotations

from alembic import context

from deepfield.catalogue.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    user_module_prefix="types.",
    transactional_ddl=True,
)
context.run_migrations()
