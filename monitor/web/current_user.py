"""The signed-in user, a dependency of handlers: ``visitor``, ``user`` or ``lead``."""

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
    """Return the signed-in user, read from the database at each request, or ``None``."""
    user_id = request.session.get("user_id")
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
    # An error page keeps the user's navigation.
    request.state.visitor = user
    return user


def user(visitor: NamedDependency[UserRow | None]) -> UserRow:
    """Return the signed-in user, or refuse the request."""
    if visitor is None:
        raise NotAuthorizedException("sign in first")
    return visitor


def lead(user: NamedDependency[UserRow]) -> UserRow:
    """Return the signed-in lead or admin, or refuse the request."""
    if not user.leads:
        raise PermissionDeniedException("this page is for leads and admins")
    return user
