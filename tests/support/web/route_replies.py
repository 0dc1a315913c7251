"""The replies of every route to everybody: signed in or not, with each role, or with a token."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, event, func, select

from monitor.store.engine import transaction
from monitor.store.tables import AccessEntry
from monitor.web.access.audience import AUDIENCE, FINDINGS, TEXTS, Audience, Texts
from monitor.web.current_user import OWNED
from tests.support.web.marked_world import marks_in
from tests.support.web.route_table import Visitor
from tests.support.web.route_walk import SavedDatabase, bodies_of

TOKEN = "a token of twenty characters"
#: What each visitor is to the model of the world; outsiders have their role on another one.
VISITORS = {
    "": Audience.EVERYBODY, "program": Audience.PROGRAMS, "Nora": Audience.USERS,
    "Rob": Audience.REVIEWERS, "Yara": Audience.LEADS, "Ada": Audience.REVIEWERS,
    "Dan": Audience.REVIEWERS, "Cleo": Audience.ADJUDICATORS, "Lea": Audience.LEADS,
    "Max": Audience.LEADS,
}  # fmt: skip
OUTSIDERS = ("Rob", "Yara")
#: A reviewer who has no work: each item is somebody else's.
IDLE = "Dan"
#: Values of path parameters that are no ids.
VALUES = {"topic": "0", "model": "assistant", "page": "drift", "token": "x"}
MISSING = 999
QUERIES = {
    "/api/rollouts/verdict": ("?model=assistant",),
    "/digest": ("?model=assistant",),
    "/exchanges": ("?model=assistant",),
    "/exchanges/batch": ("?model=assistant",),
    "/drift-evaluations/{evaluation_id:int}": ("?topic=0",),
    "/drift-evaluations/{evaluation_id:int}/report": ("?kind=evidently",),
    "/guidelines": ("?model=assistant",),
    "/guidelines/{number:int}": ("?model=assistant",),
    "/progress": ("?model=assistant",),
}
FORM = {"reason": "because", "text": "a note", "confirmed": "yes", "on": "*", "role": "reviewer"}


@dataclass(frozen=True)
class DeclaredRoute:
    """A route with what it declares."""

    method: str
    path: str
    audience: Audience | None
    texts: Texts | None
    #: What it takes; ``None``: nothing.
    body: Any = field(compare=False)
    #: Whether it withholds findings by taking a visit; ``None``: it declares that it shows none.
    withholds_findings: bool | None = None

    @property
    def has_owner(self) -> bool:
        """Whether a path parameter names an object of a model."""
        return not OWNED.keys().isdisjoint(re.findall(r"\{(\w+):", self.path))

    def is_of_others(self, visitor: str) -> bool:
        """Return whether its objects are of a model, or the work, of others."""
        return self.has_owner and (
            visitor in OUTSIDERS or (visitor == IDLE and "item_id" in self.path)
        )

    def concerns(self, visitor: str) -> bool:
        """Return whether the visitor's reply can differ from those of others like them."""
        if visitor == IDLE:
            return "item_id" in self.path
        if visitor == "program":
            return self.audience is Audience.PROGRAMS
        return visitor != "Max" or self.method == "GET"

    def is_for(self, visitor: str) -> bool:
        """Return whether a visitor may ask it, by what it declares."""
        level = VISITORS[visitor]
        assert self.audience is not None
        if Audience.PROGRAMS in {level, self.audience}:
            return self.audience in {level, Audience.EVERYBODY}
        if self.is_of_others(visitor):
            return self.audience <= Audience.USERS
        return self.audience <= level

    def addresses(self, items: Sequence[int], visitor: str) -> list[str]:
        """Return what a visitor asks for: of a forbidden route one object, and a missing one."""
        is_open = self.is_for(visitor)
        ids: Sequence[int] = items if "item_id" in self.path else [1, 2, 3]
        if "{" not in self.path:
            ids = [1]
        elif not is_open:
            ids = ids[:1]
        if self.is_of_others(visitor):
            ids = [*(items if visitor == IDLE else ids[:1]), MISSING]
        filled = [
            re.sub(r"\{(\w+):\w+\}", lambda match: VALUES.get(match[1], str(number)), self.path)  # noqa: B023
            for number in ids
        ]
        return [*filled, *(filled[0] + query for query in QUERIES.get(self.path, ()) if is_open)]


