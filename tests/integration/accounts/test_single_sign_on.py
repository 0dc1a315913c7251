"""Single sign-on with a local provider."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine

from monitor.accounts.sessions import COOKIE as SESSION
from monitor.accounts.users import Actor, deactivate, reset_password
from monitor.daemon import web_app as product
from monitor.daemon.readiness.monitoring import sign_in_finding
from monitor.errors import ConfigurationError, SignOnError, SignOnUnavailableError
from monitor.settings import Secrets, Settings
from monitor.store.accounts.grants import Grant
from monitor.store.accounts.users import user_by_name
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.web.server import BackgroundServer
from monitor.web.sign_in.single_sign_on_page import COOKIE
from tests.services.openid import CLIENT_ID, CLIENT_SECRET, Provider, running_provider
from tests.support.web.apps import create_app
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


def test_a_user_invited_by_email_signs_in(
    any_engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(any_engine, clock)
    app = create_app(any_engine, settings_for(provider), SECRETS)
    with BackgroundServer(app) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        browser = Browser(client)
        assert "Sign in with single sign-on" in browser.visitor.get("/login").text
        response = browser.sign_in("/drift-evaluations?x=1")
        assert (
            response.status_code,
            response.headers["location"],
        ) == (303, "/drift-evaluations?x=1")
        assert "<b>Ada</b>" in browser.visitor.get("/review").text
    query = provider.requests[0]
    assert {"openid", "email", "profile"} == set(query["scope"].split())
    assert len(query["code_challenge"]) == 43
    assert min(len(query["state"]), len(query["nonce"])) > 40


def test_a_linked_subject_outlives_its_email_address(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    ada = add(engine, clock)
    browse().sign_in()
    provider.user_claims["email"] = "ada.married@bank.example"
    assert browse().sign_in().status_code == 303  # the same subject, another address
    provider.user_claims |= {"sub": "new-colleague", "email": "ada@bank.example"}
    refused(browse().sign_in(), "is linked to another identity")
    with transaction(engine) as connection:
        reset_password(connection, Actor(SYSTEM), ada, now=clock, link_lifetime=None)
    assert browse().sign_in().status_code == 303


def test_uninvited_users_are_refused_by_default(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock, "Ben", "ben@bank.example")
    refused(browse().sign_in(), "ada@bank.example has no account; ask a lead")


def test_deactivated_users_are_refused(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    ada = add(engine, clock)
    browser = browse()
    browser.sign_in()
    with transaction(engine) as connection:
        deactivate(connection, Actor(SYSTEM), ada, clock)
    assert browser.visitor.get("/review").status_code == 303  # to the sign-in
    refused(browser.sign_in(), "the account of Ada is deactivated")


def test_create_users_adds_users_of_allowed_domains(
    browse: Open, engine: Engine, provider: Provider
) -> None:
    options = {"create_users": True, "allowed_domains": ("bank.example",)}
    assert browse(**options, default_role="adjudicator").sign_in().status_code == 303
    with transaction(engine) as connection:
        user = user_by_name(connection, "Ada L.")
    assert user is not None
    assert (
        user.grants.role_on("any"),
        user.email,
        user.has_password,
    ) == ("adjudicator", "ada@bank.example", False)
    provider.user_claims |= {"sub": "other", "email": "eve@evil.example"}
    refused(browse(**options).sign_in(), "evil.example is not allowed")


def test_created_users_have_a_role_on_the_default_models(
    browse: Open, engine: Engine, provider: Provider
) -> None:
    options = {"create_users": True, "allowed_domains": ("bank.example",)}
    assert browse(**options, default_models=("router",)).sign_in().status_code == 303
    with transaction(engine) as connection:
        user = user_by_name(connection, "Ada L.")
    assert user is not None
    assert {"router": Grant("router", "reviewer")} == user.grants.by_model


def test_groups_are_checked_at_each_sign_in(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock)
    provider.user_claims["groups"] = ["staff", "experts"]
    browser = browse(allowed_groups=("experts",))
    assert browser.sign_in().status_code == 303
    provider.user_claims["groups"] = ["staff"]
    refused(browser.sign_in(), "not in a group that may sign in")
    provider.user_claims["groups"] = {"experts": True}  # no list
    refused(browser.sign_in(), "not in a group that may sign in")


@pytest.mark.parametrize("verified", [False, "false", None, []])
def test_an_unverified_email_address_is_refused(
    browse: Open, engine: Engine, provider: Provider, clock: datetime, verified: Any
) -> None:
    add(engine, clock)
    provider.user_claims["email_verified"] = verified
    refused(browse().sign_in(), "is not verified by the provider")
    assert browse(require_verified_email=False).sign_in().status_code == 303


def test_a_missing_claim_is_read_from_userinfo(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock)
    provider.userinfo = {**provider.user_claims}
    provider.user_claims = {"sub": "ada-1"}
    assert browse().sign_in().status_code == 303
    provider.userinfo["sub"] = "somebody else"
    refused(browse().sign_in(), "belongs to another subject than its token")


def test_users_without_email_match_by_name(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock, "ada.l", "")
    provider.user_claims["preferred_username"] = "ada.l"
    assert browse(identity_claim="preferred_username").sign_in().status_code == 303


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_the_return_path_stays_on_this_site(
    browse: Open, engine: Engine, clock: datetime, target: str
) -> None:
    add(engine, clock)
    assert browse().sign_in(target).headers["location"] == "/"


def test_signing_in_replaces_an_earlier_session(
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
    assert visitor.sign_in("Ada").status_code == 403
    assert visitor.post("/login", {"name": "Ada", "password": "x"}).status_code == 403
    assert visitor.get("/welcome/anything").status_code == 404


def test_an_unavailable_provider_gives_status_503(
    browse: Open, provider: Provider, engine: Engine
) -> None:
    provider.metadata["token_endpoint"] = "http://127.0.0.1:9/token"
    browser = browse()
    refused(browser.sign_in(), "the provider is unavailable", 503)


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"issuer": "https://other.example"}, "make them equal"),
        ({"token_endpoint": "http://sso.example/token"}, "is not https://"),
        ({"jwks_uri": None}, "no provider metadata"),
    ],
)
def test_check_reports_an_invalid_provider(
    provider: Provider, metadata: dict[str, Any], why: str
) -> None:
    provider.metadata = metadata
    with pytest.raises(SignOnError, match=why):
        sign_in_finding(settings_for(provider), SECRETS)


def test_check_reports_an_available_provider() -> None:
    with running_provider() as provider:
        settings = settings_for(provider)
        report = sign_in_finding(settings, SECRETS)
    assert ("ok", f"by {provider.url}, 1 signing keys, or by password") == (
        report.status,
        report.message,
    )
    with pytest.raises(SignOnUnavailableError, match="is unavailable"):
        sign_in_finding(settings, SECRETS)
    assert sign_in_finding(Settings(), Secrets()).message == "by password"


def test_a_missing_package_refuses_the_configuration(
    engine: Engine, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.extras.is_installed", lambda _: False)
    with pytest.raises(ConfigurationError, match=r"pip install 'driftwarden\[oidc\]'"):
        product.create_app(engine, settings_for(provider), SECRETS)
    product.create_app(engine, Settings(), SECRETS)


def test_the_client_secret_is_not_in_the_url(browse: Open, provider: Provider) -> None:
    begun = browse().visitor.get("/login/sso")
    query = parse_qs(urlsplit(begun.headers["location"]).query)
    assert query["client_id"] == [CLIENT_ID]
    assert CLIENT_SECRET not in str(query)
    assert "verifier" not in begun.headers["location"]
    cookie = next(v for k, v in begun.headers.multi_items() if k == "set-cookie" and COOKIE in v)
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=600"} <= set(cookie.split("; "))


def test_without_a_provider_its_routes_are_missing(engine: Engine) -> None:
    with TestClient(create_app(engine, Settings(), Secrets())) as client:
        visitor = Visitor(client)
        for path in ("/login/sso", "/login/sso/callback?state=x&code=y"):
            assert visitor.get(path).status_code == 404
