"""Changes of the suppression list, and erasure of the end users on it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from monitor.errors import InputError
from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.privacy.end_users.erasure_request import read_user_ids, resolve
from monitor.privacy.erasure.erasure_record import subject_digest
from monitor.privacy.erasure.forget import ErasureReport, forget
from monitor.privacy.erasure.passages import Passages
from monitor.privacy.erasure.traces import ERASED, Traces
from monitor.settings import Secrets, Sections
from monitor.store.audit_log import append_entry
from monitor.store.engine import transaction
from monitor.store.privacy.end_user_ids import distinct_end_users
from monitor.store.privacy.end_user_rows import delete_dead_letters, scan_dead_letters
from monitor.store.privacy.suppressions import (
    SuppressionRow,
    add_suppression_changes,
    newest_changes,
    suppression_changes,
)
from monitor.traffic.end_users.rules import open_rules
from monitor.traffic.end_users.suppression_file import (
    add_missing,
    append_changes,
    read_suppression_file,
    suppression_file,
    synchronize,
)
from monitor.traffic.end_users.suppression_list import (
    Reason,
    SuppressionList,
    additions,
    main_digest_of,
    removals,
)

ADDED, REMOVED = "end_user.suppressed", "end_user.unsuppressed"
#: The fewest characters of a digest or check value that name it.
MIN_PREFIX = 8
#: A word of a reason, without the marks around it.
_WORD = re.compile(r"[^\s\"'(){}<>,;!?]*[^\s\"'(){}<>,;!?.:]")


@dataclass(frozen=True)
class ListedEndUser:
    """An end user on the list, by a digest from which the id can't be derived."""

    main_digest: str
    reason: str
    since: datetime
    by: str
    #: Check value of the key.
    key: str


def suppress(
    engine: Engine,
    settings: Sections,
    subject: str,
    reason: Reason,
    *,
    by: str,
    now: datetime,
    secrets: Secrets | None = None,
) -> ListedEndUser:
    """Put an end user on the list: from now on none of their records is stored.

    Who is on it already stays as they were; ``forgotten`` replaces ``objected``.

    Raises:
        InputError: The id is empty.
        ConfigurationError: A key is missing, or the suppression file can't be written.
    """
    ids = open_rules(engine, settings, secrets, adopts_key=False).ids
    if not ids.normalized(subject):
        raise InputError("an end user's id is empty; give it as production sends it")
    rows = additions(ids, subject, reason, at=now, by=by)
    listed = ListedEndUser(rows[0].main_digest, reason, now, by, rows[0].key)
    with transaction(engine) as connection:
        newest = newest_changes(suppression_changes(connection))
        known = newest.get(listed.main_digest)
        if known is not None and known.action == "added" and known.reason in {reason, "forgotten"}:
            return _listed(known)
        add_suppression_changes(connection, rows)
        # The digest of the list is another one, and stands beside that of all other entries.
        digest = subject_digest(ErasureRequest(subject, ids=ids))
        details = {"reason": reason, "listed": listed.main_digest[:16]}
        append_entry(connection, now, by, ADDED, f"end_user:{digest}", details)
    synchronize(engine, suppression_file(settings, engine))
    return listed


def listed_end_users(engine: Engine) -> list[ListedEndUser]:
    """Return the end users on the list, those who were added first at the beginning."""
    with transaction(engine) as connection:
        newest = newest_changes(suppression_changes(connection))
    end_users = [
        _listed(change)
        for change in newest.values()
        if change.action == "added" and change.digest == change.main_digest
    ]
    return sorted(end_users, key=lambda listed: (listed.since, listed.main_digest))


def unsuppress(
    engine: Engine,
    settings: Sections,
    *,
    subject: str = "",
    main_digest: str = "",
    key: str = "",
    reason: str,
    by: str,
    now: datetime,
    secrets: Secrets | None = None,
) -> int:
    """Take end users off the list; return their number.

    One of three names them: the id ``subject``, the first characters of a digest that the list
    shows, or those of the check value of a key, for all of its end users. The reason is for the
    audit log; the id in it is masked. Without ``secrets`` the keys are those of the environment.

    Raises:
        InputError: Nobody on the list is meant, or a digest is too short.
    """
    synchronize(engine, suppression_file(settings, engine))
    for prefix in filter(None, (main_digest, key)):
        if len(prefix) < MIN_PREFIX:
            raise InputError(f"{prefix!r} is too short; give {MIN_PREFIX} characters or more")
    meant: set[str] = set()
    digest = ""
    if subject:
        ids = read_user_ids(engine, settings, secrets)
        meant = {main_digest_of(ids.ring, ids, subject, key=own) for own in ids.ring.keys}
        reason = mask_reason(engine, settings, subject, reason, secrets)
        digest = subject_digest(ErasureRequest(subject, ids=ids))
    with transaction(engine) as connection:
        changes = suppression_changes(connection)
        listed = {
            change.main_digest: change
            for change in newest_changes(changes).values()
            if change.action == "added"
        }
        end_users = {
            name
            for name, change in listed.items()
            if name in meant
            or (main_digest and name.startswith(main_digest))
            or (key and change.key.startswith(key))
        }
        if not end_users:
            raise InputError("not on the suppression list; see `driftwarden suppress list`")
        add_suppression_changes(connection, removals(changes, end_users, reason, at=now, by=by))
        for name in sorted(end_users):
            details = {"reason": reason, "listed": name[:16]}
            append_entry(connection, now, by, REMOVED, f"end_user:{digest or name[:16]}", details)
    synchronize(engine, suppression_file(settings, engine))
    return len(end_users)


