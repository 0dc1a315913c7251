"""The files that hold rows of a person: runs, exports, and what retraining reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from monitor.privacy.end_user import EndUser
from monitor.settings import Retrain
from monitor.settings.evaluation_file import read_plan
from monitor.store.engine import transaction
from monitor.store.privacy import end_user_traces
from monitor.store.training.registry import (
    VersionRow,
    add_lineage_note,
    list_versions,
    version_of_run,
)
from retrain.data.erasure import find_in_file, find_in_run, remove_from_file, remove_from_run
from retrain.run_folder import RunFolder

#: An export to standard output: nobody knows where it went.
STANDARD_OUTPUT = "-"


@dataclass(frozen=True)
class Run:
    """A training run with rows of a person."""

    id: int
    status: str
    folder: RunFolder
    #: Of the training data; 0 where only answers to benchmarks hold some, or the folder is gone.
    n_rows: int


@dataclass(frozen=True)
class Files:
    """Where rows of a person lie on disk, or lay when something was trained on them."""

    #: File -> rows.
    rows: dict[Path, int]
    runs: list[Run]
    #: Versions that were trained on them, with what was trained on top of those.
    versions: list[VersionRow]
    #: Exports that are gone from where they were written.
    missing: list[str]
    #: Files that can't be read or rewritten, with the reason.
    unreachable: dict[Path, str]
    #: Files whose rows are told by what was asked: they don't name their exchange.
    bare: frozenset[Path] = frozenset()

    @property
    def n_rows(self) -> int:
        """Return the rows in all files."""
        return sum(self.rows.values()) + len(self.unreachable)


def find_files(
    engine: Engine, person: EndUser, retrain: Retrain, more: Iterable[Path] = ()
) -> Files:
    """Look through every file that is known to hold exchanges."""
    rows: dict[Path, int] = {}
    unreachable: dict[Path, str] = {}
    runs = []
    with transaction(engine) as connection:
        stored = end_user_traces.run_folders(connection)
        gold = end_user_traces.gold_batches(connection, person.items)
        exports = end_user_traces.exports(connection)
        bare = frozenset(Path(one).resolve() for one in end_user_traces.bare_exports(connection))
    for run_id, status, work_dir, batches in stored:
        folder = RunFolder(Path(work_dir))
        try:
            found = {one.path: one.n_rows for one in find_in_run(folder, person.owns)}
        except OSError as error:
            unreachable[folder.root] = error.strerror or str(error)
            found = {}
        rows |= found
        gone = not folder.training_data.is_file() and bool(gold & set(batches))
        if found or (gone and status != "planned"):
            runs.append(Run(run_id, status, folder, found.get(folder.training_data, 0)))
    for path in _plain_files(exports, retrain, more):
        try:
            if n_rows := find_in_file(path, person.asked if path in bare else person.owns):
                rows[path] = n_rows
        except OSError as error:
            unreachable[path] = error.strerror or str(error)
    missing = [one for one in exports if one != STANDARD_OUTPUT and not Path(one).is_file()]
    if STANDARD_OUTPUT in exports:
        missing.append("standard output")
    trained = [run for run in runs if run.n_rows or not run.folder.training_data.is_file()]
    return Files(rows, runs, _versions(engine, trained), missing, unreachable, bare)


def remove_rows(engine: Engine, person: EndUser, files: Files, now: datetime) -> dict[Path, str]:
    """Rewrite the files without the rows, and note it where digests no longer fit.

    Returns:
        Files that couldn't be rewritten, with the reason.
    """
    failed: dict[Path, str] = {}
    for run in files.runs:
        try:
            removed = remove_from_run(run.folder, person.owns, now, trained=run.status != "planned")
        except OSError as error:
            failed[run.folder.root] = error.strerror or str(error)
            continue
        n_rows = sum(one.n_rows for one in removed if one.path == run.folder.training_data)
        with transaction(engine) as connection:
            version = version_of_run(connection, run.id)
            if version is not None and n_rows:
                note = {"at": now.isoformat(), "n_rows": n_rows, "what": "rows of a person removed"}
                add_lineage_note(connection, version.id, note)
    in_runs = [run.folder.root for run in files.runs]
    for path in files.rows:
        if any(path.is_relative_to(root) for root in in_runs):
            continue
        try:
            remove_from_file(path, person.asked if path in files.bare else person.owns)
        except OSError as error:
            failed[path] = error.strerror or str(error)
    return failed


def _plain_files(exports: list[str], retrain: Retrain, more: Iterable[Path]) -> list[Path]:
    named = [Path(retrain.training_data)] if retrain.training_data else []
    if retrain.evaluation:
        named += read_plan(Path(retrain.evaluation)).local_datasets()
    named += [Path(one) for one in exports if one != STANDARD_OUTPUT]
    return list(dict.fromkeys(one.resolve() for one in (*named, *more)))


def _versions(engine: Engine, runs: list[Run]) -> list[VersionRow]:
    """Return the versions that runs made, and all that go on from them."""
    tainted: dict[int, VersionRow] = {}
    with transaction(engine) as connection:
        for run in runs:
            version = version_of_run(connection, run.id)
            if version is not None:
                tainted[version.id] = version
        for version in sorted(list_versions(connection), key=lambda one: one.id):
            parent = tainted.get(version.parent_id or 0)
            if parent is not None and _goes_on_from(version, parent):
                tainted[version.id] = version
    return [tainted[one] for one in sorted(tainted)]


def _goes_on_from(version: VersionRow, parent: VersionRow) -> bool:
    """Tell whether a version's weights hold what its parent's do.

    One that was registered earlier may name as its parent what served at the time, though it was
    trained from the raw base.
    """
    lineage = version.lineage
    return bool(lineage.get("parent_adapter")) or lineage.get("base") == parent.adapter_path
