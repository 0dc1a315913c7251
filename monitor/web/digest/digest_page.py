"""The digest page: up to a year of windows."""

from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.response import Redirect, Template

from monitor.review.decision.weekly_rates import weekly_rates
from monitor.todo.todo_list import list_todo
from monitor.web.access.audience import REVIEWERS, texts
from monitor.web.current_user import Visit
from monitor.web.digest.sparkline import draw_sparkline, scale_of
from monitor.web.drift.window_chart import draw_windows
from monitor.web.handlers import get
from monitor.web.withheld_texts import withhold_quoted
from monitor.windows.history.digest import build_digest

#: Rows shown before the rest is folded.
MAX_ROWS = 12
#: Entries of what needs the user before the rest is folded.
ENTRIES_SHOWN = 3


@get("/digest", opt=REVIEWERS | texts("drift_evaluation"))
def digest(visit: NamedDependency[Visit]) -> Template | Redirect:
    """Show up to a year of a model's windows; without a model, those of the first."""
    model = visit.model or next((choice.name for choice in visit.choices), None)
    if model is None:
        raise NotFoundException("no model is known")
    if visit.model is None and len(visit.switch) > 1:
        return Redirect(visit.of(model=model).address("/digest"), status_code=303)
    settings = visit.settings.settings_of(model)
    with visit.transaction() as connection:
        year = build_digest(connection, model)
        rates = weekly_rates(connection, year.model, year.windows, settings.review)
        todo = list_todo(
            connection, visit.settings, visit.user, visit.now, visit.scope.narrow(model)
        )
    chart = None
    if year.windows:
        chart = draw_windows(
            year.windows,
            year.incidents,
            settings.drift.min_drifted_share,
            rates=rates,
        )
    scale = scale_of(year.series)
    return visit.page(
        "digest.html",
        {
            "digest": year,
            "readable": str if visit.reads_all_texts_of(model) else withhold_quoted,
            "chart": chart,
            "series": [(series, draw_sparkline(series, scale)) for series in year.series],
            "scale": scale,
            "max_rows": MAX_ROWS,
            "todo": todo,
            "n_shown": ENTRIES_SHOWN,
            "now": visit.now,
        },
    )


HANDLERS = (digest,)
