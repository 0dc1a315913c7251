"""Launcher of detached processes on this machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Protocol

from monitor.errors import TrainingError
from retrain.jobs.child_environment import child_environment
from retrain.jobs.launcher import (
    NOUNS,
    Capabilities,
    Capability,
    ChildStatus,
    Handle,
    child_command,
)
from retrain.jobs.process_identity import boot_id, process_identity, start_ticks
from retrain.run_folder import RunFolder, Task, read_json, write_json

#: Seconds between SIGTERM and SIGKILL.
GRACE_SECONDS = 5.0


class Child(Protocol):
    """A started process."""

    @property
    def pid(self) -> int:
        """Its id."""

    def poll(self) -> int | None:
        """Return ``None`` while it runs."""


#: Starts a command line with an output file and an environment.
StartChild = Callable[[Sequence[str], IO[bytes], Mapping[str, str]], Child]


def start_interpreter(
    command: Sequence[str], output: IO[bytes], environment: Mapping[str, str]
) -> Child:
    """Start a child that keeps running on purpose, with its own session and output file."""
    return subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=dict(environment),
        start_new_session=True,
    )


class SubprocessLauncher:
    """A launcher of detached children, which outlive the daemon.

    It needs Linux, whose ``/proc`` holds the start time of a process. ``start`` starts a child, by
    default a new interpreter.
    """

    name = "subprocess"
    capabilities = Capabilities(
        resume=Capability(True, "The checkpoints are in the run's folder."),
        logs=Capability(True, "The log is a file in the run's folder."),
        device=Capability(True, "The child runs on this machine and ends if the machine restarts."),
    )

    def __init__(self, start: StartChild | None = None) -> None:
        self._start = start or start_interpreter

    def submit(
        self, folder: RunFolder, environment: dict[str, str], task: Task = "train"
    ) -> Handle:
        """Start the child, unless this task's child is running."""
        adopted = self.adopt(folder, task)
        if adopted is not None:
            return adopted
        files = folder.task(task)
        try:
            for left in (files.result, files.heartbeat):
                left.unlink(missing_ok=True)
            with files.log.open("ab") as log:
                child = self._start(
                    child_command([sys.executable], task, folder),
                    log,
                    {**child_environment(task), **environment},
                )
        except OSError as error:
            raise TrainingError(
                f"the {NOUNS[task]} child can't be started: {error}", code="not_started"
            ) from error
        _children[child.pid] = child
        handle = process_identity(child.pid)
        try:
            write_json(files.child, handle)
        except OSError as error:  # no process could find the child again
            self.cancel(handle)
            raise TrainingError(
                f"{folder.root}: can't be written: {error}", code="not_writable"
            ) from error
        return handle

    def adopt(self, folder: RunFolder, task: Task = "train") -> Handle | None:
        """Find the child by the identity file in its folder.

        A child that has ended with a result counts too, because its task is done.
        """
        files = folder.task(task)
        handle = read_json(files.child)
        if handle is None:
            return None
        return handle if files.result.is_file() or self.status(handle) == "running" else None

    def status(self, handle: Handle) -> ChildStatus:
        """Compare pid, start time and boot, because pids are reused."""
        child = _children.get(handle["pid"])
        if child is not None and child.poll() is not None:
            _children.pop(handle["pid"], None)
        ticks = start_ticks(handle["pid"])
        same = ticks is not None and ticks == handle["start_ticks"]
        return "running" if same and handle["boot_id"] == boot_id() else "gone"

    def explain(self, folder: RunFolder, task: Task = "train") -> str:  # noqa: ARG002
        """Return an empty text: the operating system doesn't record how a process ended."""
        return ""

    def logs(self, folder: RunFolder, last_lines: int, task: Task = "train") -> list[str]:
        """Return the last log lines; none without a log."""
        log = folder.task(task).log
        if not log.is_file():
            return []
        return log.read_text(encoding="utf-8", errors="replace").splitlines()[-last_lines:]

    def cancel(self, handle: Handle) -> None:
        """Terminate the child's session with SIGTERM, then SIGKILL.

        Raises:
            TrainingError: The process belongs to another account or doesn't end.
        """
        for sent in (signal.SIGTERM, signal.SIGKILL):
            if self.status(handle) == "gone":
                return
            try:
                os.killpg(handle["pid"], sent)
            except ProcessLookupError:
                pass  # it has just ended
            except PermissionError as error:
                raise TrainingError(
                    f"process {handle['pid']} can't be terminated: it belongs to another account",
                    code="not_permitted",
                ) from error
            deadline = time.monotonic() + GRACE_SECONDS
            while self.status(handle) == "running" and time.monotonic() < deadline:
                time.sleep(0.05)
        if self.status(handle) == "running":
            raise TrainingError(
                f"process {handle['pid']} was killed but hasn't ended yet", code="not_ended"
            )

    def check(self) -> str:
        """Return the interpreter of the children."""
        return f"processes of this machine, with {sys.executable}"


#: Children of this process; unless waited for, they remain as zombies.
_children: dict[int, Child] = {}
