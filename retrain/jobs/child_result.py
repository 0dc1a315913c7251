"""Result of a child, from its result file or its exit."""

from typing import Any

from monitor.errors import DriftwardenError, TrainingError
from retrain.jobs.launcher import NOUNS, Launcher
from retrain.run_folder import RunFolder, Task, read_json

#: Log lines quoted in the error of a lost child.
QUOTED_LOG_LINES = 5


def read_result(folder: RunFolder, task: Task) -> dict[str, Any] | None:
    """Read the child's result; an unreadable file counts as a failure."""
    try:
        return read_json(folder.task(task).result)
    except TrainingError as error:
        return {"status": "failed", "error": str(error)}


def describe_exit(launcher: Launcher, folder: RunFolder, task: Task) -> str:
    """Describe the exit of a child without a result."""
    seen = launcher.explain(folder, task) or "killed, or out of memory"
    try:
        lines = [line for line in launcher.logs(folder, 200, task) if line.strip()]
    except DriftwardenError as error:
        lines = [str(error)]
    message = "; its last output: " + " | ".join(lines[-QUOTED_LOG_LINES:]) if lines else ""
    return f"the {NOUNS[task]} child ended without a result ({seen}){message}"
