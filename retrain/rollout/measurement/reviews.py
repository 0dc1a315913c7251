"""Reviews of exchanges of both versions, as values of the hours that they are of."""

from datetime import datetime

from sqlalchemy import Connection, select

from monitor.settings import Settings
from monitor.store.tables import Exchange, GoldExample, ReviewItem
from monitor.store.training.versions.version_labels import version_labels
from retrain.rollout.measurement.starting_point import REVIEWS
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.rows.measured_hours import MeasuredRow


def reviewed_rows(
    connection: Connection, subject: Subject, settings: Settings, start: datetime, end: datetime
) -> list[MeasuredRow]:
    """Return the exchanges of a rollout's time whose outcome was agreed in ``[start, end)``.

    Only the control slice counts: the other slices are drawn by what drifted, which may be one
    version's more than the other's.
    """
    arms = dict.fromkeys(version_labels(subject.model, subject.stable), "stable")
    arms |= dict.fromkeys(version_labels(subject.model, subject.canary), "canary")
    rows = connection.execute(
        select(
            Exchange.id,
            Exchange.occurred_at,
            Exchange.task_type,
            Exchange.end_user,
            Exchange.inclusion_probability,
            Exchange.attributes,
            GoldExample.verdict,
        )
        .join(ReviewItem, ReviewItem.exchange_id == Exchange.id)
        .join(GoldExample, GoldExample.item_id == ReviewItem.id)
        .where(
            Exchange.model == subject.model,
            Exchange.occurred_at >= subject.started_at,
            Exchange.occurred_at < start,
            ReviewItem.slice == "control",
            GoldExample.decided_at >= start,
            GoldExample.decided_at < end,
            GoldExample.superseded_at.is_(None),
        )
        .order_by(Exchange.id)
    )
    reviewed = []
    for row in rows:
        arm = arms.get(str(row.attributes.get(settings.model.version_field, "")))
        if arm is not None:
            accepted = float(row.verdict == "accept")
            reviewed.append(
                MeasuredRow(
                    row.id,
                    row.occurred_at,
                    arm,
                    row.task_type,
                    row.end_user,
                    row.inclusion_probability,
                    {REVIEWS: accepted},
                )
            )
    return reviewed
