"""Result of a child, by its own file or as seen from outside."""

from typing import Any

from monitor.errors import DriftwardenError, TrainingError
from retrain.jobs.launcher import NOUNS, Launcher
from retrain.run_folder import RunFolder, Task, read_json

#: How many lines of its log an error of a child that died without a word quotes.
QUOTED_LOG_LINES = 5


def read_result(folder: RunFolder, task: Task) -> dict[str, Any] | None:
    """Return what the child left; what can't be read is a failure, which ends its task too."""
    try:
        return read_json(folder.task(task).result)
    except TrainingError as error:
        return {"status": "failed", "error": str(error)}


def describe_exit(launcher: Launcher, folder: RunFolder, task: Task) -> str:
    """Say how a child ended that left no result."""
    seen = launcher.explain(folder, task) or "killed, or out of memory"
    try:
        lines = [line for line in launcher.logs(folder, 200, task) if line.strip()]
    except DriftwardenError as error:
        lines = [str(error)]
    message = "; its last words: " + " | ".join(lines[-QUOTED_LOG_LINES:]) if lines else ""
    return f"the {NOUNS[task]} child ended without a result ({seen}){message}"
