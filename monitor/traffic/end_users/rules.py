"""Rules of end users: the stored forms of their ids, and whose records are not stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from monitor.errors import ConfigurationError, DatabaseUnavailableError, RulesChangedError
from monitor.settings import Secrets, Sections, load_secrets
from monitor.store.engine import transaction
from monitor.store.privacy.suppressions import (
    RulesVersion,
    SuppressionRow,
    rules_version,
    suppression_changes,
)
from monitor.telemetry import get_logger
from monitor.traffic.end_users.key_ring import VARIABLE, open_key_ring
from monitor.traffic.end_users.suppression_file import suppression_file, synchronize
from monitor.traffic.end_users.suppression_list import SuppressionList
from monitor.traffic.end_users.user_ids import UserIds

log = get_logger(__name__)


@dataclass(frozen=True)
class PresentRules:
    """The keys and the suppression list, as of one version of them."""

    ids: UserIds
    suppressed: SuppressionList
    version: RulesVersion


class EndUserRules:
    """The rules of a database, read again where they have changed."""

    def __init__(
        self,
        engine: Engine,
        ids: UserIds,
        changes: Sequence[SuppressionRow],
        version: RulesVersion,
    ) -> None:
        self._engine = engine
        self.ids = ids
        self.present = PresentRules(ids, SuppressionList(ids, changes), version)

    def refresh(self) -> PresentRules:
        """Return the present rules; the list is read again where it has changed.

        Called before each batch: the same object is returned until a change.

        While the database is unavailable the list stays; a batch that was prepared by it is not
        stored once the list has changed.

        Raises:
            ConfigurationError: Another process has added a key that this one lacks.
        """
        try:
            with transaction(self._engine) as connection:
                version = rules_version(connection)
                if version == self.present.version:
                    return self.present
                changes = suppression_changes(connection)
        except DatabaseUnavailableError as error:
            log.debug("suppression_list_not_read", error=str(error))
            return self.present
        if version.generation != self.present.version.generation:
            raise ConfigurationError(
                f"the database has a newer key of end users' ids, of generation "
                f"{version.generation}; set {VARIABLE} to the keys of the other replicas, the "
                "newest first, and start again",
                code="user_id_key_outdated",
            )
        self.present = PresentRules(self.ids, SuppressionList(self.ids, changes), version)
        log.info("suppression_list_read", n_changes=version.n_changes)
        return self.present


def open_rules(
    engine: Engine,
    settings: Sections,
    secrets: Secrets | None = None,
    *,
    adopts_key: bool = True,
) -> EndUserRules:
    """Return the rules of a database; its first key is added, and the suppression file is merged.

    Without ``secrets`` the keys are those of the environment. With ``adopts_key`` a new one may
    become the database's newest.

    Raises:
        ConfigurationError: The keys differ from those of the database, or the file can't be used.
    """
    ring = open_key_ring(engine, settings.privacy, secrets or load_secrets(), adopts_key=adopts_key)
    if ring.missing:
        log.warning(
            "user_id_keys_missing",
            keys=[row.check_value[:8] for row in ring.missing],
            effect="end users can't be found under their pseudonyms of these keys",
        )
    n_end_users = synchronize(engine, suppression_file(settings, engine))
    if n_end_users:
        log.warning(
            "suppressions_merged",
            n_end_users=n_end_users,
            effect="they were not on the list of this database, which may be of an older backup",
            action="run `driftwarden forget --suppressed`",
        )
    with transaction(engine) as connection:
        version = rules_version(connection)
        changes = suppression_changes(connection)
    return EndUserRules(engine, UserIds(settings.privacy, ring), changes, version)


def require_unchanged(connection: Connection, version: RulesVersion | None) -> None:
    """Refuse to store what was prepared by other rules than the present ones.

    Raises:
        RulesChangedError: Somebody was put on the list or taken off it since, or a key was added.
    """
    if version is not None and rules_version(connection) != version:
        raise RulesChangedError("the suppression list has changed since; prepare the batch again")
