"""Launcher of children as detached processes of this machine."""

import os
import signal
import subprocess
import sys
import time

from monitor.errors import TrainingError
from retrain.jobs.launcher import (
    NOUNS,
    Capabilities,
    Capability,
    ChildStatus,
    Handle,
    LogFile,
    child_command,
)
from retrain.jobs.process_identity import boot_id, process_identity, start_ticks
from retrain.run_folder import RunFolder, Task, read_json, write_json

#: How long a child may take to end after SIGTERM before it is killed.
GRACE_SECONDS = 5.0


class SubprocessLauncher:
    """Starts children detached, so that they outlive the daemon.

    Works on Linux, whose ``/proc`` tells when a process began.
    """

    name = "subprocess"
    capabilities = Capabilities(
        resume=Capability(True, "The checkpoints lie in the run's folder."),
        logs=Capability(True, "They are a file in the run's folder."),
        device=Capability(True, "The child runs on this machine, and ends when it is restarted."),
    )

    def submit(
        self, folder: RunFolder, environment: dict[str, str], task: Task = "train"
    ) -> Handle:
        """Start the child, unless one is running for this task already."""
        adopted = self.adopt(folder, task)
        if adopted is not None:
            return adopted
        files = folder.task(task)
        try:
            for left in (files.result, files.heartbeat):
                left.unlink(missing_ok=True)
            with files.log.open("ab") as log:
                # Left running on purpose: it has its own session and a file for its output.
                child = subprocess.Popen(  # noqa: S603 - our own module
                    child_command([sys.executable], task, folder),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **environment},
                    start_new_session=True,
                )
        except OSError as error:
            raise TrainingError(f"the {NOUNS[task]} child can't be started: {error}") from error
        _children[child.pid] = child
        handle = process_identity(child.pid)
        try:
            write_json(files.child, handle)
        except OSError as error:  # nobody would find it again
            self.cancel(handle)
            raise TrainingError(f"{folder.root}: can't be written: {error}") from error
        return handle

    def adopt(self, folder: RunFolder, task: Task = "train") -> Handle | None:
        """Find the child by the note that was left in its folder when it started.

        One that has ended with a result counts too: there is nothing to do over.
        """
        files = folder.task(task)
        handle = read_json(files.child)
        if handle is None:
            return None
        return handle if files.result.is_file() or self.status(handle) == "running" else None

    def status(self, handle: Handle) -> ChildStatus:
        """Compare pid, start time and boot: a recycled pid is not the child."""
        child = _children.get(handle["pid"])
        if child is not None and child.poll() is not None:
            _children.pop(handle["pid"], None)
        ticks = start_ticks(handle["pid"])
        same = ticks is not None and ticks == handle["start_ticks"]
        return "running" if same and handle["boot_id"] == boot_id() else "gone"

    def explain(self, folder: RunFolder, task: Task = "train") -> str:  # noqa: ARG002
        """Return nothing: who ended a process of this machine isn't written down anywhere."""
        return ""

    def logs(self, folder: RunFolder, last_lines: int, task: Task = "train") -> list[str]:
        """Return the last lines of the child's log."""
        return LogFile(folder.task(task).log).lines(last_lines)

    def cancel(self, handle: Handle) -> None:
        """End the child's session: SIGTERM, and SIGKILL where that is ignored.

        Raises:
            TrainingError: It is another user's, or it doesn't end.
        """
        for sent in (signal.SIGTERM, signal.SIGKILL):
            if self.status(handle) == "gone":
                return
            try:
                os.killpg(handle["pid"], sent)
            except ProcessLookupError:
                pass  # it has ended in this moment
            except PermissionError as error:
                raise TrainingError(
                    f"process {handle['pid']} can't be ended: it is another user's"
                ) from error
            deadline = time.monotonic() + GRACE_SECONDS
            while self.status(handle) == "running" and time.monotonic() < deadline:
                time.sleep(0.05)
        if self.status(handle) == "running":
            raise TrainingError(f"process {handle['pid']} was killed and hasn't ended yet")

    def check(self) -> str:
        """Say which interpreter children get."""
        return f"processes of this machine, with {sys.executable}"


#: Children of this very process: they must be waited for, or they stay as zombies.
_children: dict[int, subprocess.Popen[bytes]] = {}
