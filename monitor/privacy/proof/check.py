"""The check of all erasures: whether anything of those who were erased came back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from monitor.privacy.erasure.declared_files import (
    DeclaredFiles,
    database_files,
    declared_files,
    work_dirs,
)
from monitor.privacy.erasure.masking import OF_BENCHMARKS, OF_END_USERS, read_table, readable
from monitor.privacy.proof.file_search import FileSearch, Places, Terms, search_files
from monitor.privacy.proof.findings import RemainingText, SearchResult, Unread
from monitor.privacy.proof.fingerprints import FingerprintSearch
from monitor.privacy.proof.records import recall, texts_of
from monitor.settings import Retrain, Secrets, Sections
from monitor.store.engine import transaction
from monitor.store.privacy.end_user_traces import list_run_folders
from monitor.store.privacy.proofs import insert_check, last_check, remove_expired_proofs
from monitor.store.tables.facts import columns_of, table_names
from monitor.table_types.contents import Content, Erasure
from monitor.traffic.end_users.key_ring import configured_keys

INTERVAL = timedelta(days=7)
#: Places that a check stores; further ones are counted.
MAX_STORED = 200
#: Between the texts of rows that are searched together: a word that nobody wrote.
_BETWEEN = "\n\ue000driftwarden\ue000\n"
#: Searches table, column, primary key and value in another way.
Look = Callable[[str, str, str, Any], RemainingText | None]


def is_check_due(engine: Engine, now: datetime) -> bool:
    """Return whether the last check that found an erasure to check was a week ago."""
    with transaction(engine) as connection:
        last = last_check(connection)
    return last is None or now - last.checked_at >= INTERVAL


def check_erasures(
    engine: Engine,
    settings: Sections,
    secrets: Secrets,
    now: datetime,
    may_continue: Callable[[], bool] = lambda: True,
    *,
    named: Iterable[Path] = (),
) -> SearchResult | None:
    """Destroy the fingerprints whose period ended, search for the others, and store the result.

    ``named`` are files besides those that the database and the settings know. ``None``: there is no
    erasure to check, or the check was ended early; nothing is stored.

    Raises:
        ConfigurationError: A key of the environment is not a valid key.
    """
    destroy_expired(engine, now)
    remembered = recall(engine, configured_keys(secrets), now)
    if not remembered.n_erasures:
        return None
    terms = Terms(remembered.search)
    retrain = [of_model.retrain for of_model in settings.by_model]
    declared = declared_files(engine, retrain, named, remembered.places)
    places = places_of(engine, retrain, declared, remembered.places)
    columns = list(search_columns(engine, remembered.search, changeable=True))
    files = search_files(places, terms, may_continue=may_continue)
    if not may_continue():
        return None
    result = result_of(
        columns, files, places, terms, unread=(*remembered.unread, *unread_of(declared))
    )
    with transaction(engine) as connection:
        insert_check(
            connection,
            now,
            findings=[
                {"place": terms.mask(row.place), "reason": row.where}
                for row in result.findings[:MAX_STORED]
            ],
            unread=[
                {"place": terms.mask(part.place), "reason": terms.mask(part.reason)}
                for part in result.unread[:MAX_STORED]
            ],
            searched={
                **result.figures,
                "erasures": remembered.n_erasures,
                "findings": len(result.findings),
                "unread": len(result.unread),
            },
        )
    return result


def destroy_expired(engine: Engine, now: datetime) -> None:
    """Remove the fingerprints whose period ended, and their keys."""
    with transaction(engine) as connection:
        remove_expired_proofs(connection, now)


def places_of(
    engine: Engine,
    retrain: Sequence[Retrain],
    declared: DeclaredFiles,
    further: Iterable[str] = (),
) -> Places:
    """Return the folders of runs, the declared files with what lies beside them, and other files.

    ``further`` are files in which something was found before.
    """
    with transaction(engine) as connection:
        runs = [Path(work_dir) for _, _, work_dir, _ in list_run_folders(connection)]
    folders = dict.fromkeys(path.resolve() for path in (*work_dirs(retrain), *runs))
    files = dict.fromkeys(map(Path, further), True) | declared.accepts_short_quotes
    return Places(tuple(folders), files, {path.resolve() for path in database_files(engine)})


def search_columns(
    engine: Engine,
    search: FingerprintSearch,
    *,
    changeable: bool = False,
    look: Look | None = None,
) -> Iterator[RemainingText]:
    """Yield the values of all tables that have a fingerprint, in one pass.

    ``changeable`` leaves out columns that no erasure changes, such as those of the audit log.
    ``look`` is called with each value, also of these and of staff's accounts; what it returns is
    yielded instead.
    """
    if not search and look is None:
        return
    for table in table_names():
        columns = columns_of(table)
        searched = {
            name
            for name, column in columns.items()
            if column.content is not Content.STAFF_ACCOUNT
            and not (changeable and column.erasure is Erasure.UNCHANGED)
        }
        names = [name for name in columns if look is not None or name in searched]
        # The words of another end user, and of a benchmark, may be the same by chance.
        ids_only = table in OF_END_USERS or table in OF_BENCHMARKS
        page: list[tuple[str, str, str]] = []
        for key, values in read_table(engine, table, names) if names else ():
            where = ", ".join(map(str, key))
            for name, value in zip(names, values, strict=True):
                remaining = None
                if look is not None and value is not None:
                    remaining = look(table, name, where, value)
                if remaining:
                    yield remaining
                elif search and name in searched:
                    text = _BETWEEN.join(texts_of(readable(value)))
                    page += [(name, where, text)] if text else []
            if len(page) >= 1000:
                yield from _search_page(table, page, search, ids_only=ids_only)
                page = []
        yield from _search_page(table, page, search, ids_only=ids_only)


def unread_of(declared: DeclaredFiles) -> list[Unread]:
    """Return the declared files that are not there, or don't tell which files they name."""
    return [Unread(str(path), reason) for path, reason in declared.broken.items()]


def result_of(
    columns: Sequence[RemainingText],
    files: FileSearch,
    places: Places,
    terms: Terms,
    *,
    unread: Iterable[Unread] = (),
) -> SearchResult:
    """Return the result of a search of the database and of files."""
    known = len(terms.traces.matchers)
    return SearchResult(
        tuple(dict.fromkeys([*columns, *files.findings])),
        (*unread, *files.unread),
        tuple(folder for folder in places.folders if folder.is_dir()),
        files.n_files,
        files.n_raw,
        max(terms.fingerprints.n_ids, known),
        terms.fingerprints.n_passages,
    )


def _search_page(
    table: str,
    page: Sequence[tuple[str, str, str]],
    search: FingerprintSearch,
    *,
    ids_only: bool,
) -> Iterator[RemainingText]:
    """Yield the values with a fingerprint; all are searched at once, and each where one has."""

    def has(text: str) -> bool:
        return any(True for _ in search.find(text, ids_only=ids_only))

    if has(_BETWEEN.join(text for _, _, text in page)):
        for name, where, text in page:
            if has(text):
                yield RemainingText("column", f"{table}.{name}", where)
