"""A process that has imported the heavy libraries once, and forks the processes of tests.

A child that trains spends 7 seconds of processor time on imports, more than a tiny model's training
takes; a daemon about as much. A forked process is still one of its own, with its session,
environment, folder, output, signals and exit status. Where the start itself is tested, tests start
a new interpreter: the daemon's first start and its child, the children of the command line and of
Ray.

The workers of a test run share one warm interpreter, which ends with the last of them.
"""

import atexit
import importlib
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
#: Modules that the command and the daemon import when they work.
MODULES_OF_COMMANDS = (
    "monitor.cli.app",
    "monitor.cli.run",
    "monitor.cli.traffic",
    "monitor.daemon.app",
    "monitor.daemon.schedule",
    "monitor.demo.end_to_end",
    "monitor.traffic.ingest.loop",
    "monitor.traffic.baseline_import",
    "monitor.daemon.web_app",
    "monitor.web.server",
    "monitor.windows.evaluation",
    "sentence_transformers",
    "transformers.models.bert.modeling_bert",
    "transformers.models.qwen2.modeling_qwen2",
    "evidently.presets",
)
MESSAGE_BYTES = 1 << 20


class ForkedProcess:
    """A process of the warm interpreter, with the methods of `subprocess.Popen` that tests use."""

    #: The module's own name is gone when objects are deleted at the interpreter's end.
    _close = staticmethod(os.close)

    def __init__(self, pid: int, interpreter: "WarmInterpreter") -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._interpreter = interpreter
        self._descriptor = os.pidfd_open(pid)
        #: The interpreter tells the exit status once.
        self._lock = Lock()

    def poll(self) -> int | None:
        """Return the exit status, negative after a signal, or ``None`` while it runs."""
        with self._lock:
            if self.returncode is None and select.select([self._descriptor], [], [], 0)[0]:
                self.returncode = self._interpreter.exit_status(self.pid)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the process's end, and return its exit status."""
        if self.returncode is None and not select.select([self._descriptor], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        status = self.poll()
        assert status is not None
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._descriptor, number)

    def kill(self) -> None:
        """Kill the process, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process to end, unless it has ended."""
        self.send_signal(signal.SIGTERM)

    def __del__(self) -> None:
        self._close(self._descriptor)


class WarmInterpreter:
    """The client's side: finds or starts the process at the first request."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: socket.socket | None = None
        self._lock = Lock()

    def start_child(
        self,
        command: Sequence[str],
        *,
        stdout: IO[bytes],
        env: Mapping[str, str],
        **_options: Any,
    ) -> ForkedProcess:
        """Fork a process for a command line ``python -Pm MODULE ARGUMENT...``."""
        python, option, module, *arguments = command
        assert (python, option) == (sys.executable, "-Pm")
        request = {"module": module, "arguments": arguments, "environment": dict(env)}
        return self._fork(request, stdout.fileno())

    def start_command(
        self,
        *arguments: str,
        env: Mapping[str, str],
        cwd: Path,
        output: IO[bytes],
        warm_children: bool = False,
    ) -> ForkedProcess:
        """Fork a process for ``driftwarden ARGUMENT...``; one file takes both of its outputs."""
        request = {
            "arguments": arguments,
            "environment": dict(env),
            "folder": str(cwd),
            "children_from": self._address if warm_children else None,
        }
        return self._fork(request, output.fileno())

    def start_program(
        self,
        module: str,
        *arguments: str,
        env: Mapping[str, str],
        cwd: Path,
        output: IO[bytes],
    ) -> ForkedProcess:
        """Fork a process that calls ``main(ARGUMENT...)`` of a module of the tests."""
        request = {
            "program": module,
            "arguments": arguments,
            "environment": dict(env),
            "folder": str(cwd),
        }
        return self._fork(request, output.fileno())

    def exit_status(self, pid: int) -> int:
        """Return the exit status of a process that has ended."""
        return int(self._ask({"ended": pid}, []))

    def close(self) -> None:
        """Close the connection; the process ends after the last one."""
        if self._socket is not None:
            self._socket.close()

    def _fork(self, request: dict[str, Any], output: int) -> ForkedProcess:
        return ForkedProcess(int(self._ask(request, [output])), self)

    def _ask(self, request: dict[str, Any], descriptors: list[int]) -> bytes:
        with self._lock:
            if self._socket is None:
                self._socket = _connect(self._address)
            socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
            return self._socket.recv(64)


def _connect(address: str) -> socket.socket:
    """Connect to the run's warm interpreter; start it where there is none."""
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with suppress(OSError):
            connection.connect(address)
            if connection.recv(64):  # else it has just ended
                return connection
        connection.close()
        with suppress(OSError):  # another worker has just started it
            _start(address)
        time.sleep(0.02)


