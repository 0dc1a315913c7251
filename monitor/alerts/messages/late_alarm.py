"""Message about an alarm whose window was evaluated after later ones were followed up."""

from datetime import datetime

from sqlalchemy import Connection

from monitor.alerts.causes import CAUSES, LEVEL_MARKS
from monitor.alerts.messages.notice import notice_message
from monitor.rendering.numbers import format_window
from monitor.settings import Alerts
from monitor.store.alerts.outbox import add_message
from monitor.store.windows.drift_evaluations import DriftEvaluationRow

NEXT_STEPS = (
    "• It opens no incident: later windows were evaluated before it, and those decide.",
    "• Read its topics and examples on the page: what drifted may have begun, or ended, then.",
)


def announce_late_alarm(
    connection: Connection, evaluation: DriftEvaluationRow, now: datetime, alerts: Alerts
) -> bool:
    """Announce an alarm that came too late for an incident, once a window.

    Return whether a message was written: not where the evaluation has no alarm.
    """
    assessment = evaluation.assessment
    if assessment is None or not assessment.alarm:
        return False
    period = format_window((evaluation.window_start, evaluation.window_end))
    public_url = alerts.public_url.rstrip("/")
    payload = notice_message(
        f"{LEVEL_MARKS[CAUSES['drift'].level]} Drift found late: {evaluation.model}",
        [f"{period}: {assessment.headline}"],
        NEXT_STEPS,
        page=(f"{public_url}/drift-evaluations/{evaluation.id}", "Drift evaluation"),
        summary=assessment.headline,
    )
    return add_message(
        connection,
        dedupe_key=f"late_alarm:{evaluation.id}",
        model=evaluation.model,
        payload=payload,
        subject="drift",
        now=now,
        evaluation_id=evaluation.id,
    )
