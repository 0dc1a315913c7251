"""Files outside the folders of runs that may hold exchanges, and copies that lie beside them."""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from monitor.errors import ConfigurationError
from monitor.settings import Retrain
from monitor.settings.evaluation_file import read_plan
from monitor.store.engine import transaction
from monitor.store.privacy import end_user_traces

#: Name of an export to standard output, whose destination is unknown.
STANDARD_OUTPUT = "-"
#: How raw files of SQLite end, besides the database itself.
SQLITE_FILES = ("", "-wal", "-journal", "-shm")
#: Endings of a name, such as ``.jsonl.gz``.
_ENDINGS = re.compile(r"(?:\.[A-Za-z]\w{0,8})+\Z")


@dataclass(frozen=True)
class DeclaredFiles:
    """The files that the database, the settings and a command name; each is in one list."""

    #: Exports of gold and of the queue, and files that were imported.
    exports: tuple[Path, ...]
    #: Training data and data sets of evaluations.
    inputs: tuple[Path, ...]
    #: Files that the command names.
    named: tuple[Path, ...]
    #: Copies beside exports and beside inputs, by their names.
    copies_of_exports: tuple[Path, ...]
    copies_of_inputs: tuple[Path, ...]
    #: Exports as they were named that are no longer there, standard output too.
    missing: tuple[str, ...]
    #: Files that are not there, or don't tell which files they name, with the reason.
    broken: dict[Path, str]

    @property
    def accepts_short_quotes(self) -> dict[Path, bool]:
        """Return for each file whether short quotes in it count, or may be chance."""
        of_inputs = dict.fromkeys([*self.inputs, *self.copies_of_inputs], False)
        return of_inputs | dict.fromkeys(
            [*self.exports, *self.copies_of_exports, *self.named], True
        )


def declared_files(
    engine: Engine,
    retrain: Sequence[Retrain],
    named: Iterable[Path] = (),
    found_before: Collection[str] = (),
) -> DeclaredFiles:
    """Return the files outside the folders of runs that may hold exchanges.

    A file that a command names must exist, unless something was found in it before.
    """
    with transaction(engine) as connection:
        names = end_user_traces.exported_files(connection)
    datasets, broken = _datasets(retrain)
    exports = _resolved(Path(name) for name in names if name != STANDARD_OUTPUT)
    training_data = (Path(section.training_data) for section in retrain if section.training_data)
    inputs = [path for path in _resolved((*training_data, *datasets)) if path not in exports]
    by_command = [path for path in _resolved(named) if path not in {*exports, *inputs}]
    broken |= {
        path: "no such file"
        for path in by_command
        if not path.exists() and str(path) not in found_before
    }
    known = {*exports, *inputs, *by_command, *(path.resolve() for path in database_files(engine))}
    beside_exports = [path for path in _copies_beside(exports) if path not in known]
    beside_inputs = [path for path in _copies_beside(inputs) if path not in known]
    missing = [name for name in names if name != STANDARD_OUTPUT and not Path(name).is_file()]
    return DeclaredFiles(
        tuple(exports),
        tuple(inputs),
        tuple(by_command),
        tuple(beside_exports),
        tuple(path for path in beside_inputs if path not in beside_exports),
        (*missing, *(["standard output"] if STANDARD_OUTPUT in names else [])),
        broken,
    )


def work_dirs(retrain: Sequence[Retrain]) -> list[Path]:
    """Return the folders in which runs of the models have theirs."""
    return list(dict.fromkeys(Path(section.work_dir).resolve() for section in retrain))


def database_files(engine: Engine) -> list[Path]:
    """Return the files of a SQLite database."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return []
    return [Path(f"{engine.url.database}{suffix}") for suffix in SQLITE_FILES]


def _copies_beside(paths: Collection[Path]) -> list[Path]:
    """Return what lies beside files and has the name of one as a word of its own name.

    Such as ``gold.jsonl.bak``, ``old-gold.csv.gz`` or ``.gold.jsonl.swp`` beside ``gold.jsonl``. A
    folder counts beside a folder of data. A folder that can't be listed is returned itself.
    """
    copies: dict[Path, None] = {}
    for folder in dict.fromkeys(path.parent for path in paths):
        declared = [path for path in paths if path.parent == folder]
        stems = {_ENDINGS.sub("", path.name) or path.name for path in declared}
        alternatives = "|".join(map(re.escape, sorted(stems)))
        pattern = re.compile(rf"(?<![^\W_])(?:{alternatives})(?![^\W_])", re.IGNORECASE)
        has_folders = any(path.is_dir() for path in declared)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except FileNotFoundError:
            continue
        except OSError:
            copies[folder] = None
            continue
        for entry in entries:
            if pattern.search(entry.name) and (entry.is_file() or (entry.is_dir() and has_folders)):
                copies[Path(entry.path).resolve()] = None
    return list(copies)


def _datasets(retrain: Sequence[Retrain]) -> tuple[list[Path], dict[Path, str]]:
    """Return the benchmarks' local files, and the evaluation files that don't name theirs."""
    datasets: list[Path] = []
    broken: dict[Path, str] = {}
    for evaluation in dict.fromkeys(section.evaluation for section in retrain):
        if evaluation:
            try:
                datasets += read_plan(Path(evaluation)).local_datasets()
            except ConfigurationError as error:
                broken[Path(evaluation)] = f"the data sets that it names are unknown: {error}"
    return datasets, broken


def _resolved(paths: Iterable[Path]) -> list[Path]:
    return list(dict.fromkeys(path.resolve() for path in paths))
