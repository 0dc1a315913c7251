"""Workspace of the demo: a fresh folder, its SQLite database, and the encoder."""

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from monitor.demo.console import DemoConsole
from monitor.errors import InputError
from monitor.plurals import pluralize
from monitor.settings import Configuration, Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.migrations import upgrade
from monitor.telemetry import configure_logging

if TYPE_CHECKING:
    from monitor.demo.warm_children import WarmChildren
    from monitor.traffic.embedding import TextEncoder
    from retrain.jobs.launcher import Launcher

#: Log of the daemon's parts that the demo runs, in its folder.
LOG = "demo.log"
#: File that marks a folder of the demo, as the demo empties no other folder.
MARK = ".driftwarden-demo"


@dataclass(frozen=True)
class Workspace:
    """Objects that every section of the demo uses."""

    folder: Path
    configuration: Configuration
    #: The model that the demo is about.
    model: str
    engine: Engine
    encoder: "TextEncoder"
    console: DemoConsole
    #: Forks training and evaluation; ``None``: each starts a new interpreter.
    children: "WarmChildren | None" = None

    @cached_property
    def settings(self) -> Settings:
        """The settings of the model that the demo is about."""
        return self.configuration.settings_of(self.model)

    @property
    def launcher(self) -> "Launcher":
        """The launcher: processes of this machine."""
        from retrain.jobs.local_launcher import SubprocessLauncher

        return SubprocessLauncher() if self.children is None else self.children.launcher()

    @property
    def config(self) -> Path:
        """The configuration file for commands on the demo's database."""
        return self.folder / "config.toml"


def prepare_folder(folder: Path, *, read: Sequence[Path] = ()) -> Path:
    """Create or empty the folder of the demo, and return it.

    A folder with files that is not marked as the demo's is left alone: the demo then uses a folder
    of its own inside it.

    Raises:
        InputError: An input file lies in the folder that would be emptied.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        return prepare_folder(folder / "driftwarden-demo", read=read)
    for path in read:
        if path.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"{path} lies in {folder}, which the demo empties; move it, or give another "
                "--folder",
                code="input_in_demo_folder",
            )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder


def log_to_folder(folder: Path) -> None:
    """Write warnings to a log in the folder, not into the demo's output."""
    configure_logging(level=logging.WARNING, file=folder / LOG)


def short_path(path: Path) -> Path:
    """Return a path from the current folder, where it lies in that."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def describe_log(folder: Path) -> str:
    """Return where the log is, and how much it has."""
    file = folder / LOG
    n_warnings = len(file.read_text(encoding="utf-8").splitlines())
    return f"Log of the daemon's parts: {short_path(file)}, {pluralize(n_warnings, 'warning')}."


def write_config(folder: Path, configuration: Configuration) -> None:
    """Write the settings that differ from the defaults to config.toml."""
    sections = configuration.model_dump(mode="json", exclude_defaults=True)
    lines: list[str] = []
    for model, table in sections.pop("models", {}).items():
        lines += _table(f"models.{json.dumps(model)}", table)
    for section, values in sections.items():
        lines += _table(section, values)
    (folder / "config.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _table(name: str, values: dict[str, Any]) -> list[str]:
    """Return the lines of a table and its subtables."""
    lines, inner = [f"[{name}]"], []
    for key, value in values.items():
        if isinstance(value, dict):
            inner += _table(f"{name}.{key}", value)
        else:  # a JSON string, number, boolean or list of them is one in TOML too
            lines.append(f"{key} = {json.dumps(value)}")
    return lines + inner


def open_database(configuration: Configuration) -> Engine:
    """Create the demo's database."""
    engine = make_engine(configuration.database.url)
    upgrade(engine)
    return engine


def last_window_end(engine: Engine, model: str) -> datetime:
    """Return a time at which every window of the traffic has ended."""
    from monitor.store.traffic.exchanges import last_exchange_at

    with transaction(engine) as connection:
        last = last_exchange_at(connection, model)
    return (last or datetime.now(UTC)) + timedelta(weeks=1)
