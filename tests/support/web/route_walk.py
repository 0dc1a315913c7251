"""Requests to every route of an application as one user, while another user works.

The other user's texts are marked. A response that contains a mark, or that depends on the progress
of the other user's work, is a leak. Every request starts from the same copy of the database, so
that changes don't affect later requests.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

import msgspec
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

MARK = "PEERMARK"
#: Of an answer, these are the server's own.
IGNORED_HEADERS = {"content-length", "date", "server", "set-cookie"}
#: So are the lines of `/metrics` on processor time, memory and disks; the length follows.
OF_THE_PROCESS = re.compile(r"^(?:process|driftwarden_disk)_.*\n", re.MULTILINE)
#: Parameters of a handler that may read the query.
READING = {"request", "kind", "item", "item_id", "id"}


@dataclass(frozen=True)
class Request:
    """A request to a route of the application's own table."""

    method: str
    path: str
    body: Any


@dataclass(frozen=True)
class Response:
    """A received response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


def requests_to(app: Litestar, item_id: int, names: list[str]) -> list[Request]:
    """Return requests to every method of every route, each parameter filled with the item's id.

    Parameters of text are filled with the id and with users' names. A body is made up from what
    the handler declares.
    """
    made: list[Request] = []
    for route in app.routes:
        if not hasattr(route, "route_handler_map"):
            continue  # files
        for method, (handler, _) in route.route_handler_map.items():
            if method in {"OPTIONS", "HEAD"}:
                continue
            parameters = handler.parsed_fn_signature.parameters
            bodies = bodies_of(handler)
            query = f"?kind=page&item={item_id}&item_id={item_id}&id={item_id}"
            # The others respond to both alike.
            may_read = not READING.isdisjoint(parameters)
            for path in _paths(route.path, item_id, names):
                for added in ("", query) if may_read else (query,):
                    made += [Request(str(method), path + added, body) for body in bodies]
    return made


def _paths(path: str, item_id: int, names: list[str]) -> Iterator[str]:
    plain = re.sub(r"\{\w+:int\}", str(item_id), path)
    if "{" not in plain:
        yield plain
        return
    for value in (str(item_id), *names):
        yield re.sub(r"\{[^}]+\}", value, plain)


def bodies_of(handler: Any) -> list[Any]:
    """Return bodies that a handler accepts; ``None`` where it takes none."""
    data = handler.parsed_fn_signature.parameters.get("data")
    return list(_bodies(data.annotation)) if data else [None]


def _bodies(annotation: Any) -> Iterator[Any]:
    """Yield accepted bodies: with the first choice of each field, and with the second."""
    struct = next((part for part in _parts(annotation) if _is_struct(part)), None)
    if struct is None:
        yield {}
        return
    for choice in (0, 1):
        yield {
            field.encode_name: _value(field.type, choice)
            for field in msgspec.structs.fields(struct)
        }


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _is_struct(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, msgspec.Struct)


def _value(kind: Any, choice: int) -> Any:
    parts = list(_parts(kind))
    for part in parts:
        if get_origin(part) is Literal:
            values = [value for value in get_args(part) if value]
            return values[min(choice, len(values) - 1)]
    if bool in parts:
        return bool(choice)
    if int in parts or float in parts:
        return 5 - choice
    return f"something {choice}" if str in parts else {}


class SavedDatabase:
    """A SQLite database in a file that returns to a saved state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watcher = sqlite3.connect(engine.url.database or "")

    def close(self) -> None:
        self._watcher.close()

    def version(self) -> int:
        """Return a number that each change of the database changes."""
        (version,) = self._watcher.execute("PRAGMA data_version").fetchone()
        return int(version)

    def save(self) -> sqlite3.Connection:
        """Return a copy of the database."""
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        with _own_connection(self._engine) as own:
            own.backup(copy)
        return copy

    def restore(self, copy: sqlite3.Connection) -> None:
        with _own_connection(self._engine) as own:
            copy.backup(own)


class Walker:
    """Sends requests as one signed-in user, each to the same state of the database.

    Args:
        app: The application over `engine`.
        engine: A SQLite database in a file.
        sign_in: Signs the user in and returns the headers to send.
    """

    def __init__(
        self, app: Litestar, engine: Engine, sign_in: Callable[[TestClient[Any]], dict[str, str]]
    ) -> None:
        self.database = SavedDatabase(engine)
        self.client = TestClient(app, raise_server_exceptions=False)
        self.client.__enter__()
        self._headers = sign_in(self.client)
        self._cookies = dict(self.client.cookies)

    def close(self) -> None:
        self.database.close()
        self.client.__exit__(None, None, None)

    def walk(self, requests: list[Request], state: sqlite3.Connection) -> dict[Request, Response]:
        """Return the response to each request in a state of the database."""
        responses = {}
        self.database.restore(state)
        for request in requests:
            before = self.database.version()
            self.client.cookies.clear()
            self.client.cookies.update(self._cookies)
            got = self.client.request(
                request.method,
                request.path,
                json=request.body,
                headers=self._headers,
                follow_redirects=False,
            )
            headers = sorted(
                (name, value) for name, value in got.headers.items() if name not in IGNORED_HEADERS
            )
            body = OF_THE_PROCESS.sub("", got.text)
            responses[_key(request)] = Response(got.status_code, tuple(headers), body)
            if request.method != "GET" and self.database.version() != before:
                self.database.restore(state)
        return responses


def _key(request: Request) -> Request:
    return Request(request.method, request.path, repr(request.body))


@contextmanager
def _own_connection(engine: Engine) -> Iterator[sqlite3.Connection]:
    pooled = engine.raw_connection()
    try:
        connection = pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        yield connection
    finally:
        pooled.close()


def leaks(
    app: Litestar,
    engine: Engine,
    sign_in: Callable[[TestClient[Any]], dict[str, str]],
    stages: list[Callable[[], None]],
    requests: list[Request],
) -> list[str]:
    """Return what the responses reveal of another user, whose work the stages do in turn.

    Args:
        app: The application.
        engine: Its database.
        sign_in: Signs the requesting user in.
        stages: Each brings the peer's work further; the first is where they begin.
        requests: What to ask.
    """
    walker = Walker(app, engine, sign_in)
    problems: list[str] = []
    first: dict[Request, Response] = {}
    try:
        for number, stage in enumerate(stages):
            stage()
            state = walker.database.save()
            responses = walker.walk(requests, state)
            walker.database.restore(state)
            for request, response in responses.items():
                name = f"{request.method} {request.path} {request.body}"
                if MARK in response.body or MARK in repr(response.headers):
                    problems.append(f"{name} shows the peer's work")
                elif response != first.setdefault(request, response):
                    problems.append(f"{name} responds differently at stage {number}")
    finally:
        walker.close()
    return problems
