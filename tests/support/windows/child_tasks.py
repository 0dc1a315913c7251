"""Tasks of a child process of evaluations: they tell, hang, fail, or leave memory behind."""

import ctypes
import os
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from monitor.errors import DatabaseUnavailableError
from monitor.settings import Settings
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from tests.support.present import utc_now

remnants: list[bytes] = []


def identify(_engine: Engine, *, encoder: Any) -> tuple[int, int]:
    """Return process and session."""
    print("a library prints this")
    return os.getpid(), os.getsid(0)


def query(engine: Engine, *, encoder: Any) -> tuple[str, int]:
    """Return the database, and a value from it."""
    with engine.begin() as connection:
        return engine.dialect.name, connection.execute(text("SELECT 7")).scalar_one()


def write_entry(engine: Engine, actor: str, *, encoder: Any) -> None:
    """Write an entry of the audit log."""
    with transaction(engine) as connection:
        append_entry(connection, utc_now(), actor, "tried", "database")


def hang(_engine: Engine, note: Path, *, encoder: Any) -> None:
    """Write the process to a file, then hang without letting any other thread run."""
    note.with_suffix(".part").write_text(str(os.getpid()))
    note.with_suffix(".part").rename(note)
    ctypes.PyDLL(None).sleep(600)


def hang_or_evaluate(engine: Engine, settings: Settings, *rest: Any, encoder: Any) -> bool:
    """Hang on the traffic of the model ``hangs``; evaluate that of others, without a report."""
    if settings.model.name == "hangs":
        ctypes.PyDLL(None).sleep(600)
    from monitor.windows import evaluation

    # Its libraries take seconds to import.
    evaluation.render_evidently = lambda *_, **__: "<p>report</p>"  # type: ignore[assignment]
    return evaluation.evaluate_claimed(engine, settings, *rest, encoder=encoder)


def end(_engine: Engine, status: int, *, encoder: Any) -> None:
    """End the process."""
    os._exit(status)


def fail(_engine: Engine, *, encoder: Any) -> None:
    """Raise an error that can't be pickled."""
    error = ValueError("broken on purpose")
    error.__dict__["module"] = sys
    raise error


def lose_database(_engine: Engine, *, encoder: Any) -> None:
    """Raise the error of a lost database."""
    raise DatabaseUnavailableError("away")


def allocate(_engine: Engine, megabytes: int, left: int, *, encoder: Any) -> int:
    """Use memory, keep a part of it, and return the process."""
    used = os.urandom(1) * (megabytes << 20)
    remnants.append(used[: left << 20])
    return os.getpid()


def doze(_engine: Engine, seconds: float, *, encoder: Any) -> int:
    """Take some time, and return the process."""
    time.sleep(seconds)
    return os.getpid()
