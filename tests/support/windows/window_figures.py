"""Windows with the figures that a digest has."""

from datetime import datetime, timedelta

import msgspec

from monitor.store.windows.assessment import Assessment
from monitor.store.windows.window_figures import AssessmentFigures, WindowFigures

WEEK = timedelta(weeks=1)


def make_windows(begin: datetime, *assessments: Assessment | None) -> tuple[WindowFigures, ...]:
    """Return a window for each assessment, of a week each; ``None``: its evaluation failed."""
    return tuple(
        WindowFigures(
            number,
            begin + number * WEEK,
            begin + (number + 1) * WEEK,
            "failed" if assessment is None else "done",
            None
            if assessment is None
            else msgspec.convert(msgspec.to_builtins(assessment), AssessmentFigures),
        )
        for number, assessment in enumerate(assessments)
    )
