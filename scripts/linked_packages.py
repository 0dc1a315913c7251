"""Packages of this environment that an extra needs, to be linked into another one."""

import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def needed_distributions(*extras: str) -> set[str]:
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


def entries_of(name: str) -> set[Path]:
    """Return the files and folders at the top of a distribution."""
    installed = distribution(name)
    record = installed.read_text("RECORD") or ""
    tops = {line.partition(",")[0].strip('"').partition("/")[0] for line in record.splitlines()}
    return {Path(str(installed.locate_file(top))) for top in tops - {"", "..", "__pycache__"}}
