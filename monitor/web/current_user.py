"""Who is signed in. Handlers that name ``user`` or ``lead`` get one, or the request ends."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from sqlalchemy import Engine

from monitor.accounts.sessions import is_stale, start_session
from monitor.store.accounts.users import UserRow, user_by_id
from monitor.store.engine import transaction
from monitor.web.clock import Clock


def visitor(
    request: Request[Any, Any, Any], engine: NamedDependency[Engine], clock: NamedDependency[Clock]
) -> UserRow | None:
    """Return who is signed in, if anybody is; asked of the database at each request."""
    user_id = request.session.get("reviewer_id")
    if user_id is None:
        return None
    with transaction(engine) as connection:
        user = user_by_id(connection, user_id)
    if user is None or not user.active:
        return None
    if request.session.get("epoch", 0) != user.session_epoch:  # deactivated, or a new password
        return None
    now = clock()
    if is_stale(datetime.fromtimestamp(request.session["since"], UTC), now):
        start_session(request, user, now)
    # Should the request end in an error, its page keeps the person's navigation.
    request.state.visitor = user
    return user


def user(visitor: NamedDependency[UserRow | None]) -> UserRow:
    """Require somebody who is signed in."""
    if visitor is None:
        raise NotAuthorizedException("sign in first")
    return visitor


def lead(user: NamedDependency[UserRow]) -> UserRow:
    """Require a lead or an admin."""
    if not user.leads:
        raise PermissionDeniedException("this is for leads")
    return user
