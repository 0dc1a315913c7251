"""Child processes of this program, each of which runs a module and talks over one connection."""

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing import Pipe

from monitor.telemetry import get_logger

#: Time for the end of a killed process.
KILL_SECONDS = 10.0
#: Linux: the signal that a process gets when its parent's thread ends.
PR_SET_PDEATHSIG = 1

log = get_logger(__name__)


class ChildProcess:
    """A child process, ``python -m MODULE FD``, and the connection to it."""

    def __init__(self, module: str) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-Pm", module, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a library prints belongs to the log
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl+C is for the daemon
            )

    def kill(self) -> None:
        """Kill the child and its session."""
        if self.process.poll() is None:  # else its number may be another process's
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.status() is None:
            log.error("child_process_not_ended", pid=self.process.pid)
        self.connection.close()  # last: a thread may read from it

    def status(self) -> int | None:
        """Wait for the end of the child and return its exit status; ``None``: it does not end."""
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(KILL_SECONDS)
        return None


def describe_end(status: int | None, *, out_of_memory: str) -> str:
    """Return how a child ended, with the advice for one that lacked memory."""
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        cause = (
            f"; out of memory? {out_of_memory}"
            if -status == signal.SIGKILL
            else "; the log has the reason"
        )
        return f"its process was killed by {name}{cause}"
    return f"its process ended with exit status {status}; the log has the reason"


def ignore_stop_signals() -> None:
    """Let the parent end this process: a service that is stopped signals all of its processes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def die_with_parent(parent: int) -> None:
    """Ask the system to kill this process when its parent dies, even while it hangs."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has died already
        raise SystemExit(1)
