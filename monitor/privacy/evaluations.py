"""Evaluations without some of their quotes."""

from datetime import datetime

from sqlalchemy import Connection

from monitor.evaluation.summary_html import render_summary
from monitor.store.assessment import Assessment
from monitor.store.evaluations import EvaluationRow, replace_assessment
from monitor.store.reports import save_report


def rewrite(
    connection: Connection, evaluation: EvaluationRow, assessment: Assessment, now: datetime
) -> None:
    """Store an assessment in place of an evaluation's own, and the page that is made of it."""
    replace_assessment(connection, evaluation.id, assessment)
    bounds = (evaluation.window_start, evaluation.window_end)
    save_report(
        connection, evaluation.id, "summary", render_summary(assessment, window=bounds), now
    )
