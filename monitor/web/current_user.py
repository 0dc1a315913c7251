"""The signed-in user, a dependency of handlers: ``visitor``, ``user`` or the user's visit.

A handler that takes a visit gets it only where the user has a role on the model of the address: the
owner of the object that a path parameter names, or the model of the query. Models whose findings
are withheld from the user are refused or left out, unless the route declares ``NO_FINDINGS``.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread
from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.response import Template
from sqlalchemy import Connection, Engine

from monitor.accounts.sessions import USER, is_stale, start_session
from monitor.errors import NotFoundError
from monitor.settings import Sections
from monitor.store.accounts.users import UserRow
from monitor.store.engine import require_available, transaction
from monitor.store.human_evaluation.human_evaluations import item_by_number
from monitor.store.model_sets import ModelSet
from monitor.store.owners import KINDS, model_of
from monitor.store.review.items import item_by_id
from monitor.web.access.audience import FINDINGS
from monitor.web.blindness import FindingsWithheldException, blind_models, describe
from monitor.web.clock import Clock
from monitor.web.models_of_user import ModelChoice, find_choice, list_choices

#: Path parameters that are ids of rows of a model.
OWNED = {f"{kind}_id": kind for kind in KINDS}


@dataclass(frozen=True)
class Frame:
    """Models for the switch and the navigation around every page."""

    #: The models that can be chosen.
    choices: tuple[ModelChoice, ...]
    #: Those whose findings are withheld from the user, with their waiting items, if the page
    #: shows findings: else 1.
    blind: Mapping[str, int]


@dataclass(frozen=True)
class Visit:
    """A request of a signed-in user, whose object and model the user may see or act on."""

    user: UserRow
    engine: Engine
    settings: Sections
    now: datetime
    #: The models on which the user has the permission of the request; ``scope`` is what is shown.
    permitted: ModelSet
    #: The model of the address: that of its object, or the chosen one; ``None``: all.
    model: str | None = None
    #: Whether the route shows findings, which may be withheld.
    shows_findings: bool = True
    #: Models that are not shown, as their findings are withheld, with their waiting items.
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def lease(self) -> timedelta:
        """The time for which an item is reserved."""
        return self.settings.review.lease

    @property
    def scope(self) -> ModelSet:
        """The models of the request: the chosen one, or all that are not left out."""
        models = self.permitted.exclude(self.left_out)
        return models if self.model is None else models.narrow(self.model)

    @cached_property
    def frame(self) -> Frame:
        """Models for the switch and the navigation. Not inside a transaction."""
        with self.transaction() as connection:
            return self.read_frame(connection)

    def read_frame(self, connection: Connection) -> Frame:
        """Read what the frame of a page needs, in a transaction that reads the page itself."""
        choices = list_choices(connection, self.settings, self.permitted)
        blind = blind_models(connection, self.user, counts=self.shows_findings)
        frame = Frame(choices, {model: n for model, n in blind.items() if model in self.permitted})
        vars(self)["frame"] = frame
        return frame

    def of(self, **changes: Any) -> "Visit":
        """Return a copy with another model, or with models left out; the frame isn't read again."""
        copy = replace(self, **changes)
        vars(copy).update({name: of for name, of in vars(self).items() if name == "frame"})
        return copy

    @property
    def switch(self) -> tuple[ModelChoice, ...]:
        """The models that can be chosen. Not inside a transaction."""
        return self.frame.choices

    @property
    def choices(self) -> tuple[ModelChoice, ...]:
        """The models that can be chosen and are not left out. Not inside a transaction."""
        return tuple(choice for choice in self.switch if choice.name not in self.left_out)

    @property
    def blind(self) -> Mapping[str, int]:
        """The models whose findings are withheld: see :class:`Frame`. Not inside a transaction."""
        return self.frame.blind

    @property
    def is_blind(self) -> bool:
        """Whether the findings of all models are withheld. Not inside a transaction."""
        return bool(self.blind) and {choice.name for choice in self.switch} <= self.blind.keys()

    def require_findings(self, model: str) -> None:
        """Raise ``FindingsWithheldException`` where the findings of a model are withheld."""
        if model in self.blind:
            raise FindingsWithheldException({model: self.blind[model]}, self.switch, self.model)

    @property
    def model_name(self) -> str:
        """The only model of the page, where the daemon has several; else empty."""
        names = {choice.name for choice in self.switch}
        if len(names | set(self.settings.names.listed)) < 2:
            return ""
        return self.model or (self.switch[0].name if len(names) == 1 else "")

    def reads_all_texts_of(self, model: str) -> bool:
        """Return whether the user reads texts of all task types of a model."""
        return self.user.grants.reads_all_texts_of(model)

    def transaction(self) -> AbstractContextManager[Connection]:
        """Open a transaction; see :func:`monitor.store.engine.transaction`."""
        return transaction(self.engine)

    @property
    def one_model(self) -> str:
        """The model of the address, or the first of those that can be chosen.

        Raises:
            NotFoundError: There is none.
        """
        if self.model is not None:
            return self.model
        if not self.choices:
            raise NotFoundError("there is no model")
        return self.choices[0].name

    def address(self, path: str) -> str:
        """Return the address of a page for the same model, which one model needs not name."""
        if self.model is None or len(self.switch) < 2:
            return path
        return f"{path}?{urlencode({'model': self.model})}"

    def page(
        self, name: str, context: Mapping[str, Any], *, status: int = 200, model: str | None = None
    ) -> Template:
        """Render a page with the switch of models.

        ``model`` is the page's, where the address doesn't name it.
        """
        own = self if model is None else self.of(model=model)
        common = {
            "user": self.user,
            "choices": own.switch,
            "model": own.model,
            "address": own.address,
            "model_name": own.model_name,
            "of_model": f": {own.model_name}" if own.model_name else "",
            "left_out": describe(self.left_out),
            "is_blind": own.is_blind,
        }
        return Template(name, context={**common, **context}, status_code=status)


