"""The suppression list in memory: whether an id is on it, and the rows of an addition."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

from monitor.errors import ConfigurationError
from monitor.store.privacy.suppressions import SuppressionRow, newest_changes
from monitor.traffic.end_users.key_ring import VARIABLE, KeyRing
from monitor.traffic.end_users.keys import Key
from monitor.traffic.end_users.user_ids import REMEMBERED, UserIds
from monitor.traffic.parsing.cleaning import MAX_NAME_CHARACTERS, clean_name

Reason = Literal["forgotten", "objected"]
#: Strings in quotes, and words, of a record that could not be read.
_QUOTED = re.compile(rf'"((?:[^"\\]|\\.){{1,{6 * MAX_NAME_CHARACTERS}}})"')
_WORD = re.compile(rf"[^\s\"'\x00-\x1f,;:&<>(){{}}\[\]\ufffd]{{1,{MAX_NAME_CHARACTERS}}}")


class SuppressionList:
    """The end users whose records are not stored, as digests."""

    def __init__(self, ids: UserIds, changes: Iterable[SuppressionRow]) -> None:
        """Take the newest change of each digest.

        Raises:
            ConfigurationError: The key of a part of the list is missing: its end users would be
                stored.
        """
        self._ids = ids
        keys = ids.ring.by_check_value()
        self._digests: dict[Key, set[str]] = {}
        missing: dict[str, set[str]] = {}
        for change in newest_changes(changes).values():
            if change.action != "added":
                continue
            key = keys.get(change.key)
            if key is None:
                missing.setdefault(change.key, set()).add(change.main_digest)
            else:
                self._digests.setdefault(key, set()).add(change.digest)
        if missing:
            check_value, end_users = next(iter(missing.items()))
            raise ConfigurationError(
                f"{len(end_users)} end users on the suppression list were added under a key that "
                f"is missing (check value {check_value[:8]}); add it to {VARIABLE} after the "
                "newest, or add them again and take the old entries off by `driftwarden suppress "
                f"remove --key {check_value[:8]}`",
                code="suppression_key_missing",
            )
        self._has = lru_cache(REMEMBERED)(self._look_up)

    def __getstate__(self) -> tuple[UserIds, dict[Key, set[str]]]:
        """Return what is pickled: all but what it remembers."""
        return self._ids, self._digests

    def __setstate__(self, state: tuple[UserIds, dict[Key, set[str]]]) -> None:
        """Restore a pickled list."""
        self._ids, self._digests = state
        self._has = lru_cache(REMEMBERED)(self._look_up)

    def __len__(self) -> int:
        return sum(map(len, self._digests.values()))

    def has(self, end_user: str) -> bool:
        """Return whether an id, in any spelling or as a pseudonym, is on the list."""
        return bool(self._digests) and bool(end_user) and self._has(end_user)

    def has_any_in(self, value: bytes) -> bool:
        """Return whether an unreadable record has an id on the list as a string or a word."""
        return bool(self._digests) and any(map(self._has, set(_strings(value))))

    def _look_up(self, end_user: str) -> bool:
        normalized = self._ids.normalized(end_user)
        is_pseudonym = self._ids.is_pseudonym(end_user)
        return any(
            key.suppression_digest(end_user if is_pseudonym else key.pseudonym(normalized))
            in digests
            for key, digests in self._digests.items()
        )


def additions(
    ids: UserIds, end_user: str, reason: Reason, *, at: datetime, by: str
) -> list[SuppressionRow]:
    """Return the rows that put an id on the list: one for each form that a record may have."""
    newest = ids.ring.newest
    forms = [form for form in ids.forms(end_user) if ids.is_pseudonym(form)]
    main_digest = main_digest_of(ids.ring, ids, end_user)
    digests = [main_digest, *map(newest.suppression_digest, forms)]
    return [
        SuppressionRow(main_digest, digest, newest.check_value, "added", reason, at, by)
        for digest in dict.fromkeys(digests)
    ]


def main_digest_of(ring: KeyRing, ids: UserIds, end_user: str, key: Key | None = None) -> str:
    """Return the digest of an end user, under the newest key or another one."""
    key = key or ring.newest
    name = clean_name(end_user)
    pseudonym = name if ids.is_pseudonym(name) else key.pseudonym(ids.normalized(name))
    return key.suppression_digest(pseudonym)


def removals(
    changes: Iterable[SuppressionRow], end_users: set[str], reason: str, *, at: datetime, by: str
) -> list[SuppressionRow]:
    """Return the rows that take end users off the list."""
    return [
        SuppressionRow(change.main_digest, change.digest, change.key, "removed", reason, at, by)
        for change in newest_changes(changes).values()
        if change.action == "added" and change.main_digest in end_users
    ]


def _strings(value: bytes) -> Iterator[str]:
    text = value.decode("utf-8", "replace")
    if len(text) <= MAX_NAME_CHARACTERS:
        yield text
    for match in _QUOTED.finditer(text):
        quoted = match[1]
        yield clean_name(quoted)
        if "\\" in quoted:
            try:
                yield clean_name(json.loads(f'"{quoted}"'))
            except ValueError:
                continue
    for match in _WORD.finditer(text):
        word = match[0]
        yield word
        yield word[1:]  # in Protobuf, a length may precede it
        if "=" in word:
            yield word.partition("=")[2]
        if "%" in word:
            yield clean_name(unquote(word.rpartition("=")[2]))
