"""A server on a world, and a browser for each of its users."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import Engine, delete, update

from monitor.review.items.settling import UNDO_TIME, settle_reviewed
from monitor.store.engine import transaction
from monitor.store.tables import (
    Decision,
    GoldExample,
    Review,
    ReviewAssignment,
    ReviewAudit,
    ReviewItem,
    ReviewMessage,
    ReviewProposal,
)
from tests.services.browser import give_session
from tests.support.present import utc_now
from tests.support.review.review_world import World


@dataclass
class Site:
    """A server on a world, and a browser for each of its users."""

    url: str
    world: World
    browser: Browser
    stack: ExitStack = field(default_factory=ExitStack)
    #: What the page's own scripts did wrong, or tried against the page's policy.
    problems: list[str] = field(default_factory=list)

    @property
    def engine(self) -> Engine:
        return self.world.engine

    def context(self, name: str = "", **options: Any) -> BrowserContext:
        """Return a browser context, signed in if a name is given."""
        options = {"viewport": {"width": 1440, "height": 900}} | options
        context = self.browser.new_context(**options)
        context.set_default_timeout(30_000)
        self.stack.callback(context.close)
        if name:
            give_session(context, self.engine, self.url, self.world.users[name])
        return context

    def open(self, name: str = "", path: str = "/review", **options: Any) -> Page:
        """Open a page as a user, in a separate browser."""
        page = self.context(name, **options).new_page()
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._note)
        page.goto(self.url + path)
        return page

    def _note(self, message: Any) -> None:
        if "Content Security" in message.text:
            self.problems.append(message.text)

    def caller(self, name: str) -> Callable[..., Any]:
        """Return a function that sends a user's API requests: (method, path, body)."""
        context = self.context(name)
        page = context.request.get(f"{self.url}/login").text()
        token = re.search(r'csrf-token" content="([^"]+)"', page)
        assert token is not None
        headers = {"x-csrftoken": token[1]}

        def send(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
            response = context.request.fetch(
                self.url + path, method=method, data=body or {}, headers=headers
            )
            assert response.ok, f"{method} {path}: {response.status} {response.text()}"
            return response.json()

        return send

    def settle(self) -> None:
        """Compare the reviews that could still be undone."""
        with transaction(self.engine) as connection:
            settle_reviewed(connection, utc_now() + UNDO_TIME, audit_share=1.0)

    def reset(self) -> None:
        """Reset the queue to its initial state."""
        with transaction(self.engine) as connection:
            for table in (
                ReviewMessage,
                ReviewProposal,
                ReviewAudit,
                GoldExample,
                Review,
                ReviewAssignment,
                Decision,
            ):
                connection.execute(delete(table))
            empty = ("status_before_flag", "excluded_reason", "complete_since")
            anew = {"status": "queued", "revision": 1, **dict.fromkeys(empty)}
            connection.execute(update(ReviewItem).values(**anew))
