"""Servers in Python packages, each in its own virtual environment.

The environments are created once, from pip's configured index, and cached in the user's cache
folder, so that a fresh clone reuses them.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bench.services.requirement import missing

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
FOLDER = CACHE / "driftwarden" / "environments"
#: A server that doesn't answer by then won't.
START_SECONDS = 180.0


def environment_of(requirement: str) -> Path:
    """Return the `bin` of an environment with a package, such as ``mlflow==3.17.*``."""
    name = requirement.replace("==", "-").replace("[default]", "").replace(".*", "")
    folder = FOLDER / name
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # workers that test beside each other
        if not (folder / ".whole").is_file():
            make_environment(folder, requirement)
            (folder / ".whole").touch()
    return folder / "bin"


class OwnServer:
    """A server process with its subprocesses, in its own session."""

    def __init__(
        self, command: Sequence[str | Path], log: Path, variables: dict[str, str] | None = None
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env={**_environment(), **(variables or {})}, start_new_session=True,
            )  # fmt: skip

    def wait_until(self, responses: Callable[[], bool]) -> None:
        """Wait until it responds."""
        deadline = time.monotonic() + START_SECONDS
        while not responses():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"it didn't start:\n{self.log.read_text()[-3000:]}")
            time.sleep(0.25)

    def stop(self, *, grace_seconds: float = 10.0) -> None:
        """Terminate the server and its subprocesses; kill those that run on after the grace."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            for pid in _session(self._process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, sent)
            deadline = time.monotonic() + grace_seconds
            while time.monotonic() < deadline and _session(self._process.pid):
                time.sleep(0.1)
        self._process.wait(10)


def make_environment(folder: Path, requirement: str) -> None:
    """Make a virtual environment with a package, from pip's configured index."""
    pip = [sys.executable, "-m", "pip"]
    index = subprocess.run(
        [*pip, "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    ).stdout.strip()
    variables = _environment()
    if index:
        variables.setdefault("UV_DEFAULT_INDEX", index)
    try:
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--clear", "--python", sys.executable, folder],
                       check=True, capture_output=True, env=variables)  # fmt: skip
        subprocess.run([*uv, "pip", "install", "-q", "--python", folder / "bin/python",
                        requirement], check=True, capture_output=True, env=variables)  # fmt: skip
    except subprocess.CalledProcessError as error:
        output = error.stderr.decode(errors="replace").strip()
        missing(
            requirement, f"it can't be installed into an environment of its own: {output[-800:]}"
        )


def _environment() -> dict[str, str]:
    """Return the environment variables without those that expose this interpreter's packages."""
    hidden = {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    return {key: value for key, value in os.environ.items() if key not in hidden}


def _session(leader: int) -> list[int]:
    """Return the processes of a session, without zombies, which may stay where none waits."""
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/stat")
        if _runs_in(path, leader)
    ]


def _runs_in(stat: Path, leader: int) -> bool:
    try:
        # The name in parentheses may contain spaces and parentheses.
        fields = stat.read_text(errors="replace").rpartition(")")[2].split()
    except OSError:  # it has just ended
        return False
    state, _parent, _group, session = fields[:4]
    return int(session) == leader and state not in {"Z", "X"}
