"""Ingest part of the daemon."""

import threading
from collections.abc import Callable

from sqlalchemy import Engine

from monitor.embedding.shared_encoder import SharedEncoder
from monitor.settings import Secrets, Settings
from monitor.telemetry import Heartbeat


def prepare(
    engine: Engine,
    settings: Settings,
    secrets: Secrets,
    encoder: SharedEncoder,
    *,
    heartbeat: Heartbeat,
    stop: threading.Event,
) -> Callable[[], None]:
    """Load the encoder, and return the function that ingests until ``stop`` is set.

    Raises:
        ModelError: The encoder is missing.
    """
    from monitor.traffic.ingest.loop import run_ingest

    loaded = encoder.load()
    return lambda: run_ingest(engine, settings, secrets, loaded, stop, heartbeat=heartbeat)
