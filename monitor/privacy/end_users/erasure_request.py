"""Completion of a request by the keys of ids, and by other spellings in the database."""

from dataclasses import replace

from sqlalchemy import Engine

from monitor.errors import ConfigurationError
from monitor.privacy.end_users.end_user import ErasureRequest
from monitor.settings import Secrets, Sections, load_secrets
from monitor.store.engine import transaction
from monitor.store.privacy.end_user_ids import distinct_end_users
from monitor.traffic.end_users.key_ring import VARIABLE, read_key_ring
from monitor.traffic.end_users.user_ids import UserIds


def resolve(
    engine: Engine,
    settings: Sections,
    request: ErasureRequest,
    secrets: Secrets | None = None,
) -> ErasureRequest:
    """Return a request that finds all forms of its id; a complete one as it is.

    Raises:
        ConfigurationError: A key is missing, under whose pseudonyms the end user can't be found.
    """
    if request.ids is not None:
        return request
    ids = read_user_ids(engine, settings, secrets)
    if not request.subject:
        return replace(request, ids=ids)
    normalized = set(map(ids.normalized, request.subjects))
    with transaction(engine) as connection:
        spellings = {
            end_user
            for end_user in distinct_end_users(connection)
            if not ids.is_pseudonym(end_user) and ids.normalized(end_user) in normalized
        }
    spellings.difference_update(request.subjects)
    return replace(request, ids=ids, other_spellings=tuple(sorted(spellings)))


def read_user_ids(engine: Engine, settings: Sections, secrets: Secrets | None = None) -> UserIds:
    """Return the rules of ids under all keys; ``ConfigurationError`` where one is missing."""
    with transaction(engine) as connection:
        ring = read_key_ring(connection, secrets or load_secrets())
    if ring.missing:
        named = ", ".join(
            f"{row.check_value[:8]} of {row.created_at:%Y-%m-%d}" for row in ring.missing
        )
        raise ConfigurationError(
            f"keys of end users' ids are missing (check values {named}), and who has a pseudonym "
            f"under one of them can't be found; add them to {VARIABLE} after the newest, with "
            "commas between",
            code="user_id_key_missing",
        )
    return UserIds(settings.privacy, ring)
