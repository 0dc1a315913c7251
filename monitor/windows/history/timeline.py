"""A window among the windows of its model, for the drift page."""

from dataclasses import dataclass

from sqlalchemy import Connection

from monitor.review.decision.weekly_rates import WeeklyRate, weekly_rates
from monitor.settings import Settings
from monitor.store.windows.digest import newest_windows
from monitor.store.windows.drift_evaluations import DriftEvaluationRow
from monitor.store.windows.incident_spans import IncidentSpan, incident_spans
from monitor.store.windows.window_figures import WindowFigures

#: A year of weeks.
WINDOWS = 52


@dataclass(frozen=True)
class WindowTimeline:
    """The windows of a model before and after one of them."""

    #: The oldest first; the selected window is among them.
    windows: tuple[WindowFigures, ...]
    incidents: tuple[IncidentSpan, ...]
    #: Of each version, by evaluation, where it has a review batch.
    rates: dict[int, list[WeeklyRate]]
    #: Of the selected window; empty where it has no review batch.
    own: list[WeeklyRate]
    #: The windows before and after it.
    before: WindowFigures | None
    after: WindowFigures | None


def window_timeline(
    connection: Connection, row: DriftEvaluationRow, settings: Settings
) -> WindowTimeline:
    """Return up to a year of windows around the window of an evaluation."""
    windows = newest_windows(connection, row.model, WINDOWS)
    if row.id not in {window.evaluation_id for window in windows}:
        windows = newest_windows(connection, row.model, WINDOWS, until=row.window_end)
    at = [window.evaluation_id for window in windows].index(row.id)
    rates = weekly_rates(connection, row.model, windows, settings.review)
    return WindowTimeline(
        windows=tuple(windows),
        incidents=tuple(incident_spans(connection, row.model, windows[0].start)),
        rates=rates,
        own=rates.get(row.id, []),
        before=windows[at - 1] if at else None,
        after=windows[at + 1] if at + 1 < len(windows) else None,
    )
