"""Invalid tokens and responses of a provider: refusals with reasons."""

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from joserfc import jwt
from sqlalchemy import Engine

from monitor.accounts.sessions import COOKIE as SESSION
from monitor.web.sign_in.single_sign_on_page import COOKIE
from tests.services.openid import CLIENT_ID, Provider, new_key, running_provider
from tests.support.present import utc_now
from tests.support.web.sign_on_browser import (
    Open,
    add,
    browsing,
    refused,
)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


@pytest.fixture
def browse(engine: Engine, provider: Provider) -> Iterator[Open]:
    with browsing(engine, provider) as start:
        yield start


def late(claims: dict[str, Any], name: str, seconds: int) -> dict[str, Any]:
    return claims | {name: int(utc_now().timestamp()) + seconds}


def urlsafe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("mend", "why"),
    [
        (lambda c: c | {"nonce": "another"}, "it belongs to another sign-in"),
        (lambda c: {k: v for k, v in c.items() if k != "nonce"}, "it belongs to another sign-in"),
        (lambda c: c | {"aud": "another client"}, "it was issued for another client"),
        (lambda c: c | {"aud": [CLIENT_ID, "x"], "azp": "x"}, "it was issued for another client"),
        (lambda c: {k: v for k, v in c.items() if k != "aud"}, "it was issued for another client"),
        (lambda c: c | {"iss": "https://evil.example"}, "it names another issuer"),
        (lambda c: late(c, "exp", -300), "it has expired"),
        (lambda c: {k: v for k, v in c.items() if k != "exp"}, "it has expired"),
        (lambda c: late(c, "iat", 300), "it was issued in the future"),
        (lambda c: late(c, "nbf", 300), "it isn't valid yet"),
        (lambda c: c | {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "it belongs to another access token"),
        (lambda c: {k: v for k, v in c.items() if k != "sub"}, "the token was refused"),
    ],
)  # fmt: skip
def test_an_invalid_token_is_refused_with_its_reason(
    browse: Open, engine: Engine, provider: Provider, clock: datetime, mend: Any, why: str
) -> None:
    add(engine, clock)
    provider.mend = mend
    browser = browse()
    refused(browser.sign_in(), why)
    provider.mend = lambda claims: claims
    assert browser.sign_in().status_code == 303, "only the token was wrong"


def test_an_unknown_signature_is_refused(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock)
    other_key = new_key("first")  # it calls itself as the real one does
    provider.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, other_key)
    refused(browse().sign_in(), "signature is not the provider's")


def test_unsigned_and_symmetric_tokens_are_refused(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock)
    pem = provider.key.as_pem(private=False)

    def forged(algorithm: str, claims: dict[str, Any]) -> str:
        header = {"alg": algorithm, "kid": "first", "typ": "JWT"}
        parts = [urlsafe(json.dumps(part).encode()) for part in (header, claims)]
        mac = hmac.digest(pem, ".".join(parts).encode(), "sha256") if algorithm != "none" else b""
        return ".".join([*parts, urlsafe(mac)])

    unsigned, by_public_key = partial(forged, "none"), partial(forged, "HS256")
    for sign in (unsigned, by_public_key, lambda claims: "no.token.", lambda claims: "é"):
        provider.sign = sign
        response = browse().sign_in()
        assert (response.status_code, SESSION in response.cookies) == (403, False), response.text


def test_a_rotated_key_is_fetched(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock)
    browser = browse()
    browser.sign_in()
    provider.key = new_key("second")
    assert browser.sign_in().status_code == 303


def test_a_callback_works_once(browse: Open, engine: Engine, clock: datetime) -> None:
    add(engine, clock)
    browser = browse()
    back = browser.go()
    cookie = browser.visitor.client.cookies[COOKIE]
    assert browser.visitor.get(back).status_code == 303
    browser.visitor.client.cookies.set(COOKIE, cookie)
    refused(browser.visitor.get(back), "already finished or has expired")


def test_a_callback_works_in_its_browser_only(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    """A callback URL opened in another browser does not sign in (login CSRF)."""
    add(engine, clock)
    mallory, victim = browse(), browse()
    back = mallory.go()
    refused(victim.visitor.get(back), "already finished or has expired")
    victim.go()
    refused(victim.visitor.get(back), "belongs to another sign-in")


def test_invalid_callbacks_are_refused_with_their_reason(
    browse: Open, engine: Engine, provider: Provider, clock: datetime
) -> None:
    add(engine, clock)
    browser = browse()
    provider.denies = "access_denied"
    refused(browser.sign_in(), "refused the sign-in (access_denied)")
    provider.denies = "<script>alert(1)</script>"
    response = browser.sign_in()
    refused(response, "no valid error code")
    assert "alert(1)" not in response.text
    provider.denies = ""
    back = browser.go()
    refused(
        browser.visitor.get(back.replace("iss=http", "iss=evil")),
        "comes from another provider",
    )
    back = browser.go()
    provider.codes.clear()
    refused(browser.visitor.get(back), "status 400 (invalid_grant)")
