"""Web part of the daemon."""

import threading
from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from monitor.settings import Secrets, Settings
from monitor.telemetry import Heartbeat


def prepare(
    engine: Engine,
    settings: Settings,
    secrets: Secrets,
    heartbeats: Sequence[Heartbeat],
    stop: threading.Event,
) -> Callable[[], None]:
    """Build the application, and return the function that serves it until ``stop`` is set."""
    from monitor.web.app import create_app
    from monitor.web.server import serve

    app = create_app(engine, settings, secrets, heartbeats=heartbeats)
    web = settings.web
    return lambda: serve(app, web.host, web.port, stop, trusted_proxies=web.trusted_proxies)
