"""A nightly backup of the drill: its entries in the access log, by the command's own function."""

from datetime import datetime, timedelta
from unittest import mock

from sqlalchemy import Engine

from monitor.cli.shared.access import record_copy

#: Hour of the day.
HOUR = 2
COMMAND = "db backup"


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
        with mock.patch("monitor.cli.shared.access.datetime") as clock:
            clock.now.return_value = now
            record_copy(self._engine, COMMAND)
            record_copy(self._engine, COMMAND, "archive")
