"""Who is signed in. Handlers that name ``reviewer`` or ``lead`` get one, or the request ends."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from sqlalchemy import Engine

from monitor.accounts.sessions import is_stale, start_session
from monitor.store.accounts.users import ReviewerRow, reviewer_by_id
from monitor.store.engine import transaction
from monitor.web.clock import Clock


def visitor(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], clock: NamedDependency[Clock]
) -> ReviewerRow | None:
    """Return who is signed in, if anybody is; asked of the database at each request."""
    person_id = request.session.get("reviewer_id")
    if person_id is None:
        return None
    with transaction(engine) as connection:
        person = reviewer_by_id(connection, person_id)
    if person is None or not person.active:
        return None
    if request.session.get("epoch", 0) != person.session_epoch:  # deactivated, or a new password
        return None
    now = clock()
    if is_stale(datetime.fromtimestamp(request.session["since"], UTC), now):
        start_session(request, person, now)
    # Should the request end in an error, its page keeps the person's navigation.
    request.state.visitor = person
    return person


def reviewer(visitor: NamedDependency[ReviewerRow | None]) -> ReviewerRow:
    """Require somebody who is signed in."""
    if visitor is None:
        raise NotAuthorizedException("sign in first")
    return visitor


def lead(reviewer: NamedDependency[ReviewerRow]) -> ReviewerRow:
    """Require a lead or an admin."""
    if not reviewer.leads:
        raise PermissionDeniedException("this is for leads")
    return reviewer