def _start(address: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        # Each process sets its own number of threads.
        environment = {name: v for name, v in os.environ.items() if name != "OMP_NUM_THREADS"}
        subprocess.run(
            [sys.executable, "-m", "tests.services.warm_interpreter", str(listener.fileno())],
            check=True,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            env=environment | {"PYTHONPATH": str(ROOT)},
        )


@cache
def warm_interpreter() -> WarmInterpreter:
    """Return this process's connection to the warm interpreter."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or os.getpid()
    # A name without a file: it is free as soon as its process has ended.
    interpreter = WarmInterpreter(f"\0driftwarden-warm-{run}")
    atexit.register(interpreter.close)
    return interpreter


@pytest.fixture(scope="module")
def warm_children() -> Iterator[None]:
    """Let `SubprocessLauncher` fork its children from the warm interpreter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_launcher, "subprocess", _forking(warm_interpreter()))
        yield


def _forking(interpreter: WarmInterpreter) -> SimpleNamespace:
    """Return what takes the place of the module `subprocess`."""
    return SimpleNamespace(
        Popen=interpreter.start_child, DEVNULL=subprocess.DEVNULL, STDOUT=subprocess.STDOUT
    )


class Server:
    """The warm interpreter's side: forks a process for each request."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._statuses: dict[int, int] = {}

    def serve(self) -> None:
        """Serve connections until the last one is closed."""
        from retrain.jobs.child_process import prepare_environment

        with tempfile.TemporaryDirectory() as folder:
            prepare_environment(folder)
        signal.signal(signal.SIGCHLD, lambda *_: self._reap())
        self._selector.register(self._listener, selectors.EVENT_READ)
        n_connections = 0
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    connection, _address = self._listener.accept()
                    self._selector.register(connection, selectors.EVENT_READ)
                    connection.send(b"ready")
                    n_connections += 1
                elif not self._serve_request(key.fileobj):  # type: ignore[arg-type]
                    self._selector.unregister(key.fileobj)
                    n_connections -= 1
            if n_connections == 0:
                return

    def _serve_request(self, connection: socket.socket) -> bool:
        """Serve a request; return whether there was one."""
        message, descriptors, _flags, _address = socket.recv_fds(connection, MESSAGE_BYTES, 1)
        if not message:
            return False
        request = json.loads(message)
        if "ended" in request:
            connection.send(str(self._status(request["ended"])).encode())
            return True
        (output,) = descriptors
        _load(MODULES_OF_CHILDREN if "module" in request else MODULES_OF_COMMANDS)
        pid = os.fork()
        if pid == 0:
            for key in list(self._selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]
            self._selector.close()
            _become(request, output)
        os.close(output)
        connection.send(str(pid).encode())
        return True

    def _reap(self) -> None:
        """Note the exit statuses of processes that have ended."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                self._statuses[ended[0]] = os.waitstatus_to_exitcode(ended[1])

    def _status(self, pid: int) -> int:
        while pid not in self._statuses:
            self._reap()
        return self._statuses.pop(pid)


def _load(modules: Iterable[str]) -> None:
    for name in modules:
        importlib.import_module(name)


def _become(request: dict[str, Any], output: int) -> None:
    """Run a module or the command as the main program of a new session."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        os.environ.clear()
        os.environ.update(request["environment"])
        _limit_threads()
        status = _run(request)
        threading._shutdown()  # type: ignore[attr-defined]  # as at an interpreter's end
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001 - a process has no caller
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _limit_threads() -> None:
    import threadpoolctl
    import torch

    if "OMP_NUM_THREADS" in os.environ:
        n_threads = int(os.environ["OMP_NUM_THREADS"])
        torch.set_num_threads(n_threads)
        threadpoolctl.threadpool_limits(n_threads)


def _run(request: dict[str, Any]) -> int:
    """Run a child's module, a program of the tests or the command; return the exit status."""
    if "module" in request:
        return int(importlib.import_module(request["module"]).main(request["arguments"]))
    os.chdir(request["folder"])
    try:
        if "program" in request:
            importlib.import_module(request["program"]).main(*request["arguments"])
        else:
            _run_command(request)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _run_command(request: dict[str, Any]) -> None:
    from monitor.cli import main
    from monitor.demo import warm_children

    if request["children_from"]:
        # It has imported what the demo's own process for children would import.
        warm_children.MODULES = ()
        warm_children.WarmChildren.launcher = lambda _: local_launcher.SubprocessLauncher()  # type: ignore[method-assign]
        local_launcher.subprocess = _forking(WarmInterpreter(request["children_from"]))
    sys.argv = ["driftwarden", *request["arguments"]]
    main()


if __name__ == "__main__":
    if len(sys.argv) == 1:  # Python compiles what it imports for the first time
        _load((*MODULES_OF_CHILDREN, *MODULES_OF_COMMANDS))
        os._exit(0)
    if os.fork():  # it belongs to no worker
        os._exit(0)
    Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    os._exit(0)  # there is nothing to clean up
