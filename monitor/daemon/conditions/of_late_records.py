"""Condition of a model: many exchanges arrived after the evaluation of their window."""

from datetime import timedelta

from monitor.plurals import pluralize
from monitor.rendering.late_exchanges import again_command, state_arrivals, state_late
from monitor.rendering.numbers import format_window
from monitor.scheduling.condition_check import UNKNOWN, Clear, ConditionCheck, Holds, Result
from monitor.settings import Settings
from monitor.store.windows.late_exchanges import arrivals_of, late_windows
from monitor.windows.schedule import window_of

#: Windows that ended before are history.
MAX_AGE = timedelta(weeks=4)
#: Fewer late exchanges of a window are told on its page only.
MIN_EXCHANGES = 20
#: Late exchanges of a week are told once, and again when they have become so many.
MANY = 0.2


def late_records(check: ConditionCheck[Settings]) -> Result:
    """Hold while the result of a recent window lacks many of its exchanges."""
    settings, model = check.settings, check.settings.model.name
    limit, cadence = settings.monitoring.max_late_share, settings.monitoring.drift_detection
    windows = [
        window
        for window in late_windows(check.connection, model, check.now - MAX_AGE)
        # A window that a user chose is the user's.
        if (window.start, window.end) == window_of(window.start, cadence)
        and window.late.n >= MIN_EXCHANGES
        and window.late.share > limit
    ]
    if not windows:
        return Clear("each window was evaluated again, or ended more than 4 weeks ago")
    if any(window.is_repeated for window in windows):
        return UNKNOWN
    worst = max(windows, key=lambda window: window.late.share)
    bounds = worst.start, worst.end
    more = f" So did exchanges of {pluralize(len(windows) - 1, 'more window')}." * bool(windows[1:])
    weeks = {f"{window_of(window.start, 'weekly')[0]:%Y-%m-%d}" for window in windows}
    many = {
        f"{window_of(window.start, 'weekly')[0]:%Y-%m-%d} over {MANY:.0%}"
        for window in windows
        if window.late.share > MANY
    }
    source = state_arrivals(arrivals_of(check.connection, model, worst), worst.late)
    return Holds(
        f"{format_window(bounds)}: {state_late(worst.late, bounds, worst.evaluated_at)}"
        f"{' ' * bool(source)}{source}{more}",
        frozenset(weeks | many),
        evaluation_id=worst.evaluation_id,
        command=again_command(model, bounds),
    )
