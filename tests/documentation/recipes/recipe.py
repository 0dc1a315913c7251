"""Recipes of CONTRIBUTING.md, followed in a copy of the source."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.documentation.blocks import ROOT

#: What the tests of the recipes need of the source.
COPIED = (
    *("alembic", "bench", "deploy", "docker", "docs", "driftwarden", "monitor", "retrain"),
    *("scripts", "tests", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "RELEASING.md"),
    *("Makefile", "config.toml", "constraints.txt", "pyproject.toml", "requirements-models.txt"),
    *(".dockerignore", ".gitignore"),
)
#: Commands of a recipe, as they run without the set-up that `make` looks after.
COMMANDS = {
    "make docs": "scripts/write_reference.py",
    "make migration": "scripts/write_migration.py",
}
#: Commands whose work the edits of a recipe do, each by this reason.
BY_EDITS = {
    "make snapshots": "a second run of the tests: the edit of the snapshot is what it writes",
    "make lock": "needs the new package: the edit is the line that it writes",
}
PLACES = ("alembic", "deploy", "docs", "monitor", "retrain", "scripts", "tests")
FILES = {"config.toml", "constraints.txt", "pyproject.toml", "requirements-models.txt"}


@dataclass(frozen=True)
class Edit:
    """A text that takes the place of another in a file; without one, it goes to the end."""

    path: str
    text: str
    #: The text that stands there before, once at least; the first is meant.
    instead_of: str = ""

    def apply(self, folder: Path) -> None:
        """Change the file, or write it where there is none."""
        path = folder / self.path
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        assert self.instead_of in before, f"{self.path} has no {self.instead_of!r}"
        after = before.replace(self.instead_of, self.text, 1)
        path.parent.mkdir(exist_ok=True)
        path.write_text(after if self.instead_of else before + self.text, encoding="utf-8")


def before(path: str, place: str, text: str) -> Edit:
    """Return the edit that puts a text before another."""
    return Edit(path, text + place, place)


@dataclass(frozen=True)
class Mistake:
    """An edit of a recipe that is left out, or done otherwise."""

    #: Of the edit.
    path: str
    #: What the failing test says of the place.
    message: str
    #: What is written instead; empty: nothing.
    text: str = ""


@dataclass(frozen=True)
class Recipe:
    """A recipe, with an example of each of its edits."""

    #: As it begins in CONTRIBUTING.md.
    title: str
    edits: tuple[Edit, ...]
    #: Files of tests, or single tests, that the recipe names.
    tests: tuple[str, ...]
    mistake: Mistake
    commands: tuple[str, ...] = ()
    #: Edited files that the recipe leaves to the reader.
    own: frozenset[str] = frozenset()
    #: What the recipe names for another case -> the case.
    other: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> set[str]:
        """Return the paths and commands in backticks in the text of the recipe."""
        quoted = re.findall(r"`([^`\s][^`]*)`|\]\(([\w/.-]+)\)", self.text())
        words = {code or link for code, link in quoted}
        return {word for word in words if is_place(word) or word.startswith("make ")}

    def text(self) -> str:
        """Return the text of the recipe, up to the next one."""
        (text,) = [text for title, text in recipes() if title == self.title]
        return text

    def edits_with_mistake(self) -> list[Edit]:
        """Return the edits, the one of the mistake left out or done otherwise."""
        wrong = next(edit for edit in self.edits if edit.path == self.mistake.path)
        done = [edit for edit in self.edits if edit is not wrong]
        text = self.mistake.text
        return [*done, Edit(wrong.path, text, wrong.instead_of)] if text else done


def is_place(word: str) -> bool:
    """Return whether a word in backticks is the path of a file or folder."""
    return word in FILES or ("/" in word and " " not in word and word.startswith(PLACES))


def recipes() -> list[tuple[str, str]]:
    """Return title and text of each recipe."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Recipes\n")[2]
    parts = re.split(r"^\*\*([^*]+?)\.?\*\*", page, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def copy_source(folder: Path) -> None:
    """Copy the source with its compiled modules."""
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, folder / name)


def follow(folder: Path, edits: Iterable[Edit], commands: Iterable[str]) -> None:
    """Do the edits in a copy of the source, then run the commands."""
    for edit in edits:
        edit.apply(folder)
    for command in sorted(set(commands) & COMMANDS.keys()):
        done = run_python(folder, COMMANDS[command])
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def run_tests(folder: Path, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Run tests of the copy, without services."""
    return run_python(
        folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not postgres and not drill",
        *dict.fromkeys(tests),
    )  # fmt: skip


def run_python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy, whose modules are found first."""
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    environment |= {"PYTHONPATH": f"{folder}", "COLUMNS": "200", "CI": ""}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
