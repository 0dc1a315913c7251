"""Check of a distribution in empty environments.

The base package is installed from the configured index. The packages of the extras, of several GB,
are linked from this environment: those that `driftwarden[daemon]` names, directly or not, and no
other. `make drills` installs them from the index.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from scripts.linked_packages import entries_of, needed_distributions
from scripts.release.errors import ReleaseError

ARRAYS = """
import driftwarden, numpy as np
rng = np.random.default_rng(1)
x = rng.standard_normal((2, 120, 8)); x[1, :, 0] += 4
x /= np.linalg.norm(x, axis=2, keepdims=True)
print(driftwarden.__version__, driftwarden.compare(*x, n_permutations=199).verdict)
"""
QUESTIONS = ("How do I reset my password", "Where is invoice", "Cancel subscription")
#: Commands, of the base package and with the extras, and the exit statuses they must have.
WITHOUT_EXTRAS = {
    "--help": 0,
    "init site": 0,
    "compare before.jsonl after.jsonl": 78,
    "db upgrade": 78,
}
WITH_EXTRAS = {
    "--help": 0,
    "compare before.jsonl same.jsonl": 0,
    "compare before.jsonl after.jsonl": 3,
    "compare few.jsonl after.jsonl": 4,
    "compare before.jsonl missing.jsonl": 2,
    "db upgrade": 0,
    "db check": 0,
}


class Environment:
    """An empty virtual environment with a distribution, and a folder to work in.

    Args:
        folder: Where both are made.
        file: The wheel or source distribution.
        extras: Extras whose packages are linked; empty: those of the base are installed.
    """

    def __init__(self, folder: Path, file: Path, *extras: str) -> None:
        self._folder, self._work = folder / "environment", folder / "work"
        self._work.mkdir(parents=True)
        self._call([sys.executable, "-m", "venv", str(self._folder)])
        words = ["--no-deps"] if extras else []
        self._call([self._program("python"), "-m", "pip", "install", "-q", *words, str(file)])
        site = next(self._folder.glob("lib/*/site-packages"))
        for name in needed_distributions(*extras) if extras else ():
            for entry in entries_of(name):
                link = site / entry.name
                if not link.exists():
                    link.symlink_to(entry)

    def check(self, version: str, commands: Mapping[str, int]) -> None:
        """Check version, arrays and commands.

        Raises:
            ReleaseError: One of them is not as expected.
        """
        words = self._call([self._program("python"), "-c", ARRAYS]).stdout.split()
        if words != [version, "drift"]:
            raise ReleaseError(f"version and verdict: {words}; they must be {version}, drift")
        write_exchanges(self._work)
        for words, status in commands.items():
            self._call([self._program("driftwarden"), *words.split()], status)

    def revisions(self) -> tuple[str, str]:
        """Return the revision of the database, and the one that the code needs."""
        done = self._call([self._program("driftwarden"), "db", "check", "--json"])
        state = json.loads(done.stdout)
        return state["revision"], state["needed"]

    def _program(self, name: str) -> str:
        return str(self._folder / "bin" / name)

    def _call(self, command: list[str], status: int = 0) -> "subprocess.CompletedProcess[str]":
        hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
        variables = {
            name: value
            for name, value in os.environ.items()
            if name not in hidden and not name.startswith("DRIFTWARDEN_")
        }
        done = subprocess.run(  # noqa: S603 - our own words
            command, cwd=self._work, env=variables, capture_output=True, text=True, check=False
        )
        if done.returncode != status:
            line = " ".join([Path(command[0]).name, *command[1:]])
            raise ReleaseError(
                f"exit status {done.returncode} instead of {status}: {line}\n"
                f"{done.stdout[-1500:]}{done.stderr[-1500:]}"
            )
        return done


def check_distribution(file: Path, version: str, folder: Path) -> None:
    """Install a wheel or source distribution in empty environments, and check it.

    Raises:
        ReleaseError: It can't be installed, or something in it is not as expected.
    """
    base = Environment(folder / "base", file)
    base.check(version, WITHOUT_EXTRAS)
    whole = Environment(folder / "extras", file, "daemon")
    whole.check(version, WITH_EXTRAS)
    revision, needed = whole.revisions()
    if not revision or revision != needed:
        raise ReleaseError(f"revision of a new database: {revision!r}; it must be {needed!r}")


def write_exchanges(folder: Path) -> None:
    """Write small files of exchanges: of one kind, with another kind, and too few."""
    for name, n, n_poems in (
        ("before", 200, 0),
        ("same", 200, 0),
        ("after", 200, 60),
        ("few", 5, 0),
    ):
        prompts = [f"{QUESTIONS[k % 3]} {k}?" for k in range(n - n_poems)]
        prompts += [f"Write a poem about the sea in verse {k}" for k in range(n_poems)]
        if name == "same":
            prompts = [
                f"{prompt} Please." if k % 9 == 0 else prompt for k, prompt in enumerate(prompts)
            ]
        lines = [json.dumps({"prompt": text, "user": str(k)}) for k, text in enumerate(prompts)]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