def visitor(
    request: Request[Any, Any, Any],
    engine: NamedDependency[Engine],
    settings: NamedDependency[Sections],
    clock: NamedDependency[Clock],
) -> UserRow | None:
    """Return the signed-in user, read with the session at each request, or ``None``."""
    user: UserRow | None = request.state.get(USER)
    if user is None or not user.active:
        return None
    if request.session.get("epoch", 0) != user.session_epoch:  # deactivated, or a new password
        return None
    now = clock()
    if is_stale(datetime.fromtimestamp(request.session["since"], UTC), now):
        start_session(request, user, now)
    request.state.visitor = user
    # An error page keeps the user's navigation.
    request.state.visit = Visit(
        user, engine, settings, now, user.visible_models,
        shows_findings=request.route_handler.opt.get(FINDINGS, True),
    )  # fmt: skip
    return user


async def user(
    visitor: NamedDependency[UserRow | None], engine: NamedDependency[Engine]
) -> UserRow:
    """Return the signed-in user, or refuse the request.

    Raises:
        NotAuthorizedException: Nobody is signed in.
        DatabaseUnavailableError: Nobody is signed in, and nobody could: the address stays that of
            the page, so that it is shown once the database is available again.
    """
    if visitor is None:
        await anyio.to_thread.run_sync(require_available, engine)
        raise NotAuthorizedException("sign in first")
    return visitor


def visit(request: Request[Any, Any, Any], user: NamedDependency[UserRow]) -> Visit:
    """Return the visit of a user with a role on the model of the address, or refuse the request.

    Raises:
        PermissionDeniedException: The user has no role.
        NotFoundError: The object, or the chosen model, doesn't exist or isn't the user's.
        FindingsWithheldException: The route shows findings, which are withheld from the user.
    """
    del user  # who is signed in
    request.state.visit = _find_model(request, request.state.visit)
    return _withhold(request.state.visit)


def is_blind(request: Request[Any, Any, Any], visitor: NamedDependency[UserRow | None]) -> bool:
    """Return :attr:`Visit.is_blind` for a page that is of no model, and open to everybody."""
    return visitor is not None and request.state.visit.is_blind


def lead_visit(request: Request[Any, Any, Any], user: NamedDependency[UserRow]) -> Visit:
    """Return the visit of a lead of the model of the address, or refuse the request.

    Raises:
        PermissionDeniedException: The user leads no model.
        NotFoundError: The object, or the chosen model, doesn't exist or is not one that they lead.
    """
    led = replace(request.state.visit, permitted=user.led_models)
    return _withhold(_find_model(request, led))


def _withhold(visit: Visit) -> Visit:
    """Return the visit without the models whose findings are withheld."""
    if not visit.shows_findings:
        return visit
    if visit.model is not None:
        visit.require_findings(visit.model)
        return visit
    rest = visit.of(left_out=visit.blind)
    if rest.left_out and not rest.choices:
        raise FindingsWithheldException(rest.left_out, rest.switch, None)
    return rest


def _find_model(request: Request[Any, Any, Any], visit: Visit) -> Visit:
    """Return the visit with the model of the address.

    What doesn't exist and what the user may not see give the same response.
    """
    if not visit.permitted:
        raise PermissionDeniedException("your role doesn't include this page")
    owner = None
    for parameter, kind in OWNED.items():
        if parameter in request.path_params:
            with visit.transaction() as connection:
                owner = model_of(connection, kind, request.path_params[parameter])
                if owner is None or owner not in visit.permitted:
                    raise NotFoundError(f"there is no {kind} {request.path_params[parameter]}")
                _require_task_type(connection, request, visit, owner)
    if owner is not None:
        request.state.model = owner
        return visit.of(model=owner)
    name = request.query_params.get("model", "")
    if not name:
        return visit
    if name in visit.settings.names.listed:
        chosen = name if name in visit.permitted else None
    else:
        chosen = find_choice(visit.switch, visit.settings, name)
    if chosen is None:
        raise NotFoundError(f"there is no model {name}")
    request.state.model = chosen
    return visit.of(model=chosen)


def _require_task_type(
    connection: Connection, request: Request[Any, Any, Any], visit: Visit, model: str
) -> None:
    """Raise ``NotFoundError`` unless the user reads texts of the item's task type."""
    values = request.path_params
    if visit.reads_all_texts_of(model):
        return
    if "item_id" in values:
        task_type = item_by_id(connection, values["item_id"]).task_type
    elif "human_evaluation_id" in values and "number" in values:
        item = item_by_number(connection, values["human_evaluation_id"], values["number"])
        task_type = item.task_type
    else:
        return
    if not visit.user.grants.reads_texts_of(model, task_type):
        raise NotFoundError("there is no such item")
