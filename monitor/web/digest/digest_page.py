"""The digest page: up to a year of windows."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from monitor.review.decision.evidence import launch_rate
from monitor.review.decision.weekly_rates import weekly_rates
from monitor.web.current_user import Visit
from monitor.web.digest.sparkline import draw_sparkline
from monitor.web.drift.window_chart import draw_windows
from monitor.windows.history.digest import build_digest

#: Rows shown before the rest is folded.
MAX_ROWS = 12


@get("/digest", sync_to_thread=True)
def digest(visit: NamedDependency[Visit], model: FromQuery[str] = "") -> Template:
    """Show up to a year of a model's windows."""
    with visit.transaction() as connection:
        settings = visit.settings.settings_of(model or visit.settings.names.listed[0])
        year = build_digest(connection, settings.model.name)
        rates = weekly_rates(connection, year.model, year.windows)
        launch = launch_rate(connection, year.model, settings.review)
    chart = None
    if year.windows:
        chart = draw_windows(
            year.windows,
            year.incidents,
            settings.drift.min_drifted_share,
            rates=rates,
            launch=launch.errors / launch.n,
        )
    return Template(
        "digest.html",
        context={
            "user": visit.user,
            "digest": year,
            "chart": chart,
            "series": [(series, draw_sparkline(series)) for series in year.series],
            "max_rows": MAX_ROWS,
        },
    )


HANDLERS = (digest,)
