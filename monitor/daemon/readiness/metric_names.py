"""Check of the metrics that the settings name: whether any exchange has them."""

from datetime import UTC, datetime

from monitor.daemon.readiness.feedback import MAX_VALUES, PERIOD
from monitor.daemon.readiness.finding import Finding, note, ok, open_connection
from monitor.settings import Sections

#: Exchanges of a model that are read: of its baselines, and of its traffic.
MAX_EXCHANGES = 2_000
SETTINGS = "drift.higher_is_better or drift.lower_is_better"


def metric_names_finding(settings: Sections) -> Finding:
    """Name the metrics of the settings that no baseline, no traffic and no feedback has."""
    from monitor.settings.metrics.unknown_names import list_unknown, unknown_metrics
    from monitor.store.traffic.exchanges import newest_attributes
    from monitor.windows.comparison.context_columns import NAMES
    from monitor.windows.comparison.metrics import count_values
    from retrain.rollout.rows.feedback import count_feedback

    with open_connection(settings) as connection:
        rows = [
            row
            for own in settings.by_model
            for of_baseline in (True, False)
            for row in newest_attributes(
                connection, own.model.name, MAX_EXCHANGES, of_baseline=of_baseline
            )
        ]
        feedback = count_feedback(connection, datetime.now(UTC) - PERIOD, MAX_VALUES)
    if not rows:
        return ok("no exchange yet")
    known = sorted({*NAMES, *count_values(rows), *(count.name for count in feedback)})
    unknown: dict[str, str] = {}
    for own in settings.by_model:
        unknown |= unknown_metrics(own.drift, known)
    if not unknown:
        return ok(f"exchanges have every name of {SETTINGS}")
    return note(f"named by {SETTINGS}, and in no exchange: {list_unknown(unknown)}")
