"""Rows of the database that are an end user's, as opposed to rows that only mention them."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table

from monitor.privacy.end_users.end_user import EndUser
from monitor.privacy.end_users.id_matcher import MIN_WORD_LENGTH
from monitor.store.tables.facts import columns_of
from monitor.table_types.contents import Content

#: The name of a user's field in undecoded JSON, and the beginning of its value.
_USER_FIELD = rb"\"[\w.-]{0,40}user[\w.-]{0,40}\"\s{0,8}:\s{0,8}\"$"
_BYTES_BEFORE = 120
#: A user's field with the id of anybody.
_NAMES_USER = re.compile(rb"\"[\w.-]{0,40}user[\w.-]{0,40}\"\s{0,8}:\s{0,8}[\"\d]", re.IGNORECASE)

Row = Mapping[str, Any]


class Ownership:
    """Decides about rows, table by table in the order of their references.

    A row is the end user's where it is one of their exchanges, where a column of ids has one of
    their ids, or where it refers to such a row. ``join_ids`` are of their requests that wait for a
    response, ``observed_ids`` of their exchanges that were observed for rollouts. Records of
    erasures and exports are stored under the digests of the id. Without ``user_field``, the path of
    the id in records, the usual names are tried.
    """

    def __init__(
        self,
        end_user: EndUser,
        join_ids: Iterable[str],
        observed_ids: Iterable[str],
        digests: Iterable[str],
        user_field: str = "",
    ) -> None:
        self._end_user = end_user
        self._users = set(end_user.request.stored_ids)
        self._exchange_ids = {row.exchange_id for row in end_user.own_rows} | set(
            end_user.request.exchange_ids
        )
        self._rated_ids = self._exchange_ids | set(observed_ids)
        self._join_ids = self._exchange_ids | set(join_ids)
        self._digests = set(digests)
        self._own_ids = set(end_user.own_ids)
        self._records = {row.record for row in end_user.own_rows if row.baseline_id is None}
        self._prompts = {row.prompt for row in end_user.own_rows if row.prompt}
        last = re.escape(user_field.rpartition(".")[2].encode())
        configured = rb"|\"" + last + rb"\"\s{0,8}:\s{0,8}\"$" if last else b""
        self._user_field = re.compile(_USER_FIELD + configured, re.IGNORECASE)
        #: Ids of the rows that are the end user's, by table.
        self._ids: dict[str, set[Any]] = defaultdict(set)

    def owns(self, table: Table, row: Row) -> bool:
        """Return whether a row is the end user's. Call it for referred tables first."""
        name = str(table.name)
        is_own = (
            row["id"] in self._own_ids
            if name == "exchanges"
            else self._refers(table, row)
            or self._has_id(name, row)
            or getattr(self, f"_owns_in_{name}", lambda _: False)(row)
        )
        if is_own and "id" in row:
            self._ids[name].add(row["id"])
        return is_own

    def owns_line(self, row: Row) -> bool:
        """Return whether a row of a training set, benchmark or export is the end user's."""
        metadata_ = row.get("metadata") or row.get("meta")
        if isinstance(metadata_, dict) and str(metadata_.get("exchange_id")) in self._exchange_ids:
            return metadata_.get("model") in {None, "", *self._end_user.models}
        name = str(row.get("id", ""))
        if len(name) >= MIN_WORD_LENGTH and name in self._exchange_ids:
            return True
        texts = [message.get("content") for message in _messages(row)]
        texts += [row.get("prompt"), row.get("question")]
        return any(text in self._prompts for text in texts if isinstance(text, str))

    def _refers(self, table: Table, row: Row) -> bool:
        return any(
            row[key.parent.name] in self._ids[key.column.table.name]
            for key in table.foreign_keys
            if key.column.table.name != table.name
        )

    def _has_id(self, name: str, row: Row) -> bool:
        """Return whether a column of ids has an id of the end user, and none of another."""
        if (row.get("end_user") or "") not in {"", *self._users}:
            return False
        return any(
            _text(row[column]) in self._ids_in(column)
            for column, described in columns_of(name).items()
            if described.content is Content.END_USER_ID and row[column]
        )

    def _ids_in(self, column: str) -> set[str]:
        if column == "join_id":
            return self._join_ids
        # An id of an exchange, such as 3, is the name of a version elsewhere.
        return self._users | (self._exchange_ids if column == "exchange_id" else set())

    def _owns_in_feedback(self, row: Row) -> bool:
        return row["exchange_id"] in self._rated_ids

    def _owns_in_dead_letters(self, row: Row) -> bool:
        if (row["source"], row["partition"], row["offset"]) in self._records:
            return True
        key, value, detail = row["key"] or b"", row["value"] or b"", row["detail"]
        matchers = self._end_user.request.matchers
        if any(
            self._user_field.search(value[max(0, match - _BYTES_BEFORE) : match])
            for matcher in matchers
            for match, _ in matcher.loose_spans(value)
        ):
            return True
        # A record that names no user and can't be decoded is whose id is in it.
        return (
            not _NAMES_USER.search(value)
            and not _is_json(value)
            and any(
                matcher.in_bytes(key) or matcher.in_bytes(value) or matcher.in_text(detail)
                for matcher in matchers
            )
        )

    def _owns_in_human_evaluation_items(self, row: Row) -> bool:
        return self.owns_line({"id": row["benchmark_item_id"], "messages": row["messages"]})

    def _owns_in_audit_log(self, row: Row) -> bool:
        kind, _, name = row["subject"].partition(":")
        of_kind = {"item": "review_items", "request": "privacy_requests"}.get(kind)
        return (kind == "end_user" and name in self._digests) or (
            of_kind is not None and name.isdigit() and int(name) in self._ids[of_kind]
        )

    def _owns_in_access_log(self, row: Row) -> bool:
        """Return whether a read was of one of their review items; who read is left out."""
        name = row["object_id"]
        return row["kind"] == "item" and name.isdigit() and int(name) in self._ids["review_items"]

    def _owns_in_erasures(self, row: Row) -> bool:
        digests = (row["subject_digest"], *row["further_digests"].split())
        return any(digest in self._digests for digest in digests)

    def _owns_in_privacy_requests(self, row: Row) -> bool:
        return row["subject_digest"] in self._digests

    def _owns_in_suppressions(self, row: Row) -> bool:
        return row["main_digest"] in self._digests


def _is_json(value: bytes) -> bool:
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def _messages(row: Row) -> list[dict[str, Any]]:
    messages = row.get("messages")
    if not isinstance(messages, list):
        return []
    return [
        message
        for message in messages
        if isinstance(message, dict) and message.get("role") in {"user", "assistant"}
    ]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