@dataclass(frozen=True)
class Reply:
    """A response, with the columns whose texts it holds."""

    route: DeclaredRoute
    visitor: str
    address: str
    status: int
    #: Whether it says that this visitor must not, or must sign in.
    is_refusal: bool
    location: str
    marks: frozenset[tuple[str, str]]
    changed: bool
    #: Reads that the access log has of it.
    n_reads: int
    text: str
    #: Queries that were sent twice with the same values.
    repeated: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.visitor or 'nobody'}: {self.route.method} {self.address}: {self.status}"


def declared_routes(app: Litestar) -> list[DeclaredRoute]:
    """Return every route but those of static files."""
    return [
        DeclaredRoute(
            str(method), route.path, handler.opt.get(AUDIENCE), handler.opt.get(TEXTS),
            bodies_of(handler)[0],
            "visit" in handler.parsed_fn_signature.parameters
            if handler.opt.get(FINDINGS, True)
            else None,
        )
        for route in app.routes
        for method, (handler, _) in getattr(route, "route_handler_map", {}).items()
        if method not in {"OPTIONS", "HEAD"} and not route.path.startswith(("/static", "/vendor"))
    ]  # fmt: skip


@dataclass
class Crowd:
    """All visitors with their sessions, who ask one application."""

    client: TestClient[Any]
    engine: Engine
    #: Cookies and headers of each visitor.
    browsers: dict[str, tuple[dict[str, str], dict[str, str]]]

    @classmethod
    def sign_in(
        cls, client: TestClient[Any], engine: Engine, visitors: Sequence[str] = tuple(VISITORS)
    ) -> "Crowd":
        browsers = {}
        for name in visitors:
            client.cookies.clear()
            visitor = Visitor(client)
            if name == "program":
                visitor.headers["authorization"] = f"Bearer {TOKEN}"
            elif name:
                assert visitor.sign_in(name).is_success
            browsers[name] = (dict(client.cookies), visitor.headers)
        return cls(client, engine, browsers)

    def ask(
        self,
        routes: Sequence[DeclaredRoute],
        items: Sequence[int],
        visitors: Sequence[str] = tuple(VISITORS),
    ) -> Iterator[Reply]:
        """Yield the replies of all routes; what a request changes is undone before the next."""
        database = SavedDatabase(self.engine)
        state, n_reads = database.save(), self._count_reads()
        for route in (route for route in routes if route.audience is not None):
            for visitor in filter(route.concerns, visitors):
                for address in route.addresses(items, visitor):
                    before = database.version()
                    with self._queries() as sent:
                        response = self._send(route, visitor, address)
                    changed = database.version() != before
                    n_new = self._count_reads() - n_reads if changed else 0
                    yield _reply(
                        route, visitor, address, response,
                        changed=changed, n_reads=n_new, sent=sent,
                    )  # fmt: skip
                    if changed:
                        database.restore(state)
        database.close()

    def _send(self, route: DeclaredRoute, visitor: str, address: str) -> Any:
        cookies, headers = self.browsers[visitor]
        self.client.cookies.clear()
        self.client.cookies.update(cookies)
        body: dict[str, Any] = {}
        if route.method != "GET":
            body = {"json": route.body} if route.path.startswith("/api") else {"data": FORM}
        return self.client.request(
            route.method, address, headers=headers, follow_redirects=False, **body
        )

    @contextmanager
    def _queries(self) -> Iterator[Counter[tuple[str, str]]]:
        sent: Counter[tuple[str, str]] = Counter()

        def note(*call: Any) -> None:
            if call[2].startswith(("SELECT", "WITH")):
                sent[call[2], repr(call[3])] += 1

        event.listen(self.engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(self.engine, "before_cursor_execute", note)

    def _count_reads(self) -> int:
        reads = select(func.count()).where(AccessEntry.action == "read")
        with transaction(self.engine) as connection:
            return int(connection.execute(reads).scalar_one())


def _reply(
    route: DeclaredRoute,
    visitor: str,
    address: str,
    response: Any,
    *,
    changed: bool,
    n_reads: int,
    sent: Counter[tuple[str, str]],
) -> Reply:
    location = response.headers.get("location", "")
    return Reply(
        route, visitor, address, response.status_code,
        is_refusal=response.status_code in {401, 403, 404} or location.startswith("/login"),
        location=location,
        marks=frozenset(marks_in(response.text + repr(response.headers))),
        changed=changed, n_reads=n_reads, text=response.text,
        repeated=tuple(statement for (statement, _), n in sent.items() if n > 1),
    )  # fmt: skip
