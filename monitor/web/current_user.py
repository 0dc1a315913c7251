"""The signed-in user, a dependency of handlers: ``visitor``, ``user``, ``lead`` or their visit."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from sqlalchemy import Connection, Engine

from monitor.accounts.sessions import is_stale, start_session
from monitor.settings import Sections
from monitor.store.accounts.users import UserRow, user_by_id
from monitor.store.engine import transaction
from monitor.web.clock import Clock


@dataclass(frozen=True)
class Visit:
    """A request of a signed-in user: its time, and what it is handled with."""

    user: UserRow
    engine: Engine
    settings: Sections
    now: datetime

    @property
    def lease(self) -> timedelta:
        """The time for which an item is reserved."""
        return self.settings.review.lease

    def transaction(self) -> AbstractContextManager[Connection]:
        """Open a transaction; see :func:`monitor.store.engine.transaction`."""
        return transaction(self.engine)


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


def visit(
    user: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    clock: NamedDependency[Clock],
) -> Visit:
    """Return the visit of the signed-in user, or refuse the request."""
    return Visit(user, engine, settings, clock())


def lead_visit(
    lead: NamedDependency[UserRow],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    clock: NamedDependency[Clock],
) -> Visit:
    """Return the visit of the signed-in lead or admin, or refuse the request."""
    return Visit(lead, engine, settings, clock())
