"""Attempts of a child's job, each with a fixed name.

The number of an attempt is written to the run's folder before its job is submitted. A daemon that
dies before it stores the handle submits the same name again, finds the name in use, and adopts the
job. So a folder never gets two jobs.
"""

import re
from hashlib import sha256
from typing import Any

from retrain.run_folder import RunFolder, Task, read_json, write_json

#: Kubernetes allows 63 characters, Ray more.
MAX_NAME_CHARACTERS = 63


def job_name(folder: RunFolder, task: Task, attempt: int) -> str:
    """Return a DNS label for the run, its folder, the task and the attempt."""
    run = re.sub(r"[^a-z0-9]+", "-", folder.root.name.lower()).strip("-") or "run"
    digest = sha256(str(folder.root).encode()).hexdigest()[:10]
    end = f"-{digest}-{task}-{attempt}"
    return f"driftwarden-{run}"[: MAX_NAME_CHARACTERS - len(end)].rstrip("-") + end


def current_attempt(folder: RunFolder, task: Task) -> int:
    """Return the number of the last attempt, or of the first if there is none."""
    return int(_note(folder, task).get("attempt", 1))


def begin_attempt(folder: RunFolder, task: Task, attempt: int) -> None:
    """Record an attempt before its job is submitted."""
    write_json(folder.task(task).launch, {"attempt": attempt})


def mark_cancelled(folder: RunFolder, task: Task) -> None:
    """Record that the attempt's job is being cancelled, so that no process adopts it."""
    _change(folder, task, cancelled=True)


def is_cancelled(folder: RunFolder, task: Task) -> bool:
    """Return whether the attempt's job was cancelled."""
    return bool(_note(folder, task).get("cancelled", False))


def first_seen_ended(folder: RunFolder, task: Task, job: str, now: float) -> float:
    """Return the time at which a job was first seen ended; record the time on the first call.

    Times are seconds of the local clock, because the clock of the job's machine may be wrong.
    """
    note = _note(folder, task)
    if note.get("ended_job") == job and float(note["ended_seen_at"]) <= now:
        return float(note["ended_seen_at"])
    _change(folder, task, ended_job=job, ended_seen_at=now)
    return now


def record_state(folder: RunFolder, task: Task, message: str) -> None:
    """Store the engine's description of the job's state."""
    if _note(folder, task).get("message", "") != message:
        _change(folder, task, message=message)


def recorded_state(folder: RunFolder, task: Task) -> str:
    """Return the engine's last description of the job: why it waits, or how it ended."""
    return str(_note(folder, task).get("message", ""))


def _note(folder: RunFolder, task: Task) -> dict[str, Any]:
    return read_json(folder.task(task).launch) or {}


def _change(folder: RunFolder, task: Task, **values: object) -> None:
    write_json(folder.task(task).launch, {"attempt": 1, **_note(folder, task), **values})