def mask_reason(
    engine: Engine,
    settings: Sections,
    subject: str,
    reason: str,
    secrets: Secrets | None = None,
) -> str:
    """Return a reason with the end user's id, in any spelling and form, replaced."""
    ids = read_user_ids(engine, settings, secrets)
    request = resolve(engine, settings, ErasureRequest(subject), secrets)
    masked = Traces.of(request, (), Passages(())).mask(reason)
    names = {subject.strip().casefold(), ids.normalized(subject).casefold()}

    def mask_word(match: re.Match[str]) -> str:
        word = match[0]
        same = word.casefold() in names or ids.normalized(word).casefold() in names
        return ERASED if same else word

    # Word by word too: a short id has no quotes here, and a spelling may be unknown.
    return _WORD.sub(mask_word, masked)


def export_list(engine: Engine, path: Path) -> int:
    """Write all changes of the list to a new file; return the number of end users on it.

    Raises:
        InputError: The file exists.
    """
    if path.exists():
        raise InputError(f"the file exists: {path}; name another", code="not_empty")
    with transaction(engine) as connection:
        changes = suppression_changes(connection)
    append_changes(path, changes)
    return len({change.main_digest for change in newest_changes(changes).values()
                if change.action == "added"})  # fmt: skip


def import_list(engine: Engine, settings: Sections, path: Path) -> int:
    """Add the changes of an exported file that the list lacks; return those they are about.

    Raises:
        InputError: There is no such file.
        ConfigurationError: A line is none of ours.
    """
    if not path.is_file():
        raise InputError(f"no such file: {path}", code="no_file")
    n_end_users = add_missing(engine, read_suppression_file(path))
    synchronize(engine, suppression_file(settings, engine))
    return n_end_users


def forget_listed(
    engine: Engine,
    settings: Sections,
    now: datetime,
    *,
    dry_run: bool = False,
    secrets: Secrets | None = None,
) -> Iterator[tuple[str, ErasureReport]]:
    """Erase what is stored of the forgotten end users on the list; yield each id with its report.

    For a database that was restored from an older backup. The list knows no ids: end users are
    found by the ids that rows have, and dead letters by their words. Texts of others that mention
    an id are found only by `driftwarden forget --subject`.
    """
    rules = open_rules(engine, settings, secrets, adopts_key=False)
    with transaction(engine) as connection:
        changes = suppression_changes(connection)
    end_users = SuppressionList(rules.ids, _forgotten(changes))
    with transaction(engine) as connection:
        stored = sorted({name for name in distinct_end_users(connection) if end_users.has(name)})
    for end_user in stored:
        request = replace(ErasureRequest(end_user), ids=rules.ids)
        yield end_user, forget(engine, settings, request, now, dry_run=dry_run)
    if not dry_run:
        _delete_dead_letters(engine, end_users)


def _delete_dead_letters(engine: Engine, end_users: SuppressionList) -> None:
    after_id = 0
    while True:
        with transaction(engine) as connection:
            page = scan_dead_letters(connection, after_id)
            if not page:
                return
            after_id = page[-1][0]
            theirs = [
                row_id
                for row_id, _, key, value, _ in page
                if end_users.has_any_in(key) or end_users.has_any_in(value)
            ]
            delete_dead_letters(connection, theirs)


def _forgotten(changes: Sequence[SuppressionRow]) -> list[SuppressionRow]:
    return [
        change
        for change in newest_changes(changes).values()
        if change.action == "added" and change.reason == "forgotten"
    ]


def _listed(change: SuppressionRow) -> ListedEndUser:
    return ListedEndUser(
        change.main_digest, change.reason, change.changed_at, change.changed_by, change.key
    )
