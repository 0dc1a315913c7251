"""Rules of end users for tests."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine

from monitor.settings import Secrets, Settings
from monitor.store.engine import transaction
from monitor.store.tables import metadata
from monitor.traffic.end_users.rules import EndUserRules, open_rules


def make_rules(engine: Engine, *, key: str = "", **privacy: Any) -> EndUserRules:
    """Return the rules of a database: ids as they are, unless the settings say otherwise."""
    settings = Settings(privacy={"user_ids": "as_is", **privacy})
    return open_rules(engine, settings, Secrets(driftwarden_user_id_key=key))


def stored_texts(engine: Engine, words: Sequence[str]) -> list[str]:
    """Return the tables with one of some words, in whatever column."""
    names = []
    with transaction(engine) as connection:
        for table in metadata.sorted_tables:
            rows = str(connection.execute(table.select()).all()).casefold()
            names += [table.name for word in words if word.casefold() in rows]
    return sorted(set(names))
