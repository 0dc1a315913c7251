"""Single sign-on: who comes in by a provider that runs here, and who doesn't."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine

from monitor.accounts.sessions import COOKIE as SESSION
from monitor.accounts.users import THE_OPERATOR, deactivate, reset_password
from monitor.daemon import readiness
from monitor.errors import ConfigurationError, SignOnError, SignOnUnavailableError
from monitor.settings import Secrets, Settings
from monitor.store.accounts.users import user_by_name
from monitor.store.engine import transaction
from monitor.web.app import create_app
from monitor.web.server import BackgroundServer
from monitor.web.sign_in.single_sign_on_page import COOKIE
from tests.services.openid import CLIENT_ID, CLIENT_SECRET, Provider, running_provider
from tests.support.web.route_table import Visitor
from tests.support.web.sign_on_browser import (
    SECRETS,
    Browser,
    Open,
    add,
    browsing,
    refused,
    settings_for,
)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


@pytest.fixture
def browse(engine: Engine, provider: Provider) -> Iterator[Open]:
    with browsing(engine, provider) as start:
        yield start


def test_who_was_invited_by_email_signs_in(
    any_engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(any_engine, clock)
    app = create_app(any_engine, settings_for(provider), SECRETS)
    with BackgroundServer(app) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        browser = Browser(client)
        assert "Sign in with single sign-on" in browser.visitor.get("/login").text
        answer = browser.sign_in("/drift-evaluations?x=1")
        assert (303, "/drift-evaluations?x=1") == (answer.status_code, answer.headers["location"])
        assert "<b>Ada</b>" in browser.visitor.get("/review").text
    asked = provider.requests[0]
    assert {"openid", "email", "profile"} == set(asked["scope"].split())
    assert len(asked["code_challenge"]) == 43
    assert min(len(asked["state"]), len(asked["nonce"])) > 40


def test_the_subject_is_bound_and_an_address_that_moves_on_opens_nothing(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    ada = add(engine, clock)
    browse().sign_in()
    provider.who["email"] = "ada.married@bank.example"
    assert 303 == browse().sign_in().status_code  # the same subject, another address
    provider.who |= {"sub": "new-colleague", "email": "ada@bank.example"}
    refused(browse().sign_in(), "belongs to an account that another identity signs in to")
    with transaction(engine) as connection:
        reset_password(connection, THE_OPERATOR, ada, now=clock, days=None)
    assert 303 == browse().sign_in().status_code


def test_strangers_are_refused_by_default(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock, "Ben", "ben@bank.example")
    refused(browse().sign_in(), "nobody has invited ada@bank.example; ask a lead")


def test_the_deactivated_are_refused(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    ada = add(engine, clock)
    browser = browse()
    browser.sign_in()
    with transaction(engine) as connection:
        deactivate(connection, THE_OPERATOR, ada, clock)
    assert 303 == browser.visitor.get("/review").status_code  # to the sign-in
    refused(browser.sign_in(), "the account of Ada is deactivated")


def test_allowed_people_are_created_where_that_is_configured(
    browse: Open, engine: Engine, provider: Provider
) -> None:
    options = {"create_users": True, "allowed_domains": ("bank.example",)}
    assert 303 == browse(**options, default_role="adjudicator").sign_in().status_code
    with transaction(engine) as connection:
        user = user_by_name(connection, "Ada L.")
    assert user is not None
    assert ("adjudicator", "ada@bank.example", False) == (
        user.role,
        user.email,
        user.has_password,
    )
    provider.who |= {"sub": "other", "email": "eve@evil.example"}
    refused(browse(**options).sign_in(), "addresses of evil.example may not sign in here")


def test_groups_are_asked_for_at_each_sign_in(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock)
    provider.who["groups"] = ["staff", "experts"]
    browser = browse(allowed_groups=("experts",))
    assert 303 == browser.sign_in().status_code
    provider.who["groups"] = ["staff"]
    refused(browser.sign_in(), "in a group that may sign in here")
    provider.who["groups"] = {"experts": True}  # no list
    refused(browser.sign_in(), "in a group that may sign in here")


@pytest.mark.parametrize("verified", [False, "false", None, []])
def test_an_address_that_nobody_verified_opens_nothing(
    browse: Open, engine: Engine, provider: Provider, clock: datetime, verified: Any
) -> None:
    add(engine, clock)
    provider.who["email_verified"] = verified
    refused(browse().sign_in(), "say that it has verified your e-mail address")
    assert 303 == browse(require_verified_email=False).sign_in().status_code


def test_a_claim_that_the_token_lacks_is_asked_of_the_provider(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock)
    provider.userinfo = {**provider.who}
    provider.who = {"sub": "ada-1"}
    assert 303 == browse().sign_in().status_code
    provider.userinfo["sub"] = "somebody else"
    refused(browse().sign_in(), "describes somebody else than its token names")


def test_people_without_an_address_are_known_by_their_name(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock, "ada.l", "")
    provider.who["preferred_username"] = "ada.l"
    assert 303 == browse(identity_claim="preferred_username").sign_in().status_code


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_the_way_back_is_on_this_site(
    browse: Open, engine: Engine, clock: datetime, target: str
) -> None:
    add(engine, clock)
    assert "/" == browse().sign_in(target).headers["location"]


def test_signing_in_replaces_the_session_that_was_there(
    browse: Open, engine: Engine, clock: datetime
) -> None:
    add(engine, clock)
    browser = browse()
    browser.visitor.client.cookies.set(SESSION, "planted")
    browser.sign_in()
    values = {
        cookie.value for cookie in browser.visitor.client.cookies.jar if cookie.name == SESSION
    }
    assert all(len(value) > 30 for value in values - {"planted"})
    assert values - {"planted"}


def test_passwords_can_be_turned_off(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock)
    visitor = browse(passwords=False).visitor
    page = visitor.get("/login").text
    assert 'name="password"' not in page
    assert "/login/sso" in page
    assert 403 == visitor.sign_in("Ada").status_code
    assert 403 == visitor.post("/login", {"name": "Ada", "password": "x"}).status_code
    assert 404 == visitor.get("/welcome/anything").status_code


def test_a_provider_that_is_away_is_not_our_fault(
    browse: Open, provider: Provider, engine: Engine
) -> None:
    provider.metadata["token_endpoint"] = "http://127.0.0.1:9/token"
    browser = browse()
    refused(browser.sign_in(), "the provider doesn't answer", 503)


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"issuer": "https://other.example"}, "have to be the same"),
        ({"token_endpoint": "http://sso.example/token"}, "isn't https://"),
        ({"jwks_uri": None}, "no provider's description"),
    ],
)
def test_check_says_what_is_wrong_with_the_provider(
    provider: Provider, metadata: dict[str, Any], why: str
) -> None:
    provider.metadata = metadata
    with pytest.raises(SignOnError, match=why):
        readiness._sign_in(settings_for(provider), SECRETS)


def test_check_says_that_the_provider_is_there() -> None:
    with running_provider() as provider:
        settings = settings_for(provider)
        found = readiness._sign_in(settings, SECRETS)
    assert ("ok", f"by {provider.url}, 1 signing keys, or by password") == (
        found.status,
        found.message,
    )
    with pytest.raises(SignOnUnavailableError, match="doesn't answer"):
        readiness._sign_in(settings, SECRETS)
    assert "by password" == readiness._sign_in(Settings(), Secrets()).message


def test_without_the_package_the_configuration_is_refused(
    engine: Engine, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.accounts.sign_on.provider.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'driftwarden\[oidc\]'"):
        create_app(engine, settings_for(provider), SECRETS)
    create_app(engine, Settings(), SECRETS)


def test_the_secret_stays_out_of_the_address(browse: Open, provider: Provider) -> None:
    begun = browse().visitor.get("/login/sso")
    query = parse_qs(urlsplit(begun.headers["location"]).query)
    assert [CLIENT_ID] == query["client_id"]
    assert CLIENT_SECRET not in str(query)
    assert "verifier" not in begun.headers["location"]
    cookie = next(v for k, v in begun.headers.multi_items() if k == "set-cookie" and COOKIE in v)
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=600"} <= set(cookie.split("; "))


def test_nothing_is_there_without_a_provider(engine: Engine) -> None:
    with TestClient(create_app(engine, Settings(), Secrets())) as client:
        visitor = Visitor(client)
        for path in ("/login/sso", "/login/sso/callback?state=x&code=y"):
            assert 404 == visitor.get(path).status_code
