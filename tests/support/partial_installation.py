"""Installation of some extras only: a folder of links to their distributions, for child processes.

Nothing else can be imported there, and no metadata says that anything else is installed.
"""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


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
        for name in _names(*extras):
            for entry in _entries(name):
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


def _names(*extras: str) -> set[str]:
    """Return the distributions of the core and of extras, with all that they depend on."""
    done: dict[str, set[str]] = {}
    lines = [*PROJECT["dependencies"], f"driftwarden[{','.join(extras)}]"]
    todo = [Requirement(line) for line in lines]
    while todo:
        requirement = todo.pop()
        if requirement.name == "driftwarden":
            optional = PROJECT["optional-dependencies"]
            todo += [Requirement(line) for extra in requirement.extras for line in optional[extra]]
            continue
        name, wanted = canonicalize_name(requirement.name), {"", *requirement.extras}
        new = wanted - done.setdefault(name, set())
        done[name] |= new
        for line in (distribution(name).requires or []) if new else []:
            item = Requirement(line)
            environments: list[Any] = [{**default_environment(), "extra": extra} for extra in new]
            if item.marker is None or any(map(item.marker.evaluate, environments)):
                todo.append(item)
    return set(done)


def _entries(name: str) -> set[Path]:
    """Return the files and folders at the top of a distribution."""
    installed = distribution(name)
    record = installed.read_text("RECORD") or ""
    tops = {line.partition(",")[0].strip('"').partition("/")[0] for line in record.splitlines()}
    return {Path(str(installed.locate_file(top))) for top in tops - {"", "..", "__pycache__"}}
