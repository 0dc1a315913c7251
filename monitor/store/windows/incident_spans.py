"""The windows that incidents of drift span, a span for each time that one was open."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, select

from monitor.store.tables import DriftEvaluation, Incident, IncidentEvent

#: Events after which an incident is open with an alarm.
BEGINNINGS = ("opened", "reopened")
#: Events of windows without an alarm, which end a span that was resolved.
QUIET = ("quiet", "resolved")


@dataclass(frozen=True)
class IncidentSpan:
    """The windows from an alarm that opened an incident on, until it was resolved."""

    incident_id: int
    #: ``open``, ``acknowledged``, ``snoozed``, ``resolved`` or ``closed`` (its model is no longer
    #: watched).
    status: str
    #: What drifted: ``input``, ``output``, ``metric:resolved``, ...
    fingerprint: tuple[str, ...]
    severity: float
    #: The start of the first window with an alarm.
    first_start: datetime
    #: The end of its newest window; of a resolved incident of the last one before it was quiet.
    until: datetime
    last_evaluation_id: int


def incident_spans(connection: Connection, model: str, since: datetime) -> list[IncidentSpan]:
    """Return the spans of a model's incidents with a window after a time, the oldest first."""
    events = connection.execute(
        select(
            IncidentEvent.incident_id,
            IncidentEvent.event,
            IncidentEvent.fingerprint,
            IncidentEvent.evaluation_id,
            DriftEvaluation.window_start,
            DriftEvaluation.window_end,
            Incident.status,
            Incident.severity,
        )
        .join(Incident, Incident.id == IncidentEvent.incident_id)
        .outerjoin(DriftEvaluation, DriftEvaluation.id == IncidentEvent.evaluation_id)
        .where(Incident.model == model, Incident.cause == "drift")
        .order_by(IncidentEvent.incident_id, IncidentEvent.id)
    )
    spans = []
    for _, of_incident in groupby(events, attrgetter("incident_id")):
        lives = list(_lives(list(of_incident)))
        spans += [_span(life, is_last=life is lives[-1]) for life in lives]
    return [span for span in spans if span is not None and span.until > since]


def _lives(events: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield the events of each time that an incident was open."""
    # The first event opened it, whatever a newer release calls it.
    starts = [at for at, event in enumerate(events) if at == 0 or event.event in BEGINNINGS]
    for start, end in zip(starts, [*starts[1:], len(events)], strict=True):
        yield events[start:end]


def _span(events: Sequence[Any], *, is_last: bool) -> IncidentSpan | None:
    """Return the span of one life; ``None`` where it has no window yet."""
    windows = [event for event in events if event.evaluation_id is not None]
    if not windows:
        return None
    status = events[0].status if is_last else "resolved"
    alarms = [at for at, event in enumerate(windows) if event.event not in QUIET]
    until = windows[-1].window_end
    if status == "resolved" and alarms:
        quiet = windows[alarms[-1] + 1 :] if windows[-1].event in QUIET else []
        until = quiet[0].window_start if quiet else until
    names = {name for event in events for name in event.fingerprint.split("\n") if name}
    return IncidentSpan(
        incident_id=windows[0].incident_id,
        status=status,
        fingerprint=tuple(sorted(names)),
        severity=events[0].severity,
        first_start=windows[0].window_start,
        until=until,
        last_evaluation_id=windows[-1].evaluation_id,
    )
