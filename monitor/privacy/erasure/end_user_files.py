"""Files with rows of an end user: training runs, exports and the inputs of retraining."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from monitor.errors import ConfigurationError, InputError
from monitor.privacy.end_users.end_user import EndUser
from monitor.privacy.erasure.traces import Traces
from monitor.privacy.run_files import find_named_files, mask_file, unknown_run_folders
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
from retrain.data.erasure import (
    Matches,
    find_in_file,
    find_in_run,
    remove_from_file,
    remove_from_run,
)
from retrain.registry.taints import continues_from
from retrain.run_folder import RunFolder

#: Name of an export to standard output, whose destination is unknown.
STANDARD_OUTPUT = "-"


#: Statuses of runs that have trained on nothing yet.
UNTRAINED = ("draft", "planned")


@dataclass(frozen=True)
class RunFiles:
    """A training run with rows of an end user."""

    id: int
    status: str
    folder: RunFolder
    #: Rows in the training data and in replayed responses; 0 where only responses to benchmarks
    #: hold some, or the folder is gone.
    n_rows: int


@dataclass(frozen=True)
class Files:
    """Files, training runs and model versions with rows of an end user."""

    rows: dict[Path, int]
    runs: list[RunFiles]
    #: Versions trained on such rows, and versions trained on top of those.
    versions: list[VersionRow]
    #: Exports that no longer exist where they were written.
    missing: list[str]
    #: Files that can't be read, with the reason.
    unreachable: dict[Path, str]
    #: Files whose rows name no exchange and are recognized by their prompt.
    without_ids: frozenset[Path] = frozenset()
    #: Files of exports and imports: a row that quotes the end user is theirs.
    exports: frozenset[Path] = frozenset()
    #: Files of all runs in whose words the end user is named or quoted.
    named: tuple[Path, ...] = ()
    #: Folders with such rows, of runs that the database doesn't know.
    unknown_runs: tuple[RunFolder, ...] = ()

    @property
    def trained(self) -> list[RunFiles]:
        """Return the runs that trained on the rows, or may have, as their folder is gone."""
        return [run for run in self.runs if run.n_rows or not run.folder.training_data.is_file()]

    @property
    def n_rows(self) -> int:
        """Return the number of rows in all files, unreadable ones counted as one row each."""
        return sum(self.rows.values()) + len(self.unreachable)

    @property
    def n_named(self) -> int:
        """Return the number of files in whose words the end user is named or quoted."""
        return len(self.named)


def find_files(
    engine: Engine,
    end_user: EndUser,
    traces: Traces,
    retrain: Sequence[Retrain],
    extra: Iterable[Path] = (),
) -> Files:
    """Search every file that may hold exchanges.

    The database knows training runs and exports; the settings of each model name the training data
    and the benchmarks; further files are of JSON lines. The traces are how others' words name or
    quote the end user, whose rows are searched for.
    """
    rows: dict[Path, int] = {}
    unreachable: dict[Path, str] = {}
    runs = []
    named: list[Path] = []
    with transaction(engine) as connection:
        stored = end_user_traces.list_run_folders(connection)
        gold = end_user_traces.gold_batches(connection, end_user.items)
        exports = end_user_traces.exported_files(connection)
        without_ids = frozenset(
            Path(name).resolve() for name in end_user_traces.exports_without_ids(connection)
        )
    for run_id, status, work_dir, batches in stored:
        folder = RunFolder(Path(work_dir))
        try:
            n_rows_by_path = {
                match.path: match.n_rows
                for match in find_in_run(folder, _owner(end_user.owns, traces))
            }
            named += find_named_files(folder, traces)
        except (OSError, InputError) as error:
            unreachable[folder.root] = _reason(error)
            n_rows_by_path = {}
        rows |= n_rows_by_path
        gone = not folder.training_data.is_file() and bool(gold & set(batches))
        if n_rows_by_path or (gone and status not in UNTRAINED):
            n_trained = sum(
                n_rows_by_path.get(path, 0)
                for path in (folder.training_data, folder.replay_responses)
            )
            runs.append(RunFiles(run_id, status, folder, n_trained))
    unknown = []
    for folder in unknown_run_folders([Path(row[2]) for row in stored], work_dirs(retrain)):
        try:
            matches = find_in_run(folder, _owner(end_user.owns, traces))
            named += find_named_files(folder, traces)
        except (OSError, InputError) as error:
            unreachable[folder.root] = _reason(error)
            continue
        if matches:
            rows |= {match.path: match.n_rows for match in matches}
            unknown.append(folder)
    datasets, broken = _datasets(retrain)
    unreachable |= broken
    exported = {str(Path(name).resolve()) for name in exports if name != STANDARD_OUTPUT}
    for path in _plain_files(exports, retrain, (*datasets, *extra)):
        try:
            owns: Matches = end_user.owns_by_prompt if path in without_ids else end_user.owns
            owns = _owner(owns, traces) if str(path) in exported else owns
            if n_rows := find_in_file(path, owns):
                rows[path] = n_rows
        except (OSError, InputError) as error:
            unreachable[path] = _reason(error).removeprefix(f"{path}: ")
    missing = [name for name in exports if name != STANDARD_OUTPUT and not Path(name).is_file()]
    if STANDARD_OUTPUT in exports:
        missing.append("standard output")
    files = Files(
        rows,
        runs,
        [],
        missing,
        unreachable,
        without_ids,
        frozenset(map(Path, exported)),
        tuple(named),
        tuple(unknown),
    )
    return replace(files, versions=_versions(engine, files.trained))


def work_dirs(retrain: Sequence[Retrain]) -> list[Path]:
    """Return the folders in which runs of the models have theirs."""
    return list(dict.fromkeys(Path(section.work_dir).resolve() for section in retrain))


def stored_files(
    engine: Engine, retrain: Sequence[Retrain], extra: Iterable[Path] = ()
) -> tuple[list[Path], list[Path]]:
    """Return the files outside the folders of runs that may hold exchanges: exports, and inputs."""
    with transaction(engine) as connection:
        exports = end_user_traces.exported_files(connection)
    exported = [Path(name).resolve() for name in exports if name != STANDARD_OUTPUT]
    inputs = _plain_files([], retrain, (*_datasets(retrain)[0], *extra))
    return exported, [path for path in inputs if path not in exported]


def remove_rows(
    engine: Engine, end_user: EndUser, traces: Traces, files: Files, now: datetime
) -> dict[Path, str]:
    """Rewrite the files without the rows and the end user's names, and note removed rows.

    The notes lie beside the digests of before. Return files that couldn't be rewritten, with the
    reason.
    """
    failed: dict[Path, str] = {}
    for run in files.runs:
        try:
            removed = remove_from_run(
                run.folder,
                _owner(end_user.owns, traces),
                now,
                trained=run.status not in UNTRAINED,
            )
        except (OSError, InputError) as error:
            failed[run.folder.root] = _reason(error)
            continue
        n_rows = sum(part.n_rows for part in removed if part.path == run.folder.training_data)
        with transaction(engine) as connection:
            version = version_of_run(connection, run.id)
            if version is not None and n_rows:
                note = {
                    "at": now.isoformat(),
                    "n_rows": n_rows,
                    "reason": "rows of an end user erased",
                }
                add_lineage_note(connection, version.id, note)
    for folder in files.unknown_runs:
        try:
            remove_from_run(folder, _owner(end_user.owns, traces), now, trained=True)
        except (OSError, InputError) as error:
            failed[folder.root] = _reason(error)
    in_runs = [run.folder.root for run in files.runs]
    in_runs += [folder.root for folder in files.unknown_runs]
    for path in files.rows:
        if any(path.is_relative_to(root) for root in in_runs):
            continue
        try:
            owns: Matches = end_user.owns_by_prompt if path in files.without_ids else end_user.owns
            owns = _owner(owns, traces) if path in files.exports else owns
            remove_from_file(path, owns)
        except (OSError, InputError) as error:
            failed[path] = _reason(error)
    for path in files.named:
        try:
            mask_file(path, traces)
        except OSError as error:
            failed[path] = _reason(error)
    return failed


def _owner(owns: Matches, traces: Traces) -> Matches:
    """Return whether a row is the end user's, or another's that names or quotes them."""
    return lambda row: owns(row) or traces.in_value(row)


def _reason(error: OSError | InputError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _plain_files(
    exports: list[str], retrain: Sequence[Retrain], extra: Iterable[Path]
) -> list[Path]:
    paths = [Path(section.training_data) for section in retrain if section.training_data]
    paths += [Path(name) for name in exports if name != STANDARD_OUTPUT]
    return list(dict.fromkeys(path.resolve() for path in (*paths, *extra)))


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


def _versions(engine: Engine, runs: list[RunFiles]) -> list[VersionRow]:
    """Return the versions that the runs produced, and all versions trained on top of them."""
    tainted: dict[int, VersionRow] = {}
    with transaction(engine) as connection:
        for run in runs:
            version = version_of_run(connection, run.id)
            if version is not None:
                tainted[version.id] = version
        for version in sorted(list_versions(connection), key=lambda version: version.id):
            parent = tainted.get(version.parent_id or 0)
            if parent is not None and continues_from(version, parent):
                tainted[version.id] = version
    return [tainted[version_id] for version_id in sorted(tainted)]
