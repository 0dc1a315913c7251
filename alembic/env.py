"""Alembic's entry: migrates the connection that it is given (`driftwarden db upgrade`)."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
