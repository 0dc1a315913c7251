"""Traces of an end user in others' words, in every table: counted, and masked in place."""

import gzip
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from monitor.privacy.erasure.traces import Traces
from monitor.privacy.requests.sentences import moved, texts_in
from monitor.store.engine import transaction
from monitor.store.privacy import columns as store
from monitor.store.privacy.columns import Key
from monitor.store.privacy.requests import move_sentence, sentences_in_column
from monitor.store.tables.facts import columns_of, table_names
from monitor.store.training.registry import version_by_id
from monitor.store.training.registry_mirrors import count_registry_change
from monitor.table_types.contents import Erasure

#: How the packed values of a column begin that hold a page.
GZIP = b"\x1f\x8b"
#: Tables of the words of end users, each of whom may have written what another wrote.
OF_END_USERS = frozenset({"exchanges", "rollout_observations", "pending_halves", "dead_letters"})
#: Tables of counts, and their column with a name that the traffic gives.
COUNTED_NAMES = (
    ("unlisted_exchanges", "model"),
    ("stored_exchanges", "model"),
    ("signal_counts", "name"),
)
#: Tables of items of benchmarks, and of the responses to them.
OF_BENCHMARKS = frozenset(
    {
        "probe_sets",
        "probes",
        "probe_runs",
        "human_evaluation_items",
        "human_evaluation_responses",
    }
)


@dataclass(frozen=True)
class MaskedRow:
    """A row whose columns hold a trace."""

    table: str
    key: Key
    columns: tuple[str, ...]


def masked_columns(table: str) -> list[str]:
    """Return the columns of a table in which traces are masked."""
    return [name for name, column in columns_of(table).items() if column.erasure is Erasure.MASKED]


def traces_in(table: str, traces: Traces) -> Traces:
    """Return what is searched for in a table.

    The words of another end user, and of an item of a benchmark, may be the same by chance: there
    the ids alone count.
    """
    is_words_of_others = table in OF_END_USERS or table in OF_BENCHMARKS
    return traces.without_quotes() if is_words_of_others else traces


def find_words(
    engine: Engine, traces: Traces, own: Mapping[str, Collection[int]]
) -> Iterator[MaskedRow]:
    """Yield the rows of all tables in whose words the end user is named or quoted.

    ``own`` has, by table, the ids of rows that are removed as a whole.
    """
    for table in table_names():
        names = masked_columns(table)
        if not names:
            continue
        removed = own.get(table, ())
        searched = traces_in(table, traces)
        for key, values in read_table(engine, table, names):
            if key[0] in removed:
                continue
            touched = tuple(
                name
                for name, value in zip(names, values, strict=True)
                if searched.in_value(readable(value))
            )
            if touched:
                yield MaskedRow(table, key, touched)


def mask_words(engine: Engine, traces: Traces, rows: Iterable[MaskedRow]) -> None:
    """Mask the end user in others' words, each row in a transaction."""
    for row in rows:
        with transaction(engine) as connection:
            values = store.read_values(connection, row.table, row.columns, row.key, lock=True)
            if values is None:
                continue
            searched = traces_in(row.table, traces)
            masked = {
                name: _mask(searched, value)
                for name, value in zip(row.columns, values, strict=True)
            }
            for name, value in zip(row.columns, values, strict=True):
                _move_sentences(connection, row, name, value, searched)
            replace_in_row(connection, row.table, row.key, masked)


def replace_in_row(connection: Connection, table: str, key: Key, values: Mapping[str, Any]) -> None:
    """Replace values of a row; mirrors of the registry follow."""
    if table == "model_versions":  # mirrors show the lineage
        version = version_by_id(connection, key[0], lock=True)
        count_registry_change(connection, version.model)
    store.replace_values(connection, table, key, values)


def _move_sentences(
    connection: Connection, row: MaskedRow, column: str, value: Any, traces: Traces
) -> None:
    """Let the sentences that wait for a decision be found in a text that is masked."""
    waiting = sentences_in_column(connection, row.table, row.key, column)
    if not waiting:
        return
    digests: dict[str, str] = {}
    for text in texts_in(value):
        digests |= moved(text, traces.spans(text), traces.mask(text))
    for sentence in waiting:
        if (digest := digests.get(sentence.digest, sentence.digest)) != sentence.digest:
            move_sentence(connection, sentence.id, digest)


def find_names_in_counts(engine: Engine, traces: Traces) -> list[tuple[str, Key]]:
    """Return table and key of the counts under names of the traffic that name the end user."""
    return [
        (table, key)
        for table, column in COUNTED_NAMES
        for key, (name,) in read_table(engine, table, [column])
        if traces.in_value(name)
    ]


def remove_names_in_counts(engine: Engine, traces: Traces) -> None:
    """Remove the counts under names of the traffic that name the end user."""
    for table, key in find_names_in_counts(engine, traces):
        with transaction(engine) as connection:
            store.delete_row(connection, table, key)


def read_table(
    engine: Engine, table: str, names: list[str]
) -> Iterator[tuple[Key, tuple[Any, ...]]]:
    """Yield all rows of a table: primary key and values of columns, in short transactions."""
    after_id = 0
    while True:
        with transaction(engine) as connection:
            page = store.read_page(connection, table, names, after_id)
        yield from page
        if len(page) < store.ROWS_PER_SCAN:
            return
        after_id = store.last_id_of(page, table)


def readable(value: Any) -> Any:
    """Return a value to be searched: a packed page as its text, other bytes as text."""
    if isinstance(value, bytes):
        return unpacked(value).decode("utf-8", "replace")
    return value


def unpacked(value: bytes) -> bytes:
    """Return the content of packed bytes; other bytes as they are."""
    if value.startswith(GZIP):
        try:
            return gzip.decompress(value)
        except (OSError, EOFError):
            return value
    return value


def _mask(traces: Traces, value: Any) -> Any:
    if isinstance(value, bytes):
        text = traces.mask(unpacked(value).decode("utf-8", "replace")).encode()
        return gzip.compress(text, mtime=0) if value.startswith(GZIP) else text
    return traces.mask_value(value)
