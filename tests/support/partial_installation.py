"""Installation of some extras only: a folder of links to their distributions, for child processes.

Nothing else can be imported there, and no metadata says that anything else is installed.
"""

import os
import subprocess
import sys
from pathlib import Path

from scripts.linked_packages import entries_of, needed_distributions

ROOT = Path(__file__).resolve().parents[2]


class PartialInstallation:
    """The dependencies of driftwarden and of some of its extras, out of the tests' environment.

    Args:
        folder: Where the links are made.
        extras: Names of extras.
        packages: Folder of driftwarden's own packages: the checkout, or an unpacked wheel.
    """

    def __init__(self, folder: Path, *extras: str, packages: Path = ROOT) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._path = os.pathsep.join((str(packages), str(folder)))
        for name in needed_distributions(*extras):
            for entry in entries_of(name):
                link = folder / entry.name
                if not link.exists():
                    link.symlink_to(entry)

    def python(
        self, *words: str, cwd: Path, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run Python with these words; variables that are empty are removed."""
        variables = {**os.environ, "PYTHONPATH": self._path, **environment}
        return subprocess.run(
            [sys.executable, "-S", *words],
            cwd=cwd,
            env={key: value for key, value in variables.items() if value},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    def command(
        self, *words: str, cwd: Path, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run `driftwarden` with these words."""
        start = "from monitor.cli import main; main()"
        return self.python("-P", "-c", start, *words, cwd=cwd, **environment)
