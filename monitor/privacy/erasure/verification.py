"""Verification of an erasure: a search of everything stored, by what the erasure knows.

It reads each column that can hold text, the files of the database itself, the folders
of runs, and exports. It changes nothing, and doesn't rely on what the erasure has found.
"""

import mmap
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from monitor.privacy.erasure.declared_files import DeclaredFiles, database_files
from monitor.privacy.erasure.masking import readable, traces_in, unpacked
from monitor.privacy.erasure.traces import Traces
from monitor.privacy.proof.check import (
    Look,
    places_of,
    result_of,
    search_columns,
    unread_of,
)
from monitor.privacy.proof.file_search import Terms, search_files
from monitor.privacy.proof.findings import RemainingText, SearchResult
from monitor.privacy.proof.records import Remembered, texts_of
from monitor.settings import Retrain
from monitor.store.tables.facts import columns_of, table_names
from monitor.table_types.contents import Content

#: Bytes of a file that are decoded at once, and of the next part that are decoded with them.
PART, OVERLAP = 8_000_000, 20_000
#: Characters beside an id that make it another one, as in ``joann@example.organic``.
_REST_BEFORE = re.compile(rb"[\w.+@-]{1,64}\Z")
_REST_AFTER = re.compile(rb"[\w.+@-]{1,64}")


@dataclass
class _Names:
    """Longer names of others that contain the id, and accounts of staff that are it."""

    #: Bytes of the longer name, and where the id begins in it.
    longer: set[bytes] = field(default_factory=set)


def verify(
    engine: Engine,
    terms: Terms,
    retrain: Sequence[Retrain],
    remembered: Remembered,
    declared: DeclaredFiles,
) -> SearchResult:
    """Return where something of an end user is left, and what could not be read.

    The traces of the terms are the id in all its spellings, and the quotes that are still known;
    fingerprints remember the others.
    """
    names, traces = _Names(), terms.traces
    look = _searching(traces, names)
    findings = list(search_columns(engine, remembered.search, look=look))
    findings += _search_database_files(engine, traces, names, in_rows=bool(findings))
    places = places_of(engine, retrain, declared, remembered.places)
    files = search_files(places, terms)
    unread = (*remembered.unread, *remembered.ended, *unread_of(declared))
    return result_of(findings, files, places, terms, unread=unread)


def _searching(traces: Traces, names: _Names) -> Look:
    """Return the search of a value for traces, which notes names that contain the id."""
    by_table = {table: (columns_of(table), traces_in(table, traces)) for table in table_names()}

    def look(table: str, name: str, where: str, value: Any) -> RemainingText | None:
        columns, searched = by_table[table]
        column = columns[name]
        _note_longer_names(traces, value, names)
        if column.content is Content.STAFF_ACCOUNT:
            # Accounts of staff that are the id stay.
            texts = filter(traces.in_value, _texts(value))
            names.longer.update(text.encode() for text in texts)
        elif _has_trace(searched, value):
            return RemainingText("column", f"{table}.{name}", where, column.reason)
        return None

    return look


def _has_trace(traces: Traces, value: Any) -> bool:
    if isinstance(value, bytes):
        content = unpacked(value)
        if any(matcher.in_bytes(content) for matcher in traces.matchers):
            return True
    return traces.in_value(readable(value))


def _note_longer_names(traces: Traces, value: Any, names: _Names) -> None:
    """Note names that contain the id and are another one."""
    for text in _texts(value):
        raw = text.encode("utf-8", "surrogatepass")
        for matcher in traces.matchers:
            for first, last in matcher.loose_spans(raw):
                before = _REST_BEFORE.search(raw[max(0, first - 64) : first])
                after = _REST_AFTER.match(raw[last : last + 64])
                longer = (before[0] if before else b"") + raw[first:last]
                longer += after[0] if after else b""
                if not matcher.in_bytes(longer):
                    names.longer.add(longer)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, bytes):
        yield unpacked(value).decode("utf-8", "replace")
    else:
        yield from texts_of(value)


def _search_database_files(
    engine: Engine, traces: Traces, names: _Names, *, in_rows: bool
) -> Iterator[RemainingText]:
    """Search the bytes of SQLite's files, where removed rows may be left."""
    advice = (
        "bytes of the rows named above, or of removed ones"
        if in_rows
        else "another process may be reading an old state; run the command again when it ended"
    )
    for path in database_files(engine):
        if not path.is_file() or not path.stat().st_size:
            continue
        position = _position_in_raw(path, traces, names)
        if position is not None:
            yield RemainingText("database_file", str(path), f"byte {position}", advice)


def _position_in_raw(path: Path, traces: Traces, names: _Names) -> int | None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        for matcher in traces.matchers:
            for first, last in matcher.loose_spans(raw):
                around = raw[max(0, first - 80) : last + 80]
                if not any(longer in around for longer in names.longer):
                    return first
        # Values lie one after another without spaces, so that a text's outer words are not found.
        for brief in traces.passages.brief():
            if (position := raw.find(brief)) >= 0:
                return position
        for start in range(0, len(raw), PART):
            text = raw[start : start + PART + OVERLAP].decode("utf-8", "replace")
            if traces.passages.find(text):
                return start
    return None
