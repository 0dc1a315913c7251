"""Version that a drift evaluation is about, and whether it still serves."""

from typing import Any

from sqlalchemy import Connection, select

from monitor.errors import NotFoundError
from monitor.rendering.excerpts import name_version, version_from_attributes
from monitor.rendering.numbers import format_day
from monitor.store.alerts.incidents import IncidentRow
from monitor.store.tables import Exchange
from monitor.store.training.versions.known_versions import KnownVersions, known_versions
from monitor.store.training.versions.serving_order import name_serving
from monitor.store.training.versions.serving_periods import serving_periods
from monitor.store.windows.drift_evaluations import DriftEvaluationRow, drift_evaluation_by_id


def evaluated_version(
    connection: Connection, evaluation: DriftEvaluationRow, known: KnownVersions
) -> str:
    """Return the version whose responses the figures are of; empty: unknown, or several together.

    Where the window was not split, it is the one that its first and its last exchange name, or that
    served at their times by the registry.
    """
    assessment = evaluation.assessment
    reported = None if assessment is None else assessment.reported_version
    if reported is not None:
        return "" if reported.pooled_versions else known.name(reported.version)
    field = evaluation.provenance.get("version_field", "model_version")
    periods = serving_periods(connection, evaluation.model)
    names = {
        known.name(
            version_from_attributes(row.attributes, field) or name_serving(periods, row.occurred_at)
        )
        for row in _ends(connection, evaluation)
    }
    return names.pop() if len(names) == 1 else ""


def describe_version(connection: Connection, incident: IncidentRow) -> tuple[str, bool]:
    """Return a sentence on the version that an incident of drift is about, and whether it serves.

    The sentence is empty where the version is unknown.
    """
    if incident.cause != "drift" or incident.last_evaluation_id is None:
        return "", True
    try:
        evaluation = drift_evaluation_by_id(connection, incident.last_evaluation_id)
    except NotFoundError:  # deleted since
        return "", True
    known = known_versions(connection, incident.model)
    version = evaluated_version(connection, evaluation, known)
    if not version:
        return "", True
    name = name_version(version)
    if version == known.serving:
        return f"It is about {name}.", True
    left = [end.at for end in known.departures.values() if str(end.version) == version]
    state = f"left production on {format_day(max(left))}" if left else "is not in production"
    now = f"; {name_version(known.serving)} serves now" if known.serving else ""
    return f"It is about {name}, which {state}{now}.", False


def _ends(connection: Connection, evaluation: DriftEvaluationRow) -> list[Any]:
    """Return the first and the last exchange of a window that are stored."""
    own = (
        select(Exchange.attributes, Exchange.occurred_at)
        .where(
            Exchange.model == evaluation.model,
            Exchange.baseline_id.is_(None),
            Exchange.occurred_at >= evaluation.window_start,
            Exchange.occurred_at < evaluation.window_end,
        )
        .limit(1)
    )
    orders = (Exchange.occurred_at, Exchange.occurred_at.desc())
    rows = [connection.execute(own.order_by(order)).one_or_none() for order in orders]
    return [row for row in rows if row is not None]
