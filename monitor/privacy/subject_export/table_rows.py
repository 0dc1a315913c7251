"""Parts of an export from the tables, as their columns declare them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table

from monitor.privacy.end_users.end_user import EndUser
from monitor.privacy.erasure.traces import Traces
from monitor.privacy.requests.search import columns_of_items, has_words, is_trace_only
from monitor.privacy.requests.sentences import digest_of, sentences
from monitor.privacy.retention.period_text import ABOUT_END_USERS, describe_period, describe_readers
from monitor.privacy.subject_export.document import DocumentColumn, DocumentEntry, DocumentPart
from monitor.privacy.subject_export.ownership import Ownership
from monitor.privacy.subject_export.third_parties import STAFF, ThirdParties, map_strings
from monitor.privacy.subject_export.values import (
    figures_of,
    numbers,
    presentable,
    searchable,
    strings_of,
    without_instructions,
)
from monitor.settings import Retention
from monitor.store.privacy import end_user_rows
from monitor.store.privacy.columns import Key, last_id_of, read_page
from monitor.store.privacy.export_rows import rows_by_id
from monitor.store.tables import ReviewItem, metadata
from monitor.store.tables.facts import columns_of, facts_of
from monitor.store.traffic.embedding_blocks import load_vectors
from monitor.table_types.contents import Content

REVIEWER = "a reviewer"
#: Counts of the exchanges of all end users under a name, which may be an id.
COUNTS = frozenset(
    (table, name)
    for table in ("rollout_labels", "unlisted_exchanges")
    for name in ("count", "estimated_total")
)
#: In place of a sentence of staff that a lead has not decided to hand out.
NOT_HANDED_OUT = "(not handed out)"
ITEM_TABLE_NAMES = frozenset(
    table.__tablename__ for table in (ReviewItem, *end_user_rows.ITEM_TABLES)
)
#: Tables that name rows of others without a key, and are read after those.
NAMING_OTHERS = ("audit_log", "access_log")

Row = dict[str, Any]


class TableRows:
    """Reads every table once, and returns what each holds of an end user.

    The connection is a snapshot. Observations are of rollouts, and are the end user's or mention
    the id; feedback is on the end user's exchanges, or its exchange's id mentions the id.
    ``third_parties`` masks what staff wrote. ``included`` are the sentences of staff that a lead
    hands out, as digests by table, key and column.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        end_user: EndUser,
        observations: Sequence[int],
        feedback: Sequence[int],
        ownership: Ownership,
        traces: Traces,
        third_parties: ThirdParties,
        included: Mapping[tuple[str, Key, str], Collection[str]],
        retention: Retention,
    ) -> None:
        self._connection = connection
        self._end_user = end_user
        #: Tables that were searched before, for their size, with the rows to be read.
        self._by_id = {
            "exchanges": end_user.ids,
            "feedback": list(feedback),
            "rollout_observations": list(observations),
        }
        self._ownership = ownership
        self._traces = traces
        self._third_parties = third_parties
        self._included = included
        self._retention = retention

    def parts(self) -> Iterator[DocumentPart]:
        """Yield a part for each table; one without entries holds nothing of the end user."""
        for table in sorted(metadata.sorted_tables, key=lambda table: table.name in NAMING_OTHERS):
            entries = (
                list(self._vectors())
                if table.name == "embedding_blocks"
                else [entry for row in self._read(table) if (entry := self._entry(table, row))]
            )
            yield _part(str(table.name), entries, self._retention)

    def _read(self, table: Table) -> Iterator[Row]:
        name, columns = str(table.name), [column.name for column in table.columns]
        if name in self._by_id:
            yield from rows_by_id(self._connection, name, columns, self._by_id[name])
            return
        after_id = 0
        while page := read_page(self._connection, name, columns, after_id):
            for _, values in page:
                yield dict(zip(columns, values, strict=True))
            after_id = last_id_of(page, name)

    def _entry(self, table: Table, row: Row) -> DocumentEntry | None:
        described = columns_of(str(table.name))
        key = {column.name: row[column.name] for column in table.primary_key.columns}
        if self._ownership.owns(table, row):
            return DocumentEntry(key, values=self._own_values(table, row))
        passages = {
            column: parts
            for column, content in described.items()
            if (content.content in ABOUT_END_USERS or table.name in self._by_id)
            and (parts := self._passages(str(table.name), tuple(key.values()), column, row[column]))
        }
        return DocumentEntry(key, passages=passages) if passages else None

    def _own_values(self, table: Table, row: Row) -> Row:
        described = columns_of(str(table.name))
        reviewers = {
            key.parent.name for key in table.foreign_keys if key.column.table.name == "users"
        }
        key = tuple(row[column.name] for column in table.primary_key.columns)
        values: Row = {}
        for name, value in row.items():
            content = described[name].content if name in described else None
            if value is None or (table.name, name) in COUNTS:
                continue
            if name in reviewers:
                values[name] = REVIEWER
            elif content is Content.STAFF_ACCOUNT:
                values[name] = STAFF
            elif content is Content.STAFF_WORDS:
                words = presentable(value)
                if self._is_decided(str(table.name), name, row):
                    handed_out = self._included.get((str(table.name), key, name), ())
                    words = map_strings(words, partial(self._decided, included=handed_out))
                values[name] = self._third_parties.mask_words(words)
            elif content is Content.END_USER_TEXT:
                text = without_instructions(presentable(value))
                values[name] = self._third_parties.mask_ids(text)
            else:
                values[name] = presentable(value)
        return values

    def _is_decided(self, table: str, column: str, row: Row) -> bool:
        """Return whether a lead decides on the sentences of a row of the end user's items."""
        is_of_item = table in ITEM_TABLE_NAMES or (
            table == "audit_log"
            and row["subject"].startswith("item:")
            and row["details"].get("reason")
        )
        return bool(is_of_item) and column in columns_of_items(table)

    def _decided(self, text: str, included: Collection[str]) -> str:
        """Return a text with the sentences that are handed out."""
        if not has_words(text):
            return text
        traces, parts, end = self._traces.spans(text), [], 0
        for first, last in sentences(text):
            words = text[first:last]
            stays = digest_of(words) in included or is_trace_only(text, (first, last), traces)
            parts += [text[end:first], words if stays else NOT_HANDED_OUT]
            end = last
        return "".join([*parts, text[end:]])

    def _passages(self, table: str, key: Key, column: str, value: Any) -> list[str]:
        figures = figures_of(table, column, value, self._end_user.own_ids)
        included = self._included.get((table, key, column), ())
        parts: dict[str, None] = dict.fromkeys(figures)
        for text in strings_of(searchable(table, column, value)):
            whole = [
                span
                for span in (sentences(text) if included else ())
                if digest_of(text[slice(*span)]) in included
            ]
            parts |= dict.fromkeys(
                self._third_parties.mask_words(text[first:last]) for first, last in whole
            )
            parts |= dict.fromkeys(
                text[first:last]
                for first, last in self._traces.spans(text)
                if not any(begin <= first and last <= end for begin, end in whole)
            )
        return list(parts)

    def _vectors(self) -> Iterator[DocumentEntry]:
        columns = ["id", "block_id", "block_row"]
        for row in rows_by_id(self._connection, "exchanges", columns, self._end_user.own_ids):
            block_id, block_row = row["block_id"], row["block_row"]
            prompts, responses = load_vectors(
                self._connection, np.array([block_id]), np.array([block_row])
            )
            values = {
                "exchange": row["id"],
                "prompt_vector": numbers(prompts[0]),
                "response_vector": numbers(responses[0]),
            }
            yield DocumentEntry({"id": block_id, "row": block_row}, values=values)


def join_ids_of(connection: Connection, users: Sequence[str]) -> set[str]:
    """Return the ids of requests of end users that wait for a response."""
    join_ids: set[str] = set()
    after_id = 0
    while page := read_page(connection, "pending_halves", ["join_id", "end_user"], after_id):
        join_ids.update(join_id for _, (join_id, end_user) in page if end_user in users)
        after_id = last_id_of(page, "pending_halves")
    return join_ids


def _part(name: str, entries: list[DocumentEntry], retention: Retention) -> DocumentPart:
    return DocumentPart(
        place="database",
        name=name,
        purpose=facts_of(name).purpose,
        period=describe_period(name, retention),
        readers=describe_readers(name),
        columns=tuple(
            DocumentColumn(column, content.content.value)
            for column, content in columns_of(name).items()
            if content.content in ABOUT_END_USERS
        ),
        entries=entries,
    )
