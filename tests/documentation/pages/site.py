"""A site with a database, as pages expect it that are read after the installation."""

from sqlalchemy import Engine

from monitor.store.engine import make_engine
from tests.documentation.page import Site
from tests.support.migrated_copy import migrate

DATABASE = "driftwarden.db"
PASSWORD = "the desk opens at nine, every day"


def make_database(site: Site) -> Engine:
    """Make the database that `config.toml` names by default, with its schema."""
    engine = open_database(site)
    migrate(engine)
    return engine


def open_database(site: Site) -> Engine:
    """Open that database."""
    return make_engine(f"sqlite:///{site.folder / DATABASE}")
