"""The keys of pseudonyms in use: those of the environment, compared with those of the database."""

import secrets as random_secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from monitor.errors import ConfigurationError
from monitor.settings import Privacy, Secrets
from monitor.store.engine import transaction
from monitor.store.privacy.user_id_keys import KeyRow, insert_key, remove_secret, stored_keys
from monitor.telemetry import get_logger
from monitor.traffic.end_users.keys import MIN_KEY_CHARACTERS, Key

log = get_logger(__name__)

VARIABLE = "DRIFTWARDEN_USER_ID_KEY"
#: Attempts to add a key beside other processes.
ATTEMPTS = 3


@dataclass(frozen=True)
class KeyRing:
    """The keys, the newest first; it makes the pseudonyms, and the others find older ones."""

    keys: tuple[Key, ...]
    #: Generations whose key is neither in the environment nor in the database.
    missing: tuple[KeyRow, ...] = field(default=())
    #: Whether the newest key is in the database.
    is_generated: bool = False

    @property
    def newest(self) -> Key:
        """Return the key of new pseudonyms."""
        return self.keys[0]

    def by_check_value(self) -> dict[str, Key]:
        """Return the keys by what identifies them."""
        return {key.check_value: key for key in self.keys}


def configured_keys(secrets: Secrets) -> tuple[Key, ...]:
    """Return the keys of the environment, the newest first.

    Raises:
        ConfigurationError: A key is too short, or stands twice.
    """
    text = secrets.driftwarden_user_id_key.get_secret_value()
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if any(len(part) < MIN_KEY_CHARACTERS for part in parts):
        raise ConfigurationError(
            f"{VARIABLE}: a key has fewer than {MIN_KEY_CHARACTERS} characters; make one by "
            "`openssl rand -hex 32`",
            code="user_id_key_short",
        )
    keys = tuple(Key(part.encode()) for part in parts)
    if len({key.tag for key in keys}) < len(keys):
        raise ConfigurationError(
            f"{VARIABLE}: a key stands twice, or two have the same tag; make another by "
            "`openssl rand -hex 32`",
            code="user_id_key_twice",
        )
    return keys


def read_key_ring(connection: Connection, secrets: Secrets) -> KeyRing:
    """Return the keys without changing anything; there may be none yet.

    Raises:
        ConfigurationError: The keys of the environment are not those of the database.
    """
    stored = stored_keys(connection)
    configured = configured_keys(secrets)
    _check_newest(stored, configured)
    return _ring(stored, configured)


def open_key_ring(
    engine: Engine, settings: Privacy, secrets: Secrets, *, adopts_key: bool = True
) -> KeyRing:
    """Return the keys; a new first key of the environment, or a generated one, is added.

    With ``adopts_key`` a new key may take the place of the database's newest. From then on nothing
    can be stored without it, so a variable that is set by mistake must not do it.

    Raises:
        ConfigurationError: The keys of the environment are not those of the database, or there is
            none and ``privacy.require_key`` is set, or a new one may not be adopted.
    """
    configured = configured_keys(secrets)
    if settings.require_key and not configured:
        raise ConfigurationError(
            f"privacy.require_key is set and {VARIABLE} is not; set it to the output of "
            "`openssl rand -hex 32`, the same on all replicas",
            code="user_id_key_required",
        )
    for _ in range(ATTEMPTS):
        try:
            with transaction(engine) as connection:
                stored = stored_keys(connection)
                _check_newest(stored, configured)
                if not adopts_key:
                    _require_known(stored, configured)
                _add_newest(connection, stored, configured)
                return _ring(stored_keys(connection), configured)
        except IntegrityError:
            continue  # another process added a key: compare with it
    raise ConfigurationError(
        f"the keys of end users' ids change while they are read; set {VARIABLE} to the same value "
        "on all replicas",
        code="user_id_key_differs",
    )


def _check_newest(stored: Sequence[KeyRow], configured: Sequence[Key]) -> None:
    """Refuse keys under which the same end users would get other pseudonyms unnoticed."""
    if not stored:
        return
    newest = stored[0]
    checks = [key.check_value for key in configured]
    if not configured:
        if newest.secret is None:
            raise ConfigurationError(
                f"{VARIABLE} is not set, and end users' ids of this database have the key with the "
                f"check value {newest.check_value[:8]}; set it to the key of the other replicas",
                code="user_id_key_missing",
            )
        return
    if checks[0] in {row.check_value for row in stored[1:]}:
        raise ConfigurationError(
            f"the first key of {VARIABLE} (check value {checks[0][:8]}) is an older one; the "
            f"database has {newest.check_value[:8]}; set it to the keys of the other replicas, the "
            "newest first",
            code="user_id_key_outdated",
        )
    if newest.check_value not in checks and newest.secret is None:
        raise ConfigurationError(
            f"another key: {VARIABLE} has the check value {checks[0][:8]}, the database "
            f"{newest.check_value[:8]}; set it to the key of the other replicas, or to rotate the "
            "key to NEW,OLD",
            code="user_id_key_differs",
        )
    tags = {row.check_value[:4]: row.check_value for row in stored}
    if tags.get(checks[0][:4], checks[0]) != checks[0]:
        raise ConfigurationError(
            f"the first key of {VARIABLE} has the same tag as an older one; make another by "
            "`openssl rand -hex 32`",
            code="user_id_key_twice",
        )


def _require_known(stored: Sequence[KeyRow], configured: Sequence[Key]) -> None:
    """Refuse a new first key of the environment."""
    if not stored or not configured:
        return
    check = configured[0].check_value
    if check not in {row.check_value for row in stored}:
        raise ConfigurationError(
            f"the first key of {VARIABLE} (check value {check[:8]}) is new to this database, which "
            f"has {stored[0].check_value[:8]}; store the key safely, then start the daemon with it "
            "or run `driftwarden user-ids rekey` to use it from now on, or unset the variable",
            code="user_id_key_new",
        )


def _add_newest(
    connection: Connection, stored: Sequence[KeyRow], configured: Sequence[Key]
) -> None:
    now = datetime.now(UTC)
    generation = stored[0].generation + 1 if stored else 1
    known = {row.check_value for row in stored}
    if configured and configured[0].check_value not in known:
        insert_key(connection, KeyRow(generation, configured[0].check_value, None, now))
        log.info("user_id_key_added", generation=generation, source="environment")
    elif not configured and not stored:
        secret = random_secrets.token_hex(32)
        insert_key(connection, KeyRow(1, Key(secret.encode()).check_value, secret, now))
        log.info("user_id_key_added", generation=generation, source="generated")
    for row in stored:
        if row.secret is not None and row.check_value in {key.check_value for key in configured}:
            remove_secret(connection, row.check_value)


def _ring(stored: Sequence[KeyRow], configured: Sequence[Key]) -> KeyRing:
    keys = list(configured)
    known = {key.check_value for key in configured}
    for row in stored:
        if row.secret is not None and row.check_value not in known:
            keys.append(Key(row.secret.encode()))
            known.add(row.check_value)
    return KeyRing(
        tuple(keys),
        tuple(row for row in stored if row.check_value not in known),
        bool(keys) and not configured,
    )
