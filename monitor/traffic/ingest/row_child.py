"""Child process that builds rows, ``python -m monitor.traffic.ingest.row_child FD``."""

import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from monitor.child_process import die_with_parent, ignore_stop_signals
from monitor.settings.secrets.debugging import apply_debugging
from monitor.settings.secrets.files import read_variable
from monitor.telemetry import configure_logging, counted, get_logger
from monitor.traffic.end_users.rules import PresentRules
from monitor.traffic.ingest.prepared_batch import PreparedBatch
from monitor.traffic.ingest.row_builder import RowBuilder
from monitor.traffic.ingest.row_process import NewRules, Reply, Start, Task

log = get_logger(__name__)


def main(descriptor: int) -> None:
    """Serve tasks until the connection to the daemon ends."""
    ignore_stop_signals()
    with Connection(descriptor) as connection:
        start: Start = connection.recv()
        die_with_parent(start.parent)
        configure_logging()
        settings = start.settings
        apply_debugging(read_variable("DRIFTWARDEN_DEBUG"), settings.database.url)
        try:
            builder = RowBuilder(settings)
        except Exception as error:  # noqa: BLE001 - the parent raises it
            connection.send(Reply(error))
            return
        connection.send(Reply(None))
        rules: PresentRules | None = None
        before = counted()
        while True:
            message: NewRules | Task = connection.recv()
            if isinstance(message, NewRules):
                rules = message.rules
                connection.send(Reply(None))
                continue
            outcome = _outcome(builder, message, rules)
            now = counted()
            connection.send(Reply(outcome, {k: n - before.get(k, 0.0) for k, n in now.items()}))
            before = now


def _outcome(
    builder: RowBuilder, task: Task, rules: PresentRules | None
) -> PreparedBatch | Exception:
    try:
        built: PreparedBatch = getattr(builder, task.method)(
            task.content, rules=rules, **task.options
        )
    except Exception as error:
        log.exception("preparation_failed")
        return error
    return built


if __name__ == "__main__":
    # The daemon has closed the connection, or has died.
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        main(int(sys.argv[1]))
