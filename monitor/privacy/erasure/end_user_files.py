"""Files with rows of an end user: training runs, exports and the inputs of retraining."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from monitor.errors import InputError
from monitor.privacy.end_users.end_user import EndUser
from monitor.privacy.erasure.declared_files import DeclaredFiles, work_dirs
from monitor.privacy.erasure.row_owner import RowOwner
from monitor.privacy.proof.file_search import Places, Terms, search_files
from monitor.privacy.run_files import find_named_files, mask_file, unknown_run_folders
from monitor.settings import Retrain
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
    #: Files that can't be read, with the reason: nobody knows what they hold.
    unreachable: dict[Path, str]
    #: Which rows of a file are the end user's; in another file, such as of a run, ``of_run``.
    owners: Mapping[Path, Matches]
    of_run: Matches
    #: Files that hold something of the end user and are not rewritten.
    held: tuple[Path, ...] = ()
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
        """Return the number of rows; a file that is not rewritten counts as one."""
        return sum(self.rows.values()) + len(self.held)

    @property
    def n_named(self) -> int:
        """Return the number of files in whose words the end user is named or quoted."""
        return len(self.named)

    def owns(self, path: Path) -> Matches:
        """Return which rows of a file are the end user's."""
        return self.owners.get(path, self.of_run)


def find_files(
    engine: Engine,
    end_user: EndUser,
    terms: Terms,
    retrain: Sequence[Retrain],
    declared: DeclaredFiles,
) -> Files:
    """Search every file that may hold exchanges, and what lies beside them with their names.

    The database knows training runs; the settings of each model name the folders of others. What is
    not read as rows is searched as a verification does, and not rewritten.
    """
    rows: dict[Path, int] = {}
    unreachable = dict(declared.broken)
    traces = terms.traces
    owner = RowOwner(end_user, terms)
    runs = []
    named: list[Path] = []
    with transaction(engine) as connection:
        stored = end_user_traces.list_run_folders(connection)
        gold = end_user_traces.gold_batches(connection, end_user.items)
        without_ids = {
            Path(name).resolve() for name in end_user_traces.exports_without_ids(connection)
        }
    for run_id, status, work_dir, batches in stored:
        folder = RunFolder(Path(work_dir))
        try:
            n_rows_by_path = {
                match.path: match.n_rows for match in find_in_run(folder, owner.of_run)
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
            matches = find_in_run(folder, owner.of_run)
            named += find_named_files(folder, traces)
        except (OSError, InputError) as error:
            unreachable[folder.root] = _reason(error)
            continue
        if matches:
            rows |= {match.path: match.n_rows for match in matches}
            unknown.append(folder)
    owners: dict[Path, Matches] = dict.fromkeys(declared.inputs, owner.of_input)
    owners |= {
        path: owner.of_bare_export if path in without_ids else owner.of_run
        for path in declared.exports
    }
    owners |= dict.fromkeys(declared.named, owner.of_copy)
    searched = [*declared.copies_of_exports, *declared.copies_of_inputs]
    for path, owns in owners.items():
        try:
            n_rows = find_in_file(path, owns)
        except (OSError, InputError):
            searched.append(path)
            continue
        if n_rows:
            rows[path] = n_rows
        elif path in declared.named:  # text of another form has no rows
            searched.append(path)
    counts = declared.accepts_short_quotes
    search = search_files(Places((), {path: counts[path] for path in searched}), terms)
    unreachable |= {Path(part.place): part.reason for part in search.unread}
    files = Files(
        rows,
        runs,
        [],
        list(declared.missing),
        unreachable,
        owners,
        owner.of_run,
        tuple(dict.fromkeys(Path(row.place) for row in search.findings)),
        tuple(named),
        tuple(unknown),
    )
    return replace(files, versions=_versions(engine, files.trained))


def remove_rows(engine: Engine, terms: Terms, files: Files, now: datetime) -> dict[Path, str]:
    """Rewrite the files without the rows and the end user's names, and note removed rows.

    The notes lie beside the digests of before. Return files that couldn't be rewritten, with the
    reason.
    """
    failed: dict[Path, str] = {}
    for run in files.runs:
        try:
            removed = remove_from_run(
                run.folder, files.of_run, now, trained=run.status not in UNTRAINED
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
            remove_from_run(folder, files.of_run, now, trained=True)
        except (OSError, InputError) as error:
            failed[folder.root] = _reason(error)
    in_runs = [run.folder.root for run in files.runs]
    in_runs += [folder.root for folder in files.unknown_runs]
    for path in files.rows:
        if any(path.is_relative_to(root) for root in in_runs):
            continue
        try:
            remove_from_file(path, files.owns(path))
        except (OSError, InputError) as error:
            failed[path] = _reason(error)
    for path in files.named:
        try:
            mask_file(path, terms.traces)
        except OSError as error:
            failed[path] = _reason(error)
    return failed


def _reason(error: OSError | InputError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


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
