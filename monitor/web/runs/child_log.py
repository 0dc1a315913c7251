"""The log of a training run's child, from its file where this machine has it."""

from pathlib import Path

from monitor.store.training.runs import RunRow
from retrain.run_folder import RunFolder

#: Bytes of a longer log that are read: its end.
MAX_BYTES = 2_000_000


def read_log(row: RunRow) -> str | None:
    """Return the log of a run, of a long one its end; ``None`` where the file isn't here.

    The row has only the last lines of the last poll, and the child writes until it ends.
    """
    path = RunFolder(Path(row.work_dir)).log
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - MAX_BYTES))
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
