"""Children of the demo: forked from a process that has imported their libraries once.

Training and evaluation are processes of their own, three of each, and each would spend ten seconds
of processor time on imports. The process that has imported them starts with the demo, while the
base model is unpacked. What a child does is what it does for the daemon; the daemon starts a new
interpreter for each.
"""

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any, Self

from retrain.jobs.child_process import prepare_environment
from retrain.jobs.local_launcher import Child, SubprocessLauncher, start_interpreter

#: What the children import when they work.
MODULES = (
    "retrain.training.child",
    "retrain.training.fine_tuning",
    "retrain.evaluation.child",
    "retrain.evaluation.candidate",
    "retrain.evaluation.systems",
    "retrain.evaluation.gates.late_leakage",
    "sentence_transformers",
    "transformers.models.bert.modeling_bert",
    "transformers.models.llama.modeling_llama",
    "transformers.models.qwen2.modeling_qwen2",
)


#: Seconds after which a process that still imports is killed.
END_SECONDS = 2.0
#: Written by the process that holds a descriptor of its new child.
HELD = "held"


class ForkedChild:
    """A child that was forked for this process by another."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Return 0 after the child's end, else ``None``; its result file says how it ended."""
        return 0 if select.select([self._descriptor], [], [], 0)[0] else None


class WarmChildren:
    """The process that imports ``modules`` and forks. It ends with this process, or when closed."""

    def __init__(self, modules: Sequence[str] | None = None) -> None:
        self._process: subprocess.Popen[str] = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-Pm", __name__, *(MODULES if modules is None else modules)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the demo's output is a story; children have their logs
            text=True,
        )

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    def launcher(self) -> SubprocessLauncher:
        """Return a launcher whose children are forked."""
        return SubprocessLauncher(self.start)

    def start(
        self, command: Sequence[str], output: IO[bytes], environment: Mapping[str, str]
    ) -> Child:
        """Fork a child for ``python -Pm MODULE ARGUMENT...``; a new interpreter if that fails."""
        _python, _option, module, *arguments = command
        request = {
            "module": module,
            "arguments": arguments,
            "output": output.name,
            "environment": dict(environment),
        }
        try:
            child = ForkedChild(int(self._ask(json.dumps(request))))
        except (OSError, ValueError):
            return start_interpreter(command, output, environment)
        with suppress(OSError):  # it has ended; the child goes on
            self._tell(HELD)
        return child

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process. Children that are still running go on."""
        try:
            self._process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:  # it still imports
            self._process.kill()
            self._process.communicate()

    def _ask(self, line: str) -> str:
        self._tell(line)
        if self._process.stdout is None:
            raise OSError("closed")
        return self._process.stdout.readline()

    def _tell(self, line: str) -> None:
        if self._process.stdin is None:
            raise OSError("closed")
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def main(modules: Sequence[str]) -> None:
    """Import the modules, then fork a child for each line of the standard input."""
    prepare_environment(os.sep)  # a folder: nothing is looked for on a hub
    # The demo quantises nothing, and PEFT imports it wherever it is installed.
    sys.modules.setdefault("bitsandbytes", None)  # type: ignore[arg-type]
    pids = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a module prints is no pid
    held: set[int] = set()
    signal.signal(signal.SIGCHLD, lambda *_: _reap(held))
    for module in modules:
        importlib.import_module(module)
    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if pid == 0:
            pids.close()
            _become(json.loads(line))
        pids.write(f"{pid}\n")
        sys.stdin.readline()  # whoever asked holds the child: from now on its pid may be free
        held.add(pid)
        _reap(held)


def _reap(pids: set[int]) -> None:
    """Wait for children that have ended; their processor time counts as this process's."""
    for pid in tuple(pids):
        with suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                continue
        pids.discard(pid)


def _become(request: dict[str, Any]) -> None:
    """Run a module as the main program of a new session."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        output = os.open(request["output"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.clear()
        os.environ.update(request["environment"])
        status = int(importlib.import_module(request["module"]).main(request["arguments"]))
    except BaseException:  # noqa: BLE001 - a process has no caller
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
