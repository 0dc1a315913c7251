"""State of a model's probes: set, reference, and why no run is due."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from monitor.settings import Settings
from monitor.store.probes.requests import count_probes
from monitor.store.probes.runs import ProbeSetRow, open_run, recent_runs, reference_runs
from retrain.probes.judging import N_REFERENCE
from retrain.probes.runs import can_probe, last_slot
from retrain.probes.selection import current_set
from retrain.probes.serving import Serving, read_serving


@dataclass(frozen=True)
class ProbeStatus:
    """The state of a model's probes."""

    #: The endpoint; empty: the model is not probed.
    url: str
    #: The set; ``None`` before the first run.
    probes: ProbeSetRow | None
    #: The versions that get traffic.
    serving: Serving
    #: Runs of the reference of the stable version.
    n_reference: int
    #: Two versions get traffic, and nothing tells which one responds.
    is_paused: bool
    #: Requests of the open run with a response, and all of them; ``None``: no open run.
    n_sent: tuple[int, int] | None
    #: When the next run by the schedule is due; ``None`` before the first.
    next_slot: datetime | None

    @property
    def n_needed(self) -> int:
        """Runs of a complete reference."""
        return N_REFERENCE


def read_status(
    connection: Connection, settings: Settings, now: datetime | None = None
) -> ProbeStatus:
    """Return the state of a model's probes."""
    now = now or datetime.now(UTC)
    model = settings.model.name
    serving = read_serving(connection, settings, now)
    probes = current_set(connection, settings)
    version_id = None if serving.stable is None else serving.stable.id
    references = [] if probes is None else reference_runs(connection, model, probes.id)
    running = open_run(connection, model, "stable")
    counts = {} if running is None else count_probes(connection, running.id)
    n_sent = (
        None
        if running is None
        else (sum(counts.values()) - counts.get("pending", 0), sum(counts.values()))
    )
    any_run = bool(recent_runs(connection, model, role="stable"))
    return ProbeStatus(
        url=settings.probes.url,
        probes=probes,
        serving=serving,
        n_reference=sum(row.version_id == version_id for row in references),
        is_paused=not can_probe(settings, serving),
        n_sent=n_sent,
        next_slot=last_slot(settings, now) + settings.probes.interval if any_run else None,
    )
