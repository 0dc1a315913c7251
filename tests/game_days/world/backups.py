"""A nightly backup of the drill: its entry in the access log, as the command leaves it."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from monitor.store.access_log import Access, append_access
from monitor.store.engine import transaction

#: Hour of the day.
HOUR = 2


class Backups:
    """A timer that runs `driftwarden db backup` each night."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made_on: datetime | None = None
        self.is_stopped = False

    def run(self, now: datetime) -> None:
        """Make the backup of the night, once."""
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.is_stopped or self._made_on == day or now < day + timedelta(hours=HOUR):
            return
        self._made_on = day
        entry = Access(
            occurred_at=now,
            source="command",
            actor="backup",
            action="exported",
            kind="database",
            object_id="",
            model="",
            place="driftwarden db backup",
            address="drill",
        )
        with transaction(self._engine) as connection:
            append_access(connection, entry)
