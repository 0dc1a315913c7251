"""Result of a child, from its result file or its exit."""

import shutil
from typing import Any

from monitor.errors import DriftwardenError, TrainingError
from retrain.jobs.launcher import NOUNS, Launcher
from retrain.run_folder import RunFolder, Task, read_json

#: Free bytes below which a child could not even write its result.
FULL_DISK_BYTES = 1_000_000
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
    seen = launcher.explain(folder, task) or _likely_cause(folder)
    try:
        lines = [line for line in launcher.logs(folder, 200, task) if line.strip()]
    except DriftwardenError as error:
        lines = [str(error)]
    message = "; its last output: " + " | ".join(lines[-QUOTED_LOG_LINES:]) if lines else ""
    return f"the {NOUNS[task]} child ended without a result ({seen}){message}"


def _likely_cause(folder: RunFolder) -> str:
    """Return why a child may have ended; a full disk also takes the end of its log."""
    try:
        is_full = shutil.disk_usage(folder.root).free < FULL_DISK_BYTES
    except OSError:
        is_full = False
    return "its disk is full" if is_full else "killed, or out of memory"
