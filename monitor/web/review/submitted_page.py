"""The page of a user's own submissions: each with the state of its item, read-only."""

import re
from typing import Any
from urllib.parse import urlencode

from litestar import Request
from litestar.di import NamedDependency
from litestar.response import Template

from monitor.store.accounts.roles import Permission
from monitor.store.review.beginnings import listed_items
from monitor.store.review.submissions import submissions_of
from monitor.stored_words import labels
from monitor.web.access.audience import REVIEWERS, texts
from monitor.web.blindness import blind_models
from monitor.web.current_user import Visit
from monitor.web.handlers import get
from monitor.web.review.review_pages import VERDICTS

#: Submissions on a page.
N_LISTED = 50
#: What a state of an item means for its reviewer.
STATES = labels(
    {
        "queued": "Waiting for the other review",
        "disagreed": "In discussion",
        "adjudication": "With an adjudicator",
        "gold": "Settled",
        "flagged": "Flagged",
        "excluded": "Excluded",
    }
)


@get("/submitted", opt=REVIEWERS | texts("submissions"))
def submitted_page(request: Request[Any, Any, Any], visit: NamedDependency[Visit]) -> Template:
    """List the user's submissions, the newest first.

    The verdict of a settled item is withheld as other findings are: while items of its model wait
    for review, a list of verdicts would tell the error rate.
    """
    before = request.query_params.get("before", "")
    with visit.transaction() as connection:
        rows = submissions_of(
            connection,
            visit.user.id,
            visit.user.grants.portions(Permission.READ, visit.model),
            before_id=int(before) if re.fullmatch("[0-9]{1,17}", before) else None,
            limit=N_LISTED + 1,
        )
        listed = listed_items(connection, [row.item_id for row in rows])
        blind = blind_models(connection, visit.user, {row.model for row in rows})
    older = ""
    if len(rows) > N_LISTED:
        rows = rows[:N_LISTED]
        query = {"before": str(rows[-1].id)}
        if visit.model and len(visit.choices) > 1:
            query["model"] = visit.model
        older = f"/submitted?{urlencode(query)}"
    context = {
        "rows": rows,
        "beginnings": {row.id: row.beginning for row in listed},
        "blind": blind,
        "older": older,
        "is_first": not before,
        "states": STATES,
        "verdicts": VERDICTS,
    }
    return visit.page("submitted.html", context)


HANDLERS = (submitted_page,)
