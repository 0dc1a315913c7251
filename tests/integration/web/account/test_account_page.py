"""The page of the own account: a new password, other sessions, and attacks on both."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import Engine, select

from monitor.accounts import own_account
from monitor.accounts.authentication import authenticate
from monitor.accounts.invitations import create_link
from monitor.accounts.own_account import change_password, end_sessions
from monitor.accounts.registration import create_user
from monitor.accounts.sessions import COOKIE
from monitor.accounts.users import Actor, deactivate
from monitor.errors import InputError, WorkflowError
from monitor.settings import Secrets, Settings
from monitor.settings.web import Web
from monitor.store.access_log import AccessFilter, list_accesses
from monitor.store.accounts.grants import delete_grants
from monitor.store.accounts.invitations import open_invitations
from monitor.store.accounts.users import set_identity, set_password_hash, user_by_name
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry
from monitor.web.server import BackgroundServer
from tests.support.refusals import refusal
from tests.support.review.review_world import PASSWORD
from tests.support.web.apps import create_app
from tests.support.web.route_table import Visitor
from tests.support.web.sign_on_browser import SECRETS

NEW = "lamps over quiet harbours"
Visit = Callable[..., Visitor]


@pytest.fixture
def staff(engine: Engine, clock: datetime) -> dict[str, int]:
    with transaction(engine) as connection:
        return {
            name: create_user(connection, name, PASSWORD, "reviewer", clock)
            for name in ("Ada", "Ben")
        }


@pytest.fixture
def visit(engine: Engine, staff: dict[str, int], clock: datetime) -> Iterator[Visit]:
    """Return a function that opens a browser, signed in where a name is given."""
    app = create_app(engine, Settings(), Secrets(), clock=lambda: clock)
    with ExitStack() as stack:
        urls: dict[int, str] = {}

        def start(name: str = "", application: Litestar = app) -> Visitor:
            if id(application) not in urls:
                urls[id(application)] = stack.enter_context(BackgroundServer(application)).url
            client = httpx.Client(base_url=urls[id(application)], timeout=60)
            visitor = Visitor(stack.enter_context(client))
            assert not name or visitor.sign_in(name).is_success
            return visitor

        yield start


def change(visitor: Visitor, old: str = PASSWORD, new: str = NEW, **fields: str) -> Any:
    form = {"old_password": old, "password": new, "repeated": new, **fields}
    return visitor.post("/account/password", form)


def works(visitor: Visitor) -> bool:
    return visitor.get("/api/work").status_code == 200


def actions(engine: Engine) -> list[tuple[str, str, str]]:
    with transaction(engine) as connection:
        columns = (AuditEntry.actor, AuditEntry.action, AuditEntry.subject)
        return [tuple(row) for row in connection.execute(select(*columns))][2:]


def test_a_new_password_ends_the_other_sessions(visit: Visit, engine: Engine) -> None:
    here, elsewhere, ben = visit("Ada"), visit("Ada"), visit("Ben")
    thief = visit()
    thief.client.cookies.update(here.client.cookies)
    response = change(here)
    assert (
        response.status_code,
        response.headers["location"],
    ) == (303, "/account?done=password")
    assert [works(browser) for browser in (here, elsewhere, thief, ben)] == [
        True,
        False,
        False,
        True,
    ]
    assert visit().sign_in("Ada", PASSWORD).status_code == 401
    assert visit().sign_in("Ada", NEW).status_code == 200
    assert actions(engine) == [("Ada", "password_changed", "user:Ada")]
    assert here.get("/account?done=password").status_code == 200


REFUSED = [
    {"old": ""},
    {"old": NEW},
    {"old": PASSWORD.upper()},
    {"new": "short"},
    {"new": "x" * 1025},
    {"new": "PassWord-1234"},
    {"new": PASSWORD},
    {"repeated": NEW + "!"},
]


def test_refused_passwords_change_nothing(visit: Visit, engine: Engine) -> None:
    ada, elsewhere = visit("Ada"), visit("Ada")
    for fields in REFUSED:
        assert change(ada, **fields).status_code == 400, fields
    assert works(ada)
    assert works(elsewhere)
    assert authenticate(engine, "Ada", PASSWORD)
    assert actions(engine) == []


def test_the_form_changes_nobody_elses_password(visit: Visit, engine: Engine) -> None:
    fields = {"username": "Ben", "name": "Ben", "user_id": "2"}
    assert change(visit("Ada"), **fields).status_code == 303
    assert authenticate(engine, "Ada", NEW)
    assert authenticate(engine, "Ben", PASSWORD)


def test_guessing_the_old_password_is_throttled(visit: Visit, engine: Engine) -> None:
    stolen = visit("Ada")
    assert [change(stolen, f"guess {n}").status_code for n in range(6)] == [400] * 5 + [429]
    assert change(stolen).status_code == 429, "also with the right password"
    assert visit().sign_in("Ada").status_code == 429, "it is the throttle of sign-ins"
    assert authenticate(engine, "Ada", PASSWORD)
    with transaction(engine) as connection:
        refused = list_accesses(connection, AccessFilter(action="sign_in_refused"), 20)
    assert [(row.actor, row.place) for row in refused] == [("Ada", "/account/password")] * 5


def test_a_right_password_uses_up_no_attempts(visit: Visit) -> None:
    ada = visit("Ada")
    assert [change(ada, new="short").status_code for _ in range(6)] == [400] * 6


def test_changes_without_the_token_are_refused(visit: Visit, engine: Engine) -> None:
    ada = visit("Ada")
    ada.headers = {}
    assert change(ada).status_code == 403
    assert ada.post("/account/sessions").status_code == 403
    assert authenticate(engine, "Ada", PASSWORD)
    assert change(visit()).status_code == 303, "signed out: to the sign-in page"
    assert authenticate(engine, "Ada", PASSWORD)


def test_passwords_are_neither_shown_nor_logged(
    visit: Visit, capsys: pytest.CaptureFixture[str]
) -> None:
    response = change(visit("Ada"), "zqk-old-password", "zqk-new", repeated="zqk-other")
    again = change(visit("Ada"), "zqk-old-password", "zqk-new-password")
    assert "zqk" not in response.text + again.text + str(capsys.readouterr())


def test_an_open_link_ends_with_the_password(
    visit: Visit, engine: Engine, staff: dict[str, int], clock: datetime
) -> None:
    with transaction(engine) as connection:
        create_link(
            connection, staff["Ada"], created_by="Lea", now=clock, lifetime=timedelta(days=7)
        )
    assert change(visit("Ada")).status_code == 303
    with transaction(engine) as connection:
        assert open_invitations(connection, clock) == {}


def test_other_sessions_end_and_this_one_goes_on(visit: Visit, engine: Engine) -> None:
    here, elsewhere = visit("Ada"), visit("Ada")
    assert here.post("/account/sessions").status_code == 303
    assert [works(here), works(elsewhere)] == [True, False]
    assert actions(engine) == [("Ada", "sessions_ended", "user:Ada")]
    assert authenticate(engine, "Ada", PASSWORD)


def test_one_of_two_concurrent_password_changes_wins(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transaction(any_engine) as connection:
        create_user(connection, "Ada", PASSWORD, "reviewer", clock)
    ada = authenticate(any_engine, "Ada", PASSWORD)
    assert ada is not None
    barrier, results = Barrier(2, timeout=30), []
    hashing = own_account.hash_password

    def hash_together(password: str) -> str:
        made = hashing(password)
        barrier.wait()
        return made

    def attempt(password: str) -> None:
        try:
            change_password(any_engine, ada, PASSWORD, password, clock)
            results.append(password)
        except WorkflowError as error:
            results.append(error.code)

    monkeypatch.setattr(own_account, "hash_password", hash_together)
    threads = [Thread(target=attempt, args=(f"{NEW} {n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("session_ended") == 1
    (winner,) = set(results) - {"session_ended"}
    assert authenticate(any_engine, "Ada", winner)


def test_a_deactivated_user_changes_nothing(
    engine: Engine, staff: dict[str, int], clock: datetime
) -> None:
    ada = authenticate(engine, "Ada", PASSWORD)
    assert ada is not None
    with pytest.raises(InputError) as same:
        change_password(engine, ada, PASSWORD, PASSWORD, clock)
    assert same.value.code == "same_password"
    with transaction(engine) as connection:
        deactivate(connection, Actor(SYSTEM), staff["Ada"], clock)
    with refusal("session_ended"):
        change_password(engine, ada, PASSWORD, NEW, clock)
    with refusal("session_ended"):
        end_sessions(engine, ada, clock)


@pytest.mark.parametrize("provider", ["", "https://sign-on.example"])
def test_users_of_single_sign_on_have_no_form(
    visit: Visit, engine: Engine, staff: dict[str, int], clock: datetime, provider: str
) -> None:
    oidc = {"issuer": provider, "client_id": "driftwarden", "label": "Example ID"}
    web = Web.model_validate({"oidc": oidc if provider else {}, "passwords": not provider})
    app = create_app(engine, Settings(web=web), SECRETS, clock=lambda: clock)
    ada = visit("Ada")
    with transaction(engine) as connection:
        set_password_hash(connection, staff["Ada"], "")
        set_identity(connection, staff["Ada"], "sub")
        row = user_by_name(connection, "Ada")
    assert row is not None
    assert not row.has_password
    visitor = visit(application=app)
    visitor.client.cookies.set(COOKIE, ada.client.cookies[COOKIE])
    page = visitor.get("/account")
    assert page.status_code == 200
    assert 'name="old_password"' not in page.text
    assert ("Example ID" in page.text) is bool(provider)
    assert 'action="/account/sessions"' in page.text
    refused = change(visitor)
    assert (403 if provider else 400) == refused.status_code
    assert "open for too long" not in refused.text, "not for its token"


def test_a_user_without_a_role_has_an_account(
    visit: Visit, engine: Engine, staff: dict[str, int]
) -> None:
    with transaction(engine) as connection:
        delete_grants(connection, staff["Ada"], ["*"])
    ada = visit("Ada")
    assert 'name="old_password"' in ada.get("/account").text
    assert change(ada).status_code == 303
