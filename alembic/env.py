"""Alembic's entry: migrates the connection it is given (`driftwarden db upgrade`)."""

from alembic import context

from monitor.store.engine import make_engine
from monitor.store.tables import metadata


def run(connection):
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # Revisions import our types by their name.
        user_module_prefix="",
        # SQLite alters a table by copying it.
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:  # the alembic command, for writing a new revision: -x url=sqlite:///scratch.db
    url = context.get_x_argument(as_dictionary=True)["url"]
    with make_engine(url).begin() as opened:
        run(opened)
