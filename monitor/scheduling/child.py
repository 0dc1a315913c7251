"""Child process of the daemon's evaluations, ``python -m monitor.scheduling.child FD``."""

import ctypes
import gc
import os
import sys
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path

from structlog.contextvars import bind_contextvars, clear_contextvars

from monitor.child_process import die_with_parent, ignore_stop_signals
from monitor.embedding.encoder import load_encoder
from monitor.errors import DatabaseUnavailableError
from monitor.extras import is_installed
from monitor.scheduling.protocol import Ready, Reply, Start, Task
from monitor.settings.secrets.debugging import apply_debugging
from monitor.settings.secrets.files import read_variable
from monitor.store.engine import make_engine
from monitor.store.leadership import acting_under, fence
from monitor.telemetry import configure_logging, get_logger

log = get_logger(__name__)


def main(descriptor: int) -> None:
    """Serve tasks until the connection to the daemon ends."""
    ignore_stop_signals()
    with Connection(descriptor) as connection:
        start: Start = connection.recv()
        die_with_parent(start.parent)
        configure_logging()
        apply_debugging(read_variable("DRIFTWARDEN_DEBUG"), start.database_url)
        for module in filter(is_installed, start.preload):  # torch is optional
            import_module(module)
        engine = make_engine(start.database_url)
        leading = fence(engine)
        encoder = cache(partial(load_encoder, start.embedding))
        connection.send(Ready(resident_memory()))
        while True:
            task: Task = connection.recv()
            clear_contextvars()
            bind_contextvars(**task.ids)
            try:
                with acting_under(task.epoch):
                    value = task.function(
                        engine if task.epoch is None else leading,
                        *task.arguments,
                        encoder=encoder,
                    )
            except DatabaseUnavailableError as error:
                reply = Reply(error=str(error), database_unavailable=True)
            except Exception as error:
                log.exception("task_failed", task=task.function.__name__)
                reply = Reply(error=f"{type(error).__name__}: {error}")
            else:
                reply = Reply(value)
            connection.send(replace(reply, resident=free_memory()))


def free_memory() -> int:
    """Give unused memory back to the system; return what is left, in bytes."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(AttributeError):  # musl has none
            ctypes.CDLL(None).malloc_trim(0)
    return resident_memory()


def resident_memory() -> int:
    """Return the resident memory of this process in bytes; 0 where the system doesn't tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    # The daemon has closed the connection, or has died.
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        main(int(sys.argv[1]))
