"""Slack message about a window whose evaluation failed, once per window."""

import re
from datetime import datetime

from sqlalchemy import Connection

from monitor.alerts.messages.notice import add_notice
from monitor.rendering.numbers import format_day
from monitor.settings import Alerts
from monitor.store.windows.drift_evaluations import newest_failed_evaluation

NEXT_STEPS = (
    "• It is repeated every hour; until it succeeds, drift of this window is not noticed.",
    "• The log of the daemon has the whole error; `driftwarden check` shows the newest one.",
)
#: The class of an error from outside, whose message may hold texts of the traffic.
ERROR_CLASS = re.compile(r"\A([\w.]+): ")


def announce_failed_evaluation(
    connection: Connection, model: str, now: datetime, alerts: Alerts
) -> bool:
    """Tell that the newest failed window of a model can't be evaluated, once per window.

    Returns:
        Whether a message was written.
    """
    failed = newest_failed_evaluation(connection, model)
    if failed is None:
        return False
    text = (
        f"The window from {format_day(failed.window_start)} could not be evaluated: "
        f"{_reason(failed.error or 'unknown error')}."
    )
    return add_notice(
        connection,
        dedupe_key=f"evaluation_failed:{failed.id}",
        model=model,
        title=f"🟠 Drift evaluation failed: {model}",
        lines=[text],
        next_steps=NEXT_STEPS,
        page=(f"{alerts.public_url.rstrip('/')}/drift-evaluations", "Drift evaluations"),
        summary=text,
        now=now,
    )


def _reason(error: str) -> str:
    named = ERROR_CLASS.match(error)
    return error if named is None else named[1]
