"""API: sign-in and the worklist."""

from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.params import JSONBody
from sqlalchemy import Engine

from monitor.review.items.settling import settle_reviewed
from monitor.review.items.worklist import Worklist, worklist_of
from monitor.settings import Sections
from monitor.web.access.audience import EVERYBODY, NO_FINDINGS, REVIEWERS
from monitor.web.clock import Clock
from monitor.web.current_user import Visit
from monitor.web.handlers import get, post
from monitor.web.sign_in.password_page import sign_in
from monitor.web.typed_text import UNREAD


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Name and password."""

    name: Annotated[str, msgspec.Meta(max_length=200)]
    password: Annotated[str, msgspec.Meta(max_length=2000)]


@post("/login", opt=EVERYBODY | {UNREAD: ("name", "password")})
def login(
    request: Request[Any, Any, Any],
    data: JSONBody[Credentials],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    clock: NamedDependency[Clock],
) -> dict[str, Any]:
    """Sign in. GET /login first: it sets the cookie whose value x-csrftoken repeats."""
    user = sign_in(request, engine, settings, clock, name=data.name, password=data.password)
    if user is None:
        raise NotAuthorizedException("wrong name or password")
    grants = [
        {"model": grant.model, "role": grant.role, "task_types": sorted(grant.task_types)}
        for grant in user.grants.listed
    ]
    return {"id": user.id, "name": user.name, "grants": grants}


@get("/work", opt=REVIEWERS | NO_FINDINGS)
def work(visit: NamedDependency[Visit]) -> Worklist:
    """Return the user's worklist, of ``?model=`` or of all models."""
    with visit.transaction() as connection:
        settle_reviewed(connection, visit.now, audit_share=visit.settings.review.audit_share)
        return worklist_of(connection, visit.user, visit.now, visit.model)
