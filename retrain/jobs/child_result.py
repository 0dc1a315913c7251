"""Result of a child, by its own file or as seen from outside."""

from typing import Any

from monitor.errors import DriftwardenError, TrainingError
from retrain.jobs.launcher import NOUNS, Launcher
from retrain.run_folder import RunFolder, Task, read_json

#: Lines of the log that the error of a lost child quotes.
QUOTED_LOG_LINES = 5


def read_result(folder: RunFolder, task: Task) -> dict[str, Any] | None:
    """Return the child's result; an unreadable file counts as a failure."""
    try:
        return read_json(folder.task(task).result)
    except TrainingError as error:
        return {"status": "failed", "error": str(error)}


def describe_exit(launcher: Launcher, folder: RunFolder, task: Task) -> str:
    """Describe the exit of a child that wrote no result."""
    seen = launcher.explain(folder, task) or "killed, or out of memory"
    try:
        lines = [line for line in launcher.logs(folder, 200, task) if line.strip()]
    except DriftwardenError as error:
        lines = [str(error)]
    message = "; its last words: " + " | ".join(lines[-QUOTED_LOG_LINES:]) if lines else ""
    return f"the {NOUNS[task]} child ended without a result ({seen}){message}"
