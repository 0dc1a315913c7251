"""Launcher of jobs on a remote engine."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from monitor.errors import RemoteServiceError, TrainingError, WorkflowError
from retrain.jobs.attempts import (
    begin_attempt,
    current_attempt,
    first_seen_ended,
    is_cancelled,
    job_name,
    mark_cancelled,
    record_state,
    recorded_state,
)
from retrain.jobs.launcher import NOUNS, Capabilities, ChildStatus, Handle, child_command
from retrain.run_folder import RunFolder, Task

#: Seconds that a network file system may take to show a new file, counted from when the job is
#: first seen ended, because the engine's clock may be ahead of the local clock.
RESULT_DELAY_SECONDS = 30.0
#: Failure of a successful job without a result file.
NO_RESULT = "the job succeeded but its result is missing; its machine must share the run's folder"


@dataclass(frozen=True)
class JobState:
    """The state of a job on its engine."""

    phase: Literal["pending", "running", "ended"]
    #: Why it waits, or how it failed; empty: unknown.
    message: str = ""


class JobEngine(Protocol):
    """An engine that runs named jobs."""

    name: str
    capabilities: Capabilities

    @property
    def place(self) -> str:
        """Address of the engine; handles with another address are refused."""

    @property
    def python(self) -> Sequence[str]:
        """The command that starts Python on the engine."""

    def create(
        self, name: str, command: Sequence[str], environment: dict[str, str], folder: RunFolder
    ) -> None:
        """Submit a job, unless a job of that name exists."""

    def find_job(self, name: str) -> JobState | None:
        """Return a job's state; ``None`` if the engine has no such job."""

    def logs(self, name: str, last_lines: int) -> list[str] | None:
        """Return the last log lines of a job; ``None`` if the engine no longer has them."""

    def stop(self, name: str) -> None:
        """Stop a job; ignore a missing or finished job."""

    def check(self) -> str:
        """Describe the engine that responds."""


class JobLauncher:
    """A launcher over a job engine. A failed request never counts as ``gone``."""

    def __init__(self, engine: JobEngine, *, clock: Callable[[], float] = time.time) -> None:
        """Launch on an engine; the clock returns seconds since the epoch."""
        self._engine = engine
        self._clock = clock
        self.name = engine.name
        self.capabilities = engine.capabilities

    def submit(
        self, folder: RunFolder, environment: dict[str, str], task: Task = "train"
    ) -> Handle:
        """Submit the child's job, unless it exists."""
        attempt = current_attempt(folder, task)
        before = self._engine.find_job(job_name(folder, task, attempt))
        if _is_to_be_adopted(before, folder, task):
            return self._handle(folder, task, attempt)
        if before is not None:
            if before.phase != "ended":
                raise RemoteServiceError(
                    f"the earlier {NOUNS[task]} child in {folder.root} is still terminating; "
                    "the new child starts after its end",
                    code="not_ended",
                )
            attempt += 1
        files = folder.task(task)
        try:
            for left in (files.result, files.heartbeat):
                left.unlink(missing_ok=True)
            begin_attempt(folder, task, attempt)
        except OSError as error:
            raise TrainingError(
                f"{folder.root}: can't be written: {error}", code="not_writable"
            ) from error
        command = child_command(self._engine.python, task, folder)
        self._engine.create(job_name(folder, task, attempt), command, environment, folder)
        return self._handle(folder, task, attempt)

    def adopt(self, folder: RunFolder, task: Task = "train") -> Handle | None:
        """Find the job of the last attempt by its name.

        A job that has ended with a result counts too, because its task is done.
        """
        attempt = current_attempt(folder, task)
        state = self._engine.find_job(job_name(folder, task, attempt))
        adopted = _is_to_be_adopted(state, folder, task)
        return self._handle(folder, task, attempt) if adopted else None

    def status(self, handle: Handle) -> ChildStatus:
        """Return the job's status from the engine.

        Raises:
            RemoteServiceError: The engine is unavailable, so the status is unknown.
        """
        self._require_same_place(handle)
        folder, task = _folder_of(handle)
        state = self._engine.find_job(handle["job"])
        if state is None:
            record_state(folder, task, f"{self._engine.place} no longer has a job {handle['job']}")
            return "gone"
        if state.phase != "ended":
            record_state(folder, task, state.message if state.phase == "pending" else "")
            return state.phase
        if folder.task(task).result.is_file():
            record_state(folder, task, "")
            return "gone"
        now = self._clock()
        if now - first_seen_ended(folder, task, handle["job"], now) < RESULT_DELAY_SECONDS:
            return "running"
        record_state(folder, task, state.message or NO_RESULT)
        return "gone"

    def explain(self, folder: RunFolder, task: Task = "train") -> str:
        """Return the engine's last message: why the child waits, or how its job ended."""
        return recorded_state(folder, task)

    def logs(self, folder: RunFolder, last_lines: int, task: Task = "train") -> list[str]:
        """Return the last log lines of the last attempt.

        Raises:
            WorkflowError: The engine no longer has the log.
            RemoteServiceError: The engine is unavailable.
        """
        name = job_name(folder, task, current_attempt(folder, task))
        lines = self._engine.logs(name, last_lines)
        if lines is None:
            raise WorkflowError(
                f"{self._engine.place} has no log of {name}. "
                f"{self.capabilities.logs.remark} The child's progress reports are in "
                f"{folder.root}.",
                code="no_log",
            )
        return lines

    def cancel(self, handle: Handle) -> None:
        """Stop the job on the engine."""
        self._require_same_place(handle)
        folder, task = _folder_of(handle)
        if handle["job"] == job_name(folder, task, current_attempt(folder, task)):
            mark_cancelled(folder, task)
        self._engine.stop(handle["job"])

    def check(self) -> str:
        """Describe the engine that responds."""
        return self._engine.check()

    def _handle(self, folder: RunFolder, task: Task, attempt: int) -> Handle:
        return {
            "job": job_name(folder, task, attempt),
            "place": self._engine.place,
            "folder": str(folder.root),
            "task": task,
        }

    def _require_same_place(self, handle: Handle) -> None:
        if handle["place"] != self._engine.place:
            raise RemoteServiceError(
                f"{handle['job']} runs at {handle['place']}, but [retrain.{self.name}] now names "
                f"{self._engine.place}; restore the address until the child has ended",
                code="other_place",
            )


def _is_to_be_adopted(state: JobState | None, folder: RunFolder, task: Task) -> bool:
    if folder.task(task).result.is_file():
        return True  # the engine may have deleted the job
    return state is not None and state.phase != "ended" and not is_cancelled(folder, task)


def _folder_of(handle: Handle) -> tuple[RunFolder, Task]:
    task: Task = "evaluate" if handle["task"] == "evaluate" else "train"
    return RunFolder(Path(handle["folder"])), task
