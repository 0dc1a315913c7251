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
            _make(folder, requirement)
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

    def stop(self) -> None:
        """Terminate the server and its subprocesses."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, sent)
            except ProcessLookupError:
                break
            deadline = time.monotonic() + 10.0
            while time.monotonic() < deadline and _group_lives(self._process):
                time.sleep(0.1)
        self._process.wait(10)


def _make(folder: Path, requirement: str) -> None:
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


def _group_lives(process: subprocess.Popen[bytes]) -> bool:
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True
