"""A process that has imported the libraries of training once, and forks the children of runs.

A child spends 7 seconds of processor time on imports, more than a tiny model's training takes. A
forked child is still a process of its own, with its session, environment, log and signals. The
tests of the command line, the demo, Kubernetes and Ray start children from a new interpreter.
"""

import atexit
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import IO, Any

import pytest

from retrain.jobs import local_launcher
from retrain.jobs.launcher import MODULES

ROOT = Path(__file__).parents[2]
#: Modules that the children import when they work.
MODULES_OF_CHILDREN = (
    *MODULES.values(),
    "retrain.training.fine_tuning",
    "retrain.training.replay_generation",
    "retrain.evaluation.candidate",
    "retrain.evaluation.systems",
    "retrain.evaluation.response_cache",
    "retrain.evaluation.gates.late_leakage",
    "transformers.models.qwen2.modeling_qwen2",
    "transformers.integrations.bitsandbytes",
    "bitsandbytes",
)
MESSAGE_BYTES = 1 << 20


class ForkedChild:
    """A child of the warm interpreter, with the methods of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Return 0 after the child's end; its exit status is unknown."""
        return 0 if select.select([self._descriptor], [], [], 0)[0] else None

    def wait(self) -> int:
        """Wait for the child's end."""
        select.select([self._descriptor], [], [])
        return 0

    def kill(self) -> None:
        """Kill the child, unless it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def __del__(self) -> None:
        os.close(self._descriptor)


class WarmInterpreter:
    """The client's side: starts the process at the first child."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def start_child(
        self, command: Sequence[str], *, stdout: IO[bytes], env: dict[str, str], **_options: Any
    ) -> ForkedChild:
        """Fork a child for a command line ``python -m MODULE ARGUMENT...``."""
        python, option, module, *arguments = command
        assert (python, option) == (sys.executable, "-m")
        request = {"module": module, "arguments": arguments, "environment": env}
        with self._lock:
            connection = self._socket or self._start()
            socket.send_fds(connection, [json.dumps(request).encode()], [stdout.fileno()])
            reply = connection.recv(64)
        return ForkedChild(int(reply))

    def stop(self) -> None:
        """End the process."""
        if self._socket is not None and self._process is not None:
            self._socket.close()
            self._process.kill()  # it has nothing to clean up
            self._process.wait()

    def _start(self) -> socket.socket:
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Each child sets its own number of threads.
        environment = {name: v for name, v in os.environ.items() if name != "OMP_NUM_THREADS"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.services.warm_interpreter", str(other.fileno())],
            pass_fds=[other.fileno()],
            stdin=subprocess.DEVNULL,
            env=environment | {"PYTHONPATH": str(ROOT)},
        )
        other.close()
        return self._socket


@cache
def warm_interpreter() -> WarmInterpreter:
    """Return the warm interpreter of this process; it ends with the process."""
    interpreter = WarmInterpreter()
    atexit.register(interpreter.stop)
    return interpreter


@pytest.fixture(scope="module")
def warm_children() -> Iterator[None]:
    """Let `SubprocessLauncher` fork its children from the warm interpreter."""
    forking = SimpleNamespace(
        Popen=warm_interpreter().start_child, DEVNULL=subprocess.DEVNULL, STDOUT=subprocess.STDOUT
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_launcher, "subprocess", forking)
        yield


def serve(connection: socket.socket) -> None:
    """Fork a child for each request, until the other side closes."""
    from retrain.jobs.child_process import prepare_environment

    with tempfile.TemporaryDirectory() as folder:
        prepare_environment(folder)
    for name in MODULES_OF_CHILDREN:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, _reap)
    while True:
        message, descriptors, _flags, _address = socket.recv_fds(connection, MESSAGE_BYTES, 1)
        if not message:
            return
        (log,) = descriptors
        pid = os.fork()
        if pid == 0:
            connection.close()
            _become_child(json.loads(message), log)
        os.close(log)
        connection.send(str(pid).encode())


def _reap(*_arguments: object) -> None:
    """Let no child that has ended remain as a zombie."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become_child(request: dict[str, Any], log: int) -> None:
    """Run a module as the main program of a new session."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.environ.clear()
        os.environ.update(request["environment"])
        import torch

        if "OMP_NUM_THREADS" in os.environ:
            torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        status = importlib.import_module(request["module"]).main(request["arguments"])
    except BaseException:  # noqa: BLE001 - a process has no caller
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
