"""The stored fingerprints of erasures: made before a removal, found again, and destroyed."""

import json
import secrets as random_secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from monitor.privacy.end_users.end_user import EndUser
from monitor.privacy.erasure.masking import OF_BENCHMARKS, read_table
from monitor.privacy.erasure.passages import Words
from monitor.privacy.erasure.traces import Traces
from monitor.privacy.proof.findings import Unread, named_path
from monitor.privacy.proof.fingerprints import (
    Fingerprint,
    FingerprintSearch,
    Keyed,
    passages_of,
    remove_shared,
)
from monitor.store.engine import transaction
from monitor.store.privacy.proofs import (
    ErasureProofRow,
    ProofKeyRow,
    erasure_proofs,
    insert_proof,
    insert_proof_key,
    proof_keys,
)
from monitor.store.tables.facts import columns_of
from monitor.table_types.contents import Content
from monitor.traffic.end_users.keys import Key

#: Age at which a key makes no new fingerprints, so that it can be destroyed with its last ones.
KEY_AGE = timedelta(days=30)
KEY_MISSING = (
    "its key is missing: give this process the DRIFTWARDEN_USER_ID_KEY of that time besides the "
    "newest"
)
TAMPERED = "the stored fingerprints were changed; find out who writes in the database"
REMOVED = "the stored fingerprints were removed before their time; find out who writes in it"
ENDED = (
    "its passages are not searched for any more: their fingerprints were destroyed after "
    "privacy.proof_period"
)
#: Tables of texts in which a passage must not occur a second time.
OF_OTHERS = ("exchanges", "rollout_observations", *sorted(OF_BENCHMARKS))


@dataclass(frozen=True)
class Remembered:
    """Fingerprints and places of erasures."""

    search: FingerprintSearch
    #: Erasures whose fingerprints can't be compared, with the reason.
    unread: tuple[Unread, ...]
    #: Erasures whose period has ended.
    ended: tuple[Unread, ...]
    n_erasures: int
    #: Paths that could not be removed.
    places: tuple[str, ...]


def unique_passages(engine: Engine, end_user: EndUser, observations: Collection[int]) -> set[Words]:
    """Return the long passages that the end user wrote, and no half of which anybody else wrote.

    ``observations`` are the end user's own observations of rollouts.
    """
    passages = passages_of(_own_words(end_user))
    own = {"exchanges": set(end_user.own_ids), "rollout_observations": set(observations)}
    if passages:
        remove_shared(passages, _words_of_others(engine, own))
    return passages


def _words_of_others(engine: Engine, own: Mapping[str, Collection[int]]) -> Iterator[str]:
    for table in OF_OTHERS:
        names = [
            name
            for name, column in columns_of(table).items()
            if column.content is Content.END_USER_TEXT
        ]
        for key, values in read_table(engine, table, names) if names else ():
            if key[0] not in own.get(table, ()):
                yield from texts_of(list(values))


def remember(
    connection: Connection,
    erasure_id: int,
    ids: Iterable[str],
    passages: Iterable[Words],
    *,
    keys: Sequence[Key],
    now: datetime,
) -> None:
    """Store the fingerprints of an erasure; ``keys`` are those of the environment."""
    row = _current_key(connection, keys, now)
    keyed = _keyed(row, keys)
    if keyed is None:
        raise ValueError("a key that was just chosen is known")
    prints = [*keyed.of_ids(ids), *keyed.of_passages(passages)]
    stored = sorted(map(str, prints))
    insert_proof(connection, erasure_id, row.id, stored, _seal(keyed, erasure_id, stored))


def ids_of(traces: Traces) -> set[str]:
    """Return all spellings of the id, and the ids of the exchanges."""
    return {matcher.subject for matcher in traces.matchers} | set(traces.exchange_ids)


def recall(
    engine: Engine,
    keys: Sequence[Key],
    now: datetime,
    subject_digests: Sequence[str] | None = None,
) -> Remembered:
    """Return what the erasures of an end user, or all, remember."""
    with transaction(engine) as connection:
        rows = erasure_proofs(connection, subject_digests)
        by_id = {row.id: _keyed(row, keys) for row in proof_keys(connection)}
    unread: list[Unread] = []
    ended: list[Unread] = []
    prints: defaultdict[int, dict[int, list[Fingerprint]]] = defaultdict(dict)
    for row in rows:
        if row.proof_until <= now:
            ended.append(Unread(_name_of(row), ENDED))
            continue
        reason, parsed = _open(row, by_id)
        if reason:
            unread.append(Unread(_name_of(row), reason))
        elif row.key_id is not None:
            prints[row.key_id][row.id] = parsed
    search = FingerprintSearch(
        (keyed, of_owners)
        for key_id, of_owners in prints.items()
        if (keyed := by_id[key_id]) is not None
    )
    places = tuple(named_path(entry["place"]) for row in rows for entry in row.remains)
    return Remembered(search, tuple(unread), tuple(ended), len(rows) - len(ended), places)


def texts_of(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value, and its keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from texts_of(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from texts_of(part)


def _name_of(row: ErasureProofRow) -> str:
    return f"erasure {row.id} of {row.started_at:%Y-%m-%d}"


def _own_words(end_user: EndUser) -> Iterator[str]:
    for row in end_user.own_rows:
        yield row.prompt
        for message in row.messages:
            if isinstance(message, dict) and message.get("role") == "user":
                yield from texts_of(message.get("content"))


def _open(row: ErasureProofRow, keys: dict[int, Keyed | None]) -> tuple[str, list[Fingerprint]]:
    """Return why fingerprints can't be compared, or the fingerprints."""
    if row.fingerprints is None or row.key_id is None:
        return REMOVED, []
    keyed = keys.get(row.key_id)
    if keyed is None:
        return KEY_MISSING, []
    if _seal(keyed, row.id, row.fingerprints) != row.seal:
        return TAMPERED, []
    return "", [Fingerprint.parse(text) for text in row.fingerprints]


def _current_key(connection: Connection, keys: Sequence[Key], now: datetime) -> ProofKeyRow:
    check_value = keys[0].check_value if keys else ""
    for row in proof_keys(connection):
        if row.user_id_key == check_value and timedelta() <= now - row.created_at < KEY_AGE:
            return row
    return insert_proof_key(connection, random_secrets.token_hex(32), check_value, now)


def _keyed(row: ProofKeyRow, keys: Sequence[Key]) -> Keyed | None:
    """Return the functions of a key; ``None``: the key of the environment is missing."""
    if not row.user_id_key:
        return Keyed(bytes.fromhex(row.secret))
    by_check_value = {key.check_value: key for key in keys}
    key = by_check_value.get(row.user_id_key)
    return None if key is None else Keyed(key.proof_key(row.secret))


def _seal(keyed: Keyed, erasure_id: int, stored: Sequence[str]) -> str:
    return keyed.mac("seal", json.dumps([erasure_id, *stored]))
