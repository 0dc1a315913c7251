"""Probes of the live endpoints by the leader, model by model."""

import os
import secrets as tokens
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from monitor.errors import (
    DatabaseUnavailableError,
    DriftwardenError,
    LostLeadershipError,
    loggable,
)
from monitor.settings import Secrets, Sections, Settings
from monitor.store.engine import transaction
from monitor.store.model_history import models_with_history
from monitor.telemetry import SERVICE_FAILURES, get_logger

log = get_logger(__name__)


def process_name() -> str:
    """Return a name of this process, under which it reserves probe runs."""
    return f"{socket.gethostname()}:{os.getpid()}:{tokens.token_hex(3)}"


@dataclass(frozen=True)
class Probes:
    """The probes of all models; each step reads from the database what is due."""

    engine: Engine
    settings: Sections
    secrets: Secrets
    holder: str = field(default_factory=process_name)

    def advance(
        self,
        watched: Sequence[Settings],
        clock: Callable[[], datetime],
        may_continue: Callable[[], bool],
    ) -> None:
        """Plan the runs that are due, and send the requests of the open ones.

        A model whose probes fail is logged; the others go on.
        """
        probed = [settings for settings in watched if settings.probes.url]
        if not probed:
            return
        with transaction(self.engine) as connection:
            known = models_with_history(connection)
        # Their history is carried over first.
        renamed = {model for old, model in self.settings.names.former if old in known}
        for settings in probed:
            if not may_continue():
                return
            if settings.model.name in renamed:
                continue
            try:
                self._advance_model(settings, clock, may_continue)
            except (DatabaseUnavailableError, LostLeadershipError):
                raise
            except DriftwardenError as error:
                SERVICE_FAILURES.labels("probe").inc()
                log.error(  # noqa: TRY400 - its text is enough
                    "model_not_probed", model=settings.model.name, error=loggable(error)
                )
            except Exception:
                SERVICE_FAILURES.labels("probe").inc()
                log.exception("model_not_probed", model=settings.model.name)

    def _advance_model(
        self,
        settings: Settings,
        clock: Callable[[], datetime],
        may_continue: Callable[[], bool],
    ) -> None:
        from retrain.probes.endpoint import LiveEndpoint, key_of
        from retrain.probes.runs import Probing

        endpoint = LiveEndpoint(settings.probes, key_of(self.secrets, settings.model.name))
        try:
            probing = Probing(self.engine, settings, endpoint, self.holder, clock)
            probing.advance(may_continue)
        finally:
            endpoint.close()
