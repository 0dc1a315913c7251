"""Needs of the run of a page that the page leaves to the reader."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.services.requirement import free_port
from tests.documentation.blocks import DOCS

#: Languages whose blocks are run; those of the others are loaded (`fragments.py`) or listed.
RUN = ("sh", "console", "python")


@dataclass
class Site:
    """The reader's place while a page is followed."""

    folder: Path
    #: Gives fixtures of the tests: services and databases.
    request: pytest.FixtureRequest
    environment: dict[str, str]
    #: What the page leaves to the reader -> what stands here in its place.
    fill: dict[str, str]
    #: Names in which blocks of Python run.
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})
    #: Output of each command so far.
    outputs: list[str] = field(default_factory=list)
    #: Port of the web page, in place of that of the settings, which another process may have.
    port: int = field(default_factory=free_port)
    #: Output of the command that runs at the moment.
    log: Path = Path()

    def filled(self, text: str) -> str:
        """Return a text of the page with what it leaves to the reader."""
        for name, value in self.fill.items():
            text = text.replace(name, value)
        return text

    def run(self, line: str) -> str:
        """Run a command that the prose names; return its output."""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        return done.stdout

    def configure(self, text: str) -> None:
        """Add a fragment to `config.toml`: keys of no table go before the tables."""
        path = self.folder / "config.toml"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        has_table = text.lstrip().startswith("[")
        path.write_text(f"{before}\n{text}" if has_table else f"{text}\n{before}", encoding="utf-8")


Step = Callable[[Site], None]


def nothing(_site: Site) -> None:
    """Need no preparation."""


@dataclass(frozen=True)
class Page:
    """A page; keys of its tables are beginnings of commands and of blocks.

    Args:
        name: Path under `docs`.
        prepare: What the page says that the reader has.
        fill: What the page leaves to the reader -> what the test puts there.
        listed: Command or block that isn't run -> the reason.
        statuses: Command -> exit status, where the page says that it isn't 0.
        services: Command that runs until it is ended -> what is looked at meanwhile.
        applied: TOML blocks that the reader puts into `config.toml`.
        before, after: Command -> what the prose says that the reader does before or after it.
        seconds: Limit of a command.
    """

    name: str
    prepare: Step = nothing
    fill: Mapping[str, str] = field(default_factory=dict)
    listed: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    services: Mapping[str, Step] = field(default_factory=dict)
    applied: tuple[str, ...] = ()
    before: Mapping[str, Step] = field(default_factory=dict)
    after: Mapping[str, Step] = field(default_factory=dict)
    seconds: float = 300.0

    @property
    def path(self) -> Path:
        """The page's file."""
        return (DOCS / self.name).resolve()

    @property
    def keys(self) -> list[str]:
        """All keys; each must name something of the page."""
        tables: tuple[Mapping[str, Any], ...] = (
            *(self.listed, self.statuses, self.services, self.before, self.after),
        )
        return [*(key for table in tables for key in table), *self.applied]


def of(table: Mapping[str, Any], text: str) -> Any:
    """Return the entry of a command or a block; the longest key that begins it; or ``None``."""
    keys = [key for key in table if text.startswith(key)]
    return table[max(keys, key=len)] if keys else None
