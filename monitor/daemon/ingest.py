"""The part that reads Kafka."""

import threading
from collections.abc import Callable

from sqlalchemy import Engine

from monitor.settings import Secrets, Settings
from monitor.telemetry import Heartbeat


def prepare(
    engine: Engine,
    settings: Settings,
    secrets: Secrets,
    heartbeat: Heartbeat,
    stop: threading.Event,
) -> Callable[[], None]:
    """Load the encoder, and return what runs until ``stop`` is set.

    Raises:
        ModelError: The encoder is missing.
    """
    from monitor.embedding.encoder import load_encoder
    from monitor.traffic.ingest import run_ingest

    encoder = load_encoder(settings.embedding)
    return lambda: run_ingest(engine, settings, secrets, encoder, stop, heartbeat=heartbeat)
