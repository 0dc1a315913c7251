"""Health checks for orchestrators and metrics for Prometheus, without sign-in."""

from collections.abc import Callable, Sequence

from litestar import Litestar, get
from litestar.di import NamedDependency, Provide
from litestar.response import Response
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from monitor.errors import DriftwardenError
from monitor.settings import Sections
from monitor.store.engine import transaction
from monitor.store.leadership import Lease, current_lease
from monitor.store.migrations import require_current
from monitor.telemetry import Heartbeat, render_metrics
from monitor.web.access.audience import EVERYBODY
from monitor.web.security import add_security_headers, headers

Ready = Callable[[], str | None]


@get("/healthz", sync_to_thread=False, opt=EVERYBODY)
def healthz(heartbeats: NamedDependency[Sequence[Heartbeat]]) -> Response[dict[str, object]]:
    """Report whether every loop of the process runs; unavailable services don't count."""
    loops = {beat.name: round(beat.age_seconds(), 1) for beat in heartbeats}
    alive = all(beat.is_alive() for beat in heartbeats)
    body: dict[str, object] = {"status": "ok" if alive else "stalled", "seconds_since_beat": loops}
    return Response(body, status_code=200 if alive else 503)


@get("/readyz", sync_to_thread=True, opt=EVERYBODY)
def readyz(
    engine: NamedDependency[Engine], readiness: NamedDependency[Sequence[Ready]]
) -> Response[dict[str, object]]:
    """Report whether the process is ready: database, schema and the given checks; and who leads."""
    problems: list[str] = []
    lease: Lease | None = None
    try:
        require_current(engine)
        with transaction(engine) as connection:
            lease = current_lease(connection)
    except (DriftwardenError, SQLAlchemyError) as error:
        problems.append(f"database: {type(error).__name__}")
    problems += [problem for check in readiness if (problem := check()) is not None]
    body: dict[str, object] = {
        "status": "not ready" if problems else "ok",
        "problems": problems,
        "leader": lease.holder if lease is not None and lease.held else None,
    }
    return Response(body, status_code=503 if problems else 200)


@get("/metrics", sync_to_thread=False, opt=EVERYBODY)
def metrics() -> Response[bytes]:
    """Return the metrics in the Prometheus text format."""
    return Response(render_metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")


HANDLERS = (healthz, readyz, metrics)


def create_health_app(
    engine: Engine, settings: Sections, heartbeats: Sequence[Heartbeat] = ()
) -> Litestar:
    """Build the application of the part `health`: no pages, no sign-in, no table but two.

    A replica that only ingests is probed and scraped by it, and its database role reads no reviews.
    """
    readiness: Sequence[Ready] = ()
    return Litestar(
        route_handlers=[*HANDLERS],
        dependencies={
            "engine": Provide(lambda: engine, sync_to_thread=False),
            "heartbeats": Provide(lambda: heartbeats, sync_to_thread=False),
            "readiness": Provide(lambda: readiness, sync_to_thread=False),
        },
        before_send=[add_security_headers(headers(secure=settings.web.secure_cookies))],
        openapi_config=None,
        logging_config=None,  # the process configures logging
        debug=False,
    )
