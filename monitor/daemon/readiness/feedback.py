"""Check of late feedback: whether it is on stored exchanges, and has directions."""

from datetime import UTC, datetime, timedelta

from monitor.daemon.readiness.finding import Finding, ok, open_connection
from monitor.settings import Sections

PERIOD = timedelta(days=7)
#: The newest values that are looked up.
MAX_VALUES = 10_000
#: A smaller share on stored exchanges is told. Sampled by the key of its exchange, nearly all is on
#: one; while a rollout runs whose traffic has no headers, that of the observed exchanges.
MIN_SHARE = 0.1
NAMED = 5


def feedback_finding(settings: Sections) -> Finding:
    """Count the feedback of the last seven days, on how many exchanges, and of which names."""
    from monitor.plurals import pluralize
    from monitor.settings.metrics.directions import is_direction_unknown
    from retrain.rollout.rows.feedback import count_feedback

    with open_connection(settings) as connection:
        counts = count_feedback(connection, datetime.now(UTC) - PERIOD, MAX_VALUES)
    n = sum(count.n for count in counts)
    if not n:
        return ok("none in 7 days")
    share = sum(count.n_on_exchanges for count in counts) / n
    names = ", ".join(count.name for count in counts[:NAMED])
    more = f" and {len(counts) - NAMED} more" if len(counts) > NAMED else ""
    message = (
        f"{'the newest ' if n == MAX_VALUES else ''}{pluralize(n, 'value')} in 7 days, "
        f"{share:.0%} on stored exchanges: {names}{more}"
    )
    if share < MIN_SHARE:
        message += (
            "; the rest is compared with nothing: give feedback the id and the key that the record "
            "of its exchange has (docs/reference/traffic-formats.md)"
        )
    unknown = [
        count.name
        for count in counts
        if all(is_direction_unknown(count.name, model.drift) for model in settings.by_model)
    ]
    if unknown:
        message += (
            f"; not compared, as no direction is known: {', '.join(unknown[:NAMED])}; set "
            "drift.higher_is_better or drift.lower_is_better"
        )
    return Finding("note" if share < MIN_SHARE or unknown else "ok", message)
