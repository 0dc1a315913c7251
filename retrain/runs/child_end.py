"""How a child ended, by its own result or as seen from outside, and how it is made to end."""

from typing import Any

from monitor.errors import DriftwardenError, TrainingError
from retrain.launchers import NOUNS, Handle, Launcher, LauncherSource
from retrain.run_folder import RunFolder, Task, read_json

#: How many lines of its log an error of a child that died without a word quotes.
QUOTED_LOG_LINES = 5
#: Of a child that nobody has tried to end yet, though its row is cancelled.
JUST_CANCELLED = "it was cancelled a moment ago"


def result_of(folder: RunFolder, task: Task) -> dict[str, Any] | None:
    """Return what the child left; what can't be read is a failure, which ends its task too."""
    try:
        return read_json(folder.task(task).result)
    except TrainingError as error:
        return {"status": "failed", "error": str(error)}


def last_words(launcher: Launcher, folder: RunFolder, task: Task) -> str:
    """Say how a child ended that left no result."""
    seen = launcher.explain(folder, task) or "killed, or out of memory"
    try:
        lines = [line for line in launcher.logs(folder, 200, task) if line.strip()]
    except DriftwardenError as error:
        lines = [str(error)]
    said = "; its last words: " + " | ".join(lines[-QUOTED_LOG_LINES:]) if lines else ""
    return f"the {NOUNS[task]} child ended without a result ({seen}){said}"


def child_to_end(
    launcher: Launcher, folder: RunFolder, known: Handle | None, task: Task
) -> Handle | None:
    """Return the child that cancelling has to end; ``None`` where there is none.

    Call it while the row is locked. A process that died before it stored a handle left a child all
    the same; what the folder tells is newer than what the row knows.
    """
    return launcher.adopt(folder, task) or known


def try_to_end(launcher_of: LauncherSource, name: str, handle: Handle) -> str | None:
    """End a child; return why it couldn't be, so that it is tried again."""
    try:
        launcher_of(name).cancel(handle)
    except (DriftwardenError, OSError) as error:
        return str(error) or type(error).__name__
    return None
