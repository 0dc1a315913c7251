"""Slack message about a window whose evaluation failed, once per window."""

import re
from datetime import datetime

from sqlalchemy import Connection

from monitor.alerts.messages.mrkdwn import (
    Block,
    build_message,
    escape,
    header,
    link,
    sections,
    within_limits,
)
from monitor.rendering.numbers import format_day
from monitor.settings import Alerts
from monitor.store.alerts.outbox import add_message
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
    title = f"🟠 Drift evaluation failed: {model}"
    text = (
        f"The window from {format_day(failed.window_start)} could not be evaluated: "
        f"{_reason(failed.error or 'unknown error')}."
    )
    blocks: list[Block] = [header(title)]
    blocks += sections([escape(text)])
    blocks += sections(["*Next steps*", *NEXT_STEPS])
    base = alerts.public_url.rstrip("/")
    blocks += sections([link(f"{base}/drift-evaluations", "Drift evaluations")])
    return add_message(
        connection,
        dedupe_key=f"evaluation_failed:{failed.id}",
        model=model,
        incident_id=None,
        kind="post",
        payload=build_message(within_limits(blocks), f"{title}. {text}"),
        now=now,
    )


def _reason(error: str) -> str:
    named = ERROR_CLASS.match(error)
    return error if named is None else named[1]
