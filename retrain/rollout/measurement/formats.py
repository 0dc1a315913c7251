"""Output formats of observed responses."""

from datetime import datetime

from sqlalchemy import Connection

from retrain.rollout.measurement.starting_point import WRONG_FORMAT, StartingPoint
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.rows.looks import HOUR
from retrain.rollout.rows.measured_hours import insert_scores, scored_in_hour, texts_of_hour


def score_formats(
    connection: Connection, subject: Subject, point: StartingPoint, hour: datetime, now: datetime
) -> int:
    """Score the responses of an hour that lack the format of their task; return their number.

    Repeated, it scores none again.
    """
    if not point.formats:
        return 0
    rows = texts_of_hour(connection, subject.rollout_id, hour, hour + HOUR)
    scored = scored_in_hour(connection, subject.rollout_id, WRONG_FORMAT, hour, hour + HOUR)
    wrong = {
        row.id: 1.0
        for row in rows
        if row.id not in scored
        and row.task_type in point.formats
        and not point.formats[row.task_type].admits(row.response)
    }
    insert_scores(connection, subject.rollout_id, WRONG_FORMAT, wrong, now)
    return len(wrong)
