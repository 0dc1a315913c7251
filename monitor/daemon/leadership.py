"""Leadership of one replica, by a lease in the database that a thread takes and renews."""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine

from monitor.errors import DatabaseUnavailableError
from monitor.repeated_lines import OutageLog
from monitor.store.engine import make_engine, transaction
from monitor.store.leadership import (
    acting_under,
    current_lease,
    fence,
    renew_lease,
    take_lease,
)
from monitor.telemetry import LEADER, get_logger

#: Duration of the lease. It is renewed at a third, and another replica tries at a sixth.
LEASE = timedelta(seconds=30)
#: Time to give it back.
RELEASE_SECONDS = 5.0

log = get_logger(__name__)


@dataclass(frozen=True)
class _Term:
    """The time in which this process leads, without a gap."""

    epoch: int
    #: On this process's clock, from before the lease was renewed: it ends no later than the lease.
    until: float


class Leadership:
    """The leadership of this process.

    It leads while its lease, by its own clock, has not expired: also where it can't reach the
    database, was frozen, or was cut off. What it writes through :attr:`engine` is checked by the
    database.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        lease: timedelta = LEASE,
        holder: str = "",
    ) -> None:
        """Take nothing yet.

        ``holder`` is a readable name of this process; empty: host, process and a random part.
        """
        #: The engine of what the leader does: each transaction commits only in the term in which
        #: its job began.
        self.engine = fence(engine)
        self.holder = holder or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        #: With a connection of its own: a renewal waits for no other part of the process.
        self._own_engine = make_engine(engine.url.render_as_string(hide_password=False))
        self._on_taken: Callable[[], None] = lambda: None
        self._idle: Callable[[], timedelta | None] = lambda: None
        self._lease = lease
        #: The newest epoch of another holder.
        self._seen = 0
        self._term: _Term | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leadership", daemon=True)

    def start(
        self,
        on_taken: Callable[[], None],
        idle: Callable[[], timedelta | None] = lambda: None,
    ) -> None:
        """Begin to take and renew the lease; call a function when this process begins to lead.

        ``idle`` returns the time since each job that tells of problems had succeeded, if known.
        """
        self._on_taken, self._idle = on_taken, idle
        LEADER.set_function(lambda: float(self.held()))
        self._thread.start()

    def held(self) -> bool:
        """Return whether this process leads; costs nothing."""
        return self._epoch() is not None

    @contextmanager
    def acting(self) -> Iterator[bool]:
        """Yield whether this process leads; what the block commits belongs to the present term."""
        epoch = self._epoch()
        with acting_under(epoch):
            yield epoch is not None

    def release(self) -> None:
        """End the leadership, and give the lease back where the database can be reached."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(RELEASE_SECONDS)

    def _epoch(self) -> int | None:
        term = self._term
        return term.epoch if term is not None and time.monotonic() < term.until else None

    def _run(self) -> None:
        outage = OutageLog(log)
        while not self._ended.is_set():
            began = time.monotonic()
            try:
                epoch = self._take_or_renew()
                outage.succeeded("lease_reached")
                self._begin_term(epoch, until=began + self._lease.total_seconds())
            except Exception as error:  # logged, and repeated; the term ends by the clock
                if isinstance(error, DatabaseUnavailableError):
                    outage.failed("lease_not_renewed", error=str(error))
                else:
                    log.warning("lease_not_renewed", error=str(error), exc_info=True)
            self._ended.wait(self._lease.total_seconds() / (3 if self.held() else 6))
        self._give_back()

    def _take_or_renew(self) -> int | None:
        """Return the epoch in which this process leads; ``None``: another one does."""
        with transaction(self._own_engine) as connection:
            term = self._term
            if term is not None and renew_lease(
                connection, term.epoch, self._lease, idle=self._idle()
            ):
                return term.epoch
            epoch = take_lease(connection, self.holder, self._lease)
            if epoch is None:
                lease = current_lease(connection)
                if lease is not None and lease.epoch != self._seen:
                    self._seen = lease.epoch
                    log.info("another_leads", leader=lease.holder, epoch=lease.epoch)
            return epoch

    def _begin_term(self, epoch: int | None, *, until: float) -> None:
        before = self._term
        self._term = None if epoch is None else _Term(epoch, until)
        if before is not None and before.epoch != epoch:
            log.warning("leadership_lost", holder=self.holder, epoch=before.epoch)
        if epoch is not None and (before is None or before.epoch != epoch):
            log.info("leadership_taken", holder=self.holder, epoch=epoch)
            self._on_taken()

    def _give_back(self) -> None:
        term, self._term = self._term, None
        if term is not None:
            with suppress(DatabaseUnavailableError), transaction(self._own_engine) as connection:
                renew_lease(connection, term.epoch, timedelta())
                log.info("leadership_released", holder=self.holder, epoch=term.epoch)
        self._own_engine.dispose()
