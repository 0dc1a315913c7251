"""The application's route table, for tests of every route."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from litestar import Litestar

from tests.support.review.review_world import PASSWORD

#: Signed in or not, everybody may ask these.
PUBLIC = frozenset(
    {
        *("/", "/login", "/logout", "/api/login", "/healthz", "/readyz", "/metrics"),
        *("/login/sso", "/login/sso/callback", "/welcome/{token:str}"),
        *("/runbooks", "/runbooks/{page:str}"),
    }
)
#: For programs that show a token instead of a session.
WITH_TOKEN = frozenset({"/api/rollouts/verdict", "/api/rollouts/{model:str}/verdict"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Route:
    """A method and a path with parameters."""

    method: str
    path: str

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"\{(\w+):\w+\}", self.path)

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")

    def fill(self, values: Mapping[str, Any] | None = None) -> str:
        """Return the path with its parameters replaced; default 1."""
        return re.sub(r"\{(\w+):\w+\}", lambda m: str((values or {}).get(m[1], 1)), self.path)


def routes(app: Litestar) -> list[Route]:
    """Return every route but those of static files."""
    return sorted(
        (
            Route(method, route.path)
            for route in app.routes
            for method in route.methods
            if method != "OPTIONS" and not route.path.startswith(("/static", "/vendor"))
        ),
        key=lambda route: (route.path, route.method),
    )


def unsafe_routes(app: Litestar) -> Iterator[Route]:
    """Yield every route that may change state."""
    yield from (route for route in routes(app) if route.method not in SAFE)


class Visitor:
    """A browser that keeps cookies and sends the form token."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.headers: dict[str, str] = {}
        self.renew_token()

    def renew_token(self) -> None:
        """Read the token of a page."""
        token = re.search(r'csrf-token" content="([^"]+)"', self.client.get("/login").text)
        if token is not None:
            self.headers = {"x-csrftoken": token[1]}

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return self.send("POST", "/api/login", json={"name": name, "password": password})

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, form: Mapping[str, Any] | None = None) -> httpx.Response:
        return self.send("POST", path, data=dict(form or {}))

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        return self.client.request(method, path, headers=headers, follow_redirects=False, **options)
