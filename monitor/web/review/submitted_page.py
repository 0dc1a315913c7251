"""The page of a user's own submissions: each with the state of its item, read-only."""

import re
from typing import Any
from urllib.parse import urlencode

from litestar import Request
from litestar.di import NamedDependency
from litestar.response import Template

from monitor.store.accounts.roles import Permission
from monitor.store.review.submissions import submissions_of
from monitor.store.search.index import unindexed_since
from monitor.stored_words import labels
from monitor.web.access.audience import NO_FINDINGS, REVIEWERS, texts
from monitor.web.current_user import Visit
from monitor.web.forms.search_text import check_text, excerpt_around
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


@get("/submitted", opt=REVIEWERS | NO_FINDINGS | texts("submissions"))
def submitted_page(request: Request[Any, Any, Any], visit: NamedDependency[Visit]) -> Template:
    """List the user's submissions, the newest first, or those that a search finds.

    The verdict of a settled item is withheld as other findings are: while items of its model wait
    for review, a list of verdicts would tell the error rate.
    """
    before = request.query_params.get("before", "")
    text = request.query_params.get("q", "").strip()
    verdict = request.query_params.get("verdict", "")
    verdict = verdict if verdict in VERDICTS else ""
    problems: list[str] = []
    check_text(text, problems)
    with visit.transaction() as connection:
        rows = (
            []
            if problems
            else submissions_of(
                connection,
                visit.user.id,
                visit.user.grants.portions(Permission.READ, visit.model),
                before_id=int(before) if re.fullmatch("[0-9]{1,17}", before) else None,
                limit=N_LISTED + 1,
                text=text,
                verdict=verdict,
            )
        )
        since = unindexed_since(connection) if text and not problems else None
    older = ""
    if len(rows) > N_LISTED:
        rows = rows[:N_LISTED]
        query = {"before": str(rows[-1].id)}
        query |= {name: value for name, value in (("q", text), ("verdict", verdict)) if value}
        if visit.model and len(visit.choices) > 1:
            query["model"] = visit.model
        older = f"/submitted?{urlencode(query)}"
    context = {
        "rows": [(row, excerpt_around(row.prompt, text)) for row in rows],
        "text": text,
        "verdict": verdict,
        "problems": problems,
        "unindexed_since": since,
        "blind": [model for model in visit.blind if visit.model in (None, model)],
        "older": older,
        "is_first": not before,
        "states": STATES,
        "verdicts": VERDICTS,
    }
    return visit.page("submitted.html", context, status=400 if problems else 200)


HANDLERS = (submitted_page,)
