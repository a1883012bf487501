"""Alembic's entry: runs the steps on the connection that ``store.schema`` hands over, never on one of its own."""

from alembic import context
from sqlmodel import SQLModel

from epix_node.store import register_tables, tables  # noqa: F401 # fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
context.run_migrations()
