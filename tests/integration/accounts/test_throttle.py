"""Throttling of sign-ins by name, by address and by both, across replicas."""

from datetime import datetime, timedelta

import httpx
import pytest
from litestar import Litestar, Request, get
from sqlalchemy import Engine

from monitor.accounts import throttle
from monitor.accounts.throttle import SignInThrottle
from monitor.store.accounts.sign_in_attempts import count_attempts
from monitor.store.engine import transaction
from monitor.web.server import BackgroundServer


def attempts(
    counting: SignInThrottle, name: str, address: str, now: datetime, n: int
) -> list[float]:
    return [counting.begin_attempt(name, address, now) for _ in range(n)]


def test_waits_double_and_end(any_engine: Engine, clock: datetime) -> None:
    counting = SignInThrottle(any_engine)
    assert attempts(counting, "Ada", "10.0.0.1", clock, 5) == [0.0] * 5
    now, waits = clock, []
    for _ in range(7):
        wait = counting.begin_attempt(" ADA ", "10.0.0.1", now)
        waits.append(wait)
        now += timedelta(seconds=wait)
        assert counting.begin_attempt("Ada", "10.0.0.1", now) == 0.0
    assert waits == [30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0]


def test_an_address_with_many_names_waits(any_engine: Engine, clock: datetime) -> None:
    counting = SignInThrottle(any_engine)
    tried = [counting.begin_attempt(f"name {n}", "2001:db8::1", clock) for n in range(31)]
    assert tried[:30] == [0.0] * 30
    assert tried[30] > 0
    assert counting.begin_attempt("another", "2001:db8::2", clock) > 0, "the same network"
    with transaction(any_engine) as connection:
        assert count_attempts(connection) == 61, "who is blocked leaves nothing behind"
    assert counting.begin_attempt("another", "2001:db8:0:1::1", clock) == 0.0
    assert counting.begin_attempt("another", "10.0.0.1", clock) == 0.0


def test_a_name_from_many_addresses_waits_briefly(any_engine: Engine, clock: datetime) -> None:
    counting = SignInThrottle(any_engine)
    tried = [counting.begin_attempt("Ada", f"10.0.0.{n}", clock) for n in range(30)]
    assert tried[:20] == [0.0] * 20
    assert all(0 < wait <= 60 for wait in tried[20:])


def test_a_success_undoes_its_failure(any_engine: Engine, clock: datetime) -> None:
    counting = SignInThrottle(any_engine)
    for _ in range(60):
        assert counting.begin_attempt("Ada", "10.0.0.1", clock) == 0.0
        counting.record_success("Ada", "10.0.0.1")


def test_an_own_account_keeps_the_address_waiting(any_engine: Engine, clock: datetime) -> None:
    counting = SignInThrottle(any_engine)
    for number in range(30):
        counting.begin_attempt(f"name {number}", "10.0.0.1", clock)
    later = clock + timedelta(seconds=31)
    assert counting.begin_attempt("Mallory", "10.0.0.1", later) == 0.0
    counting.record_success("Mallory", "10.0.0.1")
    assert counting.begin_attempt("guess", "10.0.0.1", later) > 0


def test_stored_attempts_are_bounded_and_expire(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "CAPACITY", 12)
    counting = SignInThrottle(any_engine)
    for number in range(10):
        counting.begin_attempt(
            f"name {number}", f"10.0.{number}.1", clock + timedelta(seconds=number)
        )
    with transaction(any_engine) as connection:
        assert count_attempts(connection) == 12
    counting.begin_attempt("later", "10.1.0.1", clock + timedelta(days=2))
    with transaction(any_engine) as connection:
        assert count_attempts(connection) == 3


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [((), "127.0.0.1"), (("127.0.0.1",), "10.1.2.3"), (("10.0.0.0/8",), "127.0.0.1")],
)
def test_only_trusted_proxies_set_the_client_address(trusted: tuple[str, ...], seen: str) -> None:
    @get("/", sync_to_thread=False)
    def where(request: Request) -> str:
        return request.client.host if request.client else ""

    with BackgroundServer(
        Litestar([where], openapi_config=None), trusted_proxies=trusted
    ) as server:
        assert seen == httpx.get(server.url, headers={"x-forwarded-for": "10.1.2.3"}).text
