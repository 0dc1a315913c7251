"""The page of the digest: a year of windows at a glance."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template
from sqlalchemy import Engine

from monitor.review.digest import make_digest
from monitor.review.web.year_chart import draw_sparkline, draw_year
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.reviewers import ReviewerRow

#: Rows shown before the rest is folded away.
SHOWN = 12


@get("/digest", sync_to_thread=True)
def digest(
    reviewer: NamedDependency[ReviewerRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Settings],
    model: FromQuery[str] = "",
) -> Template:
    """Show up to a year of a model's windows."""
    with transaction(engine) as connection:
        year = make_digest(connection, model or settings.model.name)
    return Template(
        "digest.html",
        context={
            "person": reviewer,
            "digest": year,
            "chart": draw_year(year, settings.drift.minimum_mass) if year.windows else None,
            "floor": settings.drift.minimum_mass,
            "series": [(one, draw_sparkline(one)) for one in year.series],
            "n_shown": SHOWN,
        },
    )


HANDLERS = (digest,)
