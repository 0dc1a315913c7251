"""Progress of a child, stored in its run's row."""

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.errors import DriftwardenError
from retrain.jobs.launcher import Launcher
from retrain.run_folder import RunFolder, Task, read_json, read_lines

#: Maximum points of a stored curve.
KEPT_POINTS = 200
#: Maximum lines of the stored log.
KEPT_LOG_LINES = 20


def last_progress(folder: RunFolder, task: Task = "train") -> Mapping[str, Any]:
    """Read the last report of a task's child."""
    return read_json(folder.task(task).heartbeat) or {}


def losses(folder: RunFolder, name: str = "loss") -> list[tuple[int, float]]:
    """Return (step, loss) of all logged steps, sorted by step.

    ``loss`` is that on the training set; the other is ``validation_loss``.
    """
    # For a step repeated after a resumption, the last value counts.
    matches = {line["step"]: line[name] for line in read_lines(folder.progress) if name in line}
    return sorted(matches.items())


def progress_record(
    folder: RunFolder, launcher: Launcher, pending_reason: str = ""
) -> dict[str, Any]:
    """Return the last report, thinned curves and the last lines of the log."""
    try:
        message = [line for line in launcher.logs(folder, KEPT_LOG_LINES) if line.strip()]
    except DriftwardenError as error:
        message = [str(error)]
    return {
        "last": dict(last_progress(folder)),
        "losses": thinned(losses(folder)),
        "validation": thinned(losses(folder, "validation_loss")),
        "log": message,
        "pending_reason": pending_reason,
    }


def thinned(points: Sequence[tuple[int, float]]) -> list[list[float]]:
    """Return at most :data:`KEPT_POINTS` evenly spaced points of a curve, including the last."""
    stride = -(-len(points) // KEPT_POINTS)
    return [list(point) for point in reversed(points[::-1][::stride])] if points else []
