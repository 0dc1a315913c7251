"""Late feedback on responses of both versions: its checks, and its values as scores.

A value counts in the hour of its exchange, once: at the first look after it was received, with the
newest that is known by then. Of an end user each hour counts once, and none after a later one, so
that what the user's earlier hours lead to expect is known when a value is bet on.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from monitor.settings import Drift
from monitor.settings.metrics.directions import direction_of
from retrain.rollout.checks.check import RolloutCheck, metric_check
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.rows.feedback import (
    PREFIX,
    newest_scored,
    rated_rows,
    unscored_feedback,
)
from retrain.rollout.rows.looks import floor_hour
from retrain.rollout.rows.measured_hours import MeasuredRow, insert_scores

#: Names of feedback that are compared: those with the most values. Each check costs the others.
MAX_NAMES = 5


def feedback_checks(
    counts: Mapping[str, int],
    levels: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
    drift: Drift,
) -> tuple[list[RolloutCheck], dict[str, str]]:
    """Return the checks of feedback by stable's before the rollout, and why others have none.

    ``counts`` are by name, with :data:`PREFIX`; ``levels`` stable's means of those with enough
    values; ``ranges`` of those that have one; ``drift`` names those with a direction.
    """
    checks: list[RolloutCheck] = []
    reasons: dict[str, str] = {}
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        direction = direction_of(name.removeprefix(PREFIX), drift)
        if not direction:
            continue
        if name not in ranges:
            reasons[name] = (
                f"nearly all of stable's values before the rollout are {levels[name]:.3g}"
                if name in levels
                else f"stable's traffic before the rollout has {counts[name]} values of it"
            )
        elif len(checks) == MAX_NAMES:
            reasons[name] = f"{MAX_NAMES} names of feedback have more values"
        else:
            checks.append(
                metric_check(
                    name,
                    "revert_only",
                    *ranges[name],
                    higher_is_better=direction > 0,
                    level=levels[name],
                )
            )
        if len(reasons) == MAX_NAMES:
            break
    return checks, reasons


def is_feedback(check: RolloutCheck) -> bool:
    """Return whether a check is of feedback."""
    return check.metric.startswith(PREFIX)


def score_feedback(
    connection: Connection,
    subject: Subject,
    checks: Iterable[RolloutCheck],
    before: datetime,
    now: datetime,
) -> int:
    """Store the feedback that counts at the next look as scores of observations; return its number.

    Repeated, it stores none again.

    The hour that is looked at next ends at ``before``.
    """
    names = [check.metric.removeprefix(PREFIX) for check in checks if is_feedback(check)]
    if not names:
        return 0
    rows = unscored_feedback(
        connection, subject.rollout_id, names, since=subject.started_at, before=before
    )
    users = sorted({row.end_user for row in rows if row.end_user})
    newest = newest_scored(connection, subject.rollout_id, users)
    scores: defaultdict[str, dict[int, float]] = defaultdict(dict)
    for row in rows:
        last = newest.get((row.end_user, PREFIX + row.name)) if row.end_user else None
        if last is None or floor_hour(row.occurred_at) > floor_hour(last):
            scores[row.name][row.observation_id] = row.value
    for name, values in scores.items():
        insert_scores(connection, subject.rollout_id, PREFIX + name, values, now)
    return sum(map(len, scores.values()))


def rated_before(
    connection: Connection,
    subject: Subject,
    rows: Sequence[MeasuredRow],
    late: Sequence[MeasuredRow],
    *,
    since: datetime,
    hour: datetime,
) -> list[MeasuredRow]:
    """Return the scores of feedback in earlier hours, of end users whose feedback is late.

    The past of the hour's end users, by its observations ``rows``, is read from ``since`` on.
    ``late`` are values of earlier hours that became known since the last look.
    """
    users = {row.end_user for row in late if any(name.startswith(PREFIX) for name in row.measures)}
    present = {row.end_user for row in rows}
    return [
        row
        for row in rated_rows(connection, subject.rollout_id, sorted(users - {""}), hour)
        if row.end_user not in present or row.occurred_at < since
    ]
