"""The demo's ground: a fresh folder with its own SQLite database, and the encoder."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from monitor.demo.console import Narrator
from monitor.errors import InputError
from monitor.settings import Settings
from monitor.store.engine import make_engine, transaction
from monitor.store.migrations import upgrade

if TYPE_CHECKING:
    from monitor.embedding.encoder import Encoder
    from retrain.jobs.launcher import Launcher

#: Written into the folder, so that the demo only ever empties a folder of its own.
MARK = ".driftwarden-demo"


@dataclass(frozen=True)
class Workspace:
    """What every chapter of the demo uses."""

    folder: Path
    settings: Settings
    engine: Engine
    encoder: "Encoder"
    narrator: Narrator

    @property
    def launcher(self) -> "Launcher":
        """What starts the children: processes of this machine."""
        from retrain.jobs.local_launcher import SubprocessLauncher

        return SubprocessLauncher()

    @property
    def config(self) -> Path:
        """The configuration with which the other commands open what the demo left."""
        return self.folder / "config.toml"


def prepare_folder(folder: Path, *, read: Sequence[Path] = ()) -> Path:
    """Return the folder, made or emptied.

    A folder that holds something and wasn't made by the demo is left alone: the demo then works in
    a folder of its own inside it.

    Args:
        folder: Where the demo is to work.
        read: Files that the demo is told of.

    Raises:
        InputError: One of them lies in the folder that would be emptied.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        return prepare_folder(folder / "driftwarden-demo", read=read)
    for path in read:
        if path.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"{path}: it lies in {folder}, which the demo empties; move it, or name another "
                "--folder"
            )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder


def write_config(folder: Path, settings: Settings) -> None:
    """Write the settings that differ from the defaults, for the commands that come after."""
    lines = []
    for section, values in settings.model_dump(mode="json", exclude_defaults=True).items():
        lines += _table(section, values)
    (folder / "config.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _table(name: str, values: dict[str, Any]) -> list[str]:
    """Return the lines of a table, and of those in it."""
    lines, inner = [f"[{name}]"], []
    for key, value in values.items():
        if isinstance(value, dict):
            inner += _table(f"{name}.{key}", value)
        else:  # a JSON string, number, boolean or list of them is one in TOML too
            lines.append(f"{key} = {json.dumps(value)}")
    return lines + inner


def open_database(settings: Settings) -> Engine:
    """Create the demo's database."""
    engine = make_engine(settings.database.url)
    upgrade(engine)
    return engine


def last_window_end(engine: Engine, model: str) -> datetime:
    """Return a time at which every window of the traffic has ended, so that all are due."""
    from monitor.store.traffic.exchanges import last_exchange_at

    with transaction(engine) as connection:
        last = last_exchange_at(connection, model)
    return (last or datetime.now(UTC)) + timedelta(weeks=1)
