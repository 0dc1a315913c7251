"""Checks of the key of end users' ids, of the suppression list, and of the proof of erasures."""

from datetime import datetime, timedelta

from monitor.daemon.readiness.finding import Finding, fail, note, ok, open_connection
from monitor.plurals import pluralize
from monitor.settings import Secrets, Sections

MAKE_KEY = "set DRIFTWARDEN_USER_ID_KEY to the output of `openssl rand -hex 32`"

#: The daemon checks erasures each week.
CHECK_OVERDUE = timedelta(days=14)
CHECK_NOW = "`driftwarden forget --verify` checks now"


def user_ids_finding(settings: Sections, secrets: Secrets) -> Finding:
    """Report how end users' ids are stored, and where the key is."""
    from monitor.traffic.end_users.key_ring import configured_keys, read_key_ring

    form = "pseudonyms"
    if settings.privacy.user_ids == "as_is":
        form = "as they are, personal data as pseudonyms"
    with open_connection(settings) as connection:
        ring = read_key_ring(connection, secrets)
    if settings.privacy.require_key and not configured_keys(secrets):
        return fail(f"privacy.require_key is set; {MAKE_KEY}")
    if ring.missing:
        named = ", ".join(row.check_value[:8] for row in ring.missing)
        return fail(
            f"keys are missing (check values {named}): who has a pseudonym under one of them can't "
            "be found; add them to DRIFTWARDEN_USER_ID_KEY after the newest"
        )
    if not ring.keys:
        message = f"{form}; the first start generates a key and stores it in the database"
        return note(f"{message}; for production {MAKE_KEY}")
    if ring.is_generated:
        return note(
            f"{form}; the key is in the database, so who reads it or a backup can compute them; "
            f"for production {MAKE_KEY}"
        )
    check_value = ring.newest.check_value[:8]
    older = f", {pluralize(len(ring.keys) - 1, 'older key')}" if len(ring.keys) > 1 else ""
    return ok(f"{form}, key {check_value} of the environment{older}")


def suppression_finding(settings: Sections) -> Finding:
    """Count the end users on the suppression list, and name the file with its copy."""
    from monitor.store.engine import make_engine
    from monitor.store.privacy.suppressions import newest_changes, suppression_changes
    from monitor.traffic.end_users.suppression_file import read_suppression_file, suppression_file

    engine = make_engine(settings.database.url)
    path = suppression_file(settings, engine)
    engine.dispose()
    with open_connection(settings) as connection:
        newest = newest_changes(suppression_changes(connection))
    end_users = {change.main_digest for change in newest.values() if change.action == "added"}
    listed = pluralize(len(end_users), "end user")
    if path is None:
        return note(
            f"{listed}, in the database only: a backup from before would bring them back; set "
            "privacy.suppression_file to a file outside of it, or run `driftwarden suppress "
            "export` after each change"
        )
    in_file = newest_changes(read_suppression_file(path))
    absent = {row.main_digest for row in in_file.values() if row.digest not in newest}
    if absent:
        return note(
            f"{pluralize(len(absent), 'end user')} of {path} are not on the list: the database may "
            "be of an older backup; run `driftwarden forget --suppressed`"
        )
    return ok(f"{listed}, also in {path}")


def erasures_finding(settings: Sections, now: datetime) -> Finding:
    """Report the last check of erasures, and until when their fingerprints are kept."""
    from monitor.store.privacy.proofs import erasure_proofs, last_check

    with open_connection(settings) as connection:
        erasures = erasure_proofs(connection)
        last = last_check(connection)
    remembered = [row for row in erasures if row.proof_until > now]
    if not remembered:
        ended = f"; {pluralize(len(erasures), 'erasure')} can't be checked any more"
        return ok(f"no fingerprints of erasures are kept{ended if erasures else ''}")
    last_day = max(row.proof_until for row in remembered)
    period = (
        f"fingerprints of {pluralize(len(remembered), 'erasure')} of {len(erasures):,} until "
        f"{last_day:%Y-%m-%d}"
    )
    if last is None:
        return note(f"not checked yet; {period}; {CHECK_NOW}")
    n_found, n_unread = (last.searched.get(name, 0) for name in ("findings", "unread"))
    message = (
        f"last check {last.checked_at:%Y-%m-%d}: {pluralize(n_found, 'place')} found, "
        f"{n_unread:,} not read; {period}"
    )
    if now - last.checked_at > CHECK_OVERDUE:
        return note(f"{message}; overdue: {CHECK_NOW}")
    return note(f"{message}; {CHECK_NOW} and names them") if n_found or n_unread else ok(message)
