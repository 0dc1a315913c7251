"""The schema of the migrations in a new SQLite file: a copy takes a hundredth of migrating."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from monitor.store.engine import make_engine
from monitor.store.migrations import upgrade


def migrate(engine: Engine) -> None:
    """Do to a new SQLite database what `driftwarden db upgrade` does."""
    path = Path(engine.url.database or "")
    assert engine.dialect.name == "sqlite"
    assert not path.exists()
    shutil.copyfile(_migrated(), path)


@cache
def _migrated() -> Path:
    """Return a file that was migrated once for this process."""
    folder = Path(tempfile.mkdtemp(prefix="driftwarden-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    engine = make_engine(f"sqlite:///{folder / 'driftwarden.db'}")
    upgrade(engine)
    engine.dispose()  # the last connection writes the log back into the file
    return folder / "driftwarden.db"
