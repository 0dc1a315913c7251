"""New pseudonyms for stored ids: after a change of the settings, or a new key."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from monitor.privacy.end_users.erasure_request import read_user_ids
from monitor.settings import Secrets, Sections
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.privacy.end_user_ids import distinct_end_users, replace_end_user
from monitor.traffic.end_users.keys import UNKEYED_PSEUDONYM, tag_of
from monitor.traffic.end_users.rules import open_rules
from monitor.traffic.end_users.user_ids import UserIds

ACTION = "end_users.rekeyed"


@dataclass
class StoredIds:
    """Distinct stored ids of end users by their form."""

    n_newest: int = 0
    #: Pseudonyms under older keys.
    n_older: int = 0
    n_unkeyed: int = 0
    n_clear: int = 0


@dataclass
class Rekeyed:
    """Result of a rekeying."""

    n_ids: int = 0
    n_rows: int = 0
    #: Ids of the whole database afterwards.
    left: StoredIds = field(default_factory=StoredIds)


def stored_ids(engine: Engine, ids: UserIds) -> StoredIds:
    """Count the distinct ids by their form."""
    counts = StoredIds()
    newest = ids.ring.keys[0].tag if ids.ring.keys else ""
    with transaction(engine) as connection:
        for end_user in set(distinct_end_users(connection)):
            if ids.is_pseudonym(end_user):
                if tag_of(end_user) == newest:
                    counts.n_newest += 1
                else:
                    counts.n_older += 1
            elif UNKEYED_PSEUDONYM.match(end_user):
                counts.n_unkeyed += 1
            else:
                counts.n_clear += 1
    return counts


def rekey(
    engine: Engine,
    settings: Sections,
    sent_ids: Iterable[str],
    *,
    by: str,
    now: datetime,
    secrets: Secrets | None = None,
) -> Rekeyed:
    """Give stored ids the pseudonyms that the same end users get now.

    An id in clear needs nothing else. A pseudonym can't be turned back: one under an older key, or
    unkeyed, is replaced if its id is among ``sent_ids``. An unkeyed one of another id is replaced
    by a pseudonym of itself, so that it can't be computed from a list of addresses.

    Each id is one transaction; an interrupted run is repeated. With ``privacy.user_ids = "as_is"``
    ids in clear stay. ``sent_ids`` are ids as production sends them, of as many end users as are
    known. Without ``secrets`` the keys are those of the environment.
    """
    open_rules(engine, settings, secrets)
    ids = read_user_ids(engine, settings, secrets)
    known = {form: ids.pseudonym(sent_id) for sent_id in sent_ids for form in ids.forms(sent_id)}
    keeps_clear = settings.privacy.user_ids == "as_is"
    done = Rekeyed()
    with transaction(engine) as connection:
        present = sorted(set(distinct_end_users(connection)))
    for before in present:
        is_clear = not ids.is_pseudonym(before) and not UNKEYED_PSEUDONYM.match(before)
        if is_clear and keeps_clear:
            continue
        after = known.get(before) or ids.pseudonym(before)
        if after == before:
            continue
        with transaction(engine) as connection:
            done.n_rows += replace_end_user(connection, before, after)
        done.n_ids += 1
    done.left = stored_ids(engine, ids)
    with transaction(engine) as connection:
        details = {"ids": done.n_ids, "rows": done.n_rows}
        append_entry(connection, now, by, ACTION, "end_users", details)
    return done
