"""Names of a child's jobs: the same attempt always has the same name.

The number of the attempt is written into the run's folder before its job is submitted. So a daemon
that died between the two, or before it stored the handle, submits the same name again, finds it
taken and adopts the job; two jobs for one folder can't come of it.
"""

import re
from hashlib import sha256
from typing import Any

from retrain.run_folder import RunFolder, Task, read_json, write_json

#: Kubernetes allows 63 characters, Ray more.
LONGEST_NAME = 63


def job_name(folder: RunFolder, task: Task, attempt: int) -> str:
    """Return the name: a DNS label that tells the run, its folder, the task and the attempt."""
    run = re.sub(r"[^a-z0-9]+", "-", folder.root.name.lower()).strip("-") or "run"
    digest = sha256(str(folder.root).encode()).hexdigest()[:10]
    end = f"-{digest}-{task}-{attempt}"
    return f"driftwarden-{run}"[: LONGEST_NAME - len(end)].rstrip("-") + end


def current_attempt(folder: RunFolder, task: Task) -> int:
    """Return the number of the attempt that was made last, or is to be made first."""
    return int(_note(folder, task).get("attempt", 1))


def begin_attempt(folder: RunFolder, task: Task, attempt: int) -> None:
    """Note an attempt before it is made."""
    write_json(folder.task(task).launch, {"attempt": attempt})


def mark_cancelled(folder: RunFolder, task: Task) -> None:
    """Note that the attempt's job is being ended, so that nobody adopts it meanwhile."""
    _change(folder, task, cancelled=True)


def is_cancelled(folder: RunFolder, task: Task) -> bool:
    """Tell whether the attempt's job was asked to end."""
    return bool(_note(folder, task).get("cancelled", False))


def first_seen_ended(folder: RunFolder, task: Task, job: str, now: float) -> float:
    """Return when a job was first seen ended, noting it where this is the first time.

    The times are of the clock here, in seconds: the one where the job ran may be wrong.
    """
    note = _note(folder, task)
    if note.get("ended_job") == job and float(note["ended_seen_at"]) <= now:
        return float(note["ended_seen_at"])
    _change(folder, task, ended_job=job, ended_seen_at=now)
    return now


def record_state(folder: RunFolder, task: Task, message: str) -> None:
    """Keep what the engine says of the job, for those who look at the run."""
    if _note(folder, task).get("message", "") != message:
        _change(folder, task, message=message)


def recorded_state(folder: RunFolder, task: Task) -> str:
    """Return what the engine said of the job last: why it waits, or how it ended."""
    return str(_note(folder, task).get("message", ""))


def _note(folder: RunFolder, task: Task) -> dict[str, Any]:
    return read_json(folder.task(task).launch) or {}


def _change(folder: RunFolder, task: Task, **values: object) -> None:
    write_json(folder.task(task).launch, {"attempt": 1, **_note(folder, task), **values})
