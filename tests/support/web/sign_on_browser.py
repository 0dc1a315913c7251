"""Browsers that sign in by a local provider, and its refusals."""

import html
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

import httpx
from sqlalchemy import Engine

from monitor.accounts.sessions import COOKIE as SESSION
from monitor.accounts.users import Actor, invite
from monitor.settings import Alerts, OpenIdConnect, Secrets, Settings
from monitor.settings.web import Web
from monitor.store.accounts.users import user_by_name
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.web.server import BackgroundServer
from tests.services.openid import CLIENT_ID, CLIENT_SECRET, Provider
from tests.support.web.apps import create_app
from tests.support.web.route_table import Visitor

PUBLIC_URL = "https://drift.example.com"


def settings_for(provider: Provider, *, passwords: bool = True, **oidc: Any) -> Settings:
    section = OpenIdConnect(issuer=provider.url, client_id=CLIENT_ID, **oidc)
    return Settings(
        web=Web(oidc=section, passwords=passwords), alerts=Alerts(public_url=PUBLIC_URL)
    )


SECRETS = Secrets(driftwarden_oidc_client_secret=CLIENT_SECRET)


class Browser:
    """A browser that follows the redirects to the provider and back."""

    def __init__(self, client: httpx.Client) -> None:
        self.visitor = Visitor(client)

    def go(self, target: str = "/review") -> str:
        """Return the address that the provider redirects to."""
        begun = self.visitor.get("/login/sso", params={"next": target})
        assert begun.status_code == 303, begun.text
        response = httpx.get(begun.headers["location"])
        assert response.headers["location"].startswith(f"{PUBLIC_URL}/login/sso/callback?")
        return response.headers["location"].removeprefix(PUBLIC_URL)

    def sign_in(self, target: str = "/review") -> httpx.Response:
        return self.visitor.get(self.go(target))


Open = Callable[..., Browser]


@contextmanager
def browsing(engine: Engine, provider: Provider) -> Iterator[Open]:
    """Return a function that opens a browser at a server with these settings."""
    with ExitStack() as stack:

        def start(**options: Any) -> Browser:
            app = create_app(engine, settings_for(provider, **options), SECRETS)
            server = stack.enter_context(BackgroundServer(app))
            return Browser(stack.enter_context(httpx.Client(base_url=server.url, timeout=60)))

        yield start


def add(engine: Engine, clock: datetime, name: str = "Ada", email: str = "Ada@bank.example") -> int:
    with transaction(engine) as connection:
        invite(connection, Actor(SYSTEM), name=name, email=email, now=clock, link_lifetime=None)
        user = user_by_name(connection, name)
    assert user is not None
    return user.id


def refused(response: httpx.Response, why: str, status: int = 403) -> None:
    text = html.unescape(response.text).casefold()
    assert (response.status_code, why.casefold() in text) == (status, True), response.text
    assert SESSION not in response.cookies
