"""Applications of the page that are built once and used by test after test.

Building one takes longer than most tests that use it. Its engine, its clock, the settings that
its handlers read and its provider of single sign-on are another test's: they are exchanged.
"""

from typing import Any

from litestar import Litestar
from sqlalchemy import Engine

from monitor.daemon import web_app as product
from monitor.settings import Secrets, Sections
from monitor.web.clock import Clock, utc_now
from monitor.web.sign_in.single_sign_on_page import connect


class _EngineStandIn(Engine):
    """Has all attributes of an engine, which can be exchanged."""

    def __init__(self, engine: Engine) -> None:
        self.exchange(engine)

    def exchange(self, engine: Engine) -> None:
        """Stand for another engine."""
        object.__setattr__(self, "_engine", engine)

    def __getattribute__(self, name: str) -> Any:
        if name in {"exchange", "__class__", "__dict__"}:
            return object.__getattribute__(self, name)
        return getattr(self.__dict__["_engine"], name)


class _ReusableApp:
    def __init__(self, engine: Engine, settings: Sections, secrets: Secrets, clock: Clock) -> None:
        self.stand_in = _EngineStandIn(engine)
        self.settings, self.secrets, self.clock = settings, secrets, clock
        self.app = product.create_app(self.stand_in, settings, secrets, clock=self._now)

    def exchange(self, engine: Engine, settings: Sections, clock: Clock) -> None:
        """Serve another test, with settings that fit."""
        self.stand_in.exchange(engine)
        self.clock = clock
        if settings != self.settings:
            self.settings = settings
            provider = connect(settings, self.secrets)
            self.app.dependencies["settings"].dependency = lambda: settings
            self.app.dependencies["provider"].dependency = lambda: provider

    def _now(self) -> Any:
        return self.clock()

    def fits(self, settings: Sections, secrets: Secrets) -> bool:
        """Return whether only handlers and the provider notice these settings and secrets."""
        return (_built_in(self.settings), self.secrets) == (_built_in(settings), secrets)


def _built_in(settings: Sections) -> tuple[Any, ...]:
    """Return the settings that `create_app` itself reads, but those of the provider."""
    return settings.web.secure_cookies, settings.alerts.public_url, settings.redaction


#: Applications that no test uses now, and those that the present one uses.
_free: list[_ReusableApp] = []
_used: list[_ReusableApp] = []


def create_app(
    engine: Engine, settings: Sections, secrets: Secrets, *, clock: Clock = utc_now
) -> Litestar:
    """Return an application that nothing else in the test uses.

    It signs CSRF tokens with the key of the first database that it had.
    """
    reusable = next((app for app in _free if app.fits(settings, secrets)), None)
    if reusable is None:
        reusable = _ReusableApp(engine, settings, secrets, clock)
    else:
        _free.remove(reusable)
        reusable.exchange(engine, settings, clock)
    _used.append(reusable)
    return reusable.app


def give_back() -> None:
    """Let the next test use the applications of the one that is over."""
    _free.extend(_used)
    _used.clear()
