"""A canary that hangs delays no revert, of its own model or of another."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Event, Thread

import pytest
from sqlalchemy import Engine

from monitor.settings import Configuration
from monitor.store.engine import transaction
from monitor.store.leadership import acting_under, fence, take_lease
from retrain.rollout.emergency.canary_probes import CanaryProbes
from retrain.rollout.jobs.rollouts import Rollouts
from retrain.rollout.transitions.revert import revert_rollout
from tests.support.retrain.rollout_desk import RolloutDesk, settings_of

LIMIT_SECONDS = 5.0


class Hang:
    """A backend that responds only after its release."""

    def __init__(self) -> None:
        self.reached, self.released = Event(), Event()

    def __call__(self, _prompt: str) -> str:
        self.reached.set()
        assert self.released.wait(30)
        return "late"


@dataclass
class Leader:
    """The daemon that leads, with two models at one gateway."""

    daemon: Rollouts
    epoch: int
    desk: RolloutDesk
    shop: RolloutDesk

    def apply(self, later: timedelta = timedelta(0)) -> None:
        with acting_under(self.epoch):
            self.daemon.apply(self.desk.now + later)

    def probe(self, later: timedelta = timedelta(0)) -> None:
        with acting_under(self.epoch):
            self.daemon.probe(self.desk.now + later)


@pytest.fixture
def leader(engine: Engine, clock: datetime) -> Leader:
    desk = RolloutDesk(engine, clock)
    shop = RolloutDesk(engine, clock, settings_of("shop"), desk.gateway)
    fenced = fence(engine)
    daemon = replace(
        desk.daemon,
        engine=fenced,
        settings=Configuration(models={"desk": {}, "shop": {}}),
        probes=CanaryProbes(fenced, desk.gateway),
    )
    with transaction(engine) as connection:
        epoch = take_lease(connection, "leader", timedelta(minutes=5))
    assert epoch is not None
    return Leader(daemon, epoch, desk, shop)


@pytest.fixture
def hang() -> Iterator[Hang]:
    hanging = Hang()
    yield hanging
    hanging.released.set()


def revert_by_rows(desk: RolloutDesk) -> None:
    """Revert as the page does: the daemon has to send the weights."""
    rollout = desk.rollout()
    with transaction(desk.engine) as connection:
        revert_rollout(connection, rollout.id, desk.now, by="lea", reason="bad")


def test_hanging_first_probe_delays_no_other_revert(leader: Leader, hang: Hang) -> None:
    leader.shop.start()
    leader.apply()
    assert leader.shop.in_force() == (1, 2, 5)
    canary = leader.desk.register()
    leader.desk.gateway.define("desk", 2, hang)
    leader.desk.start(canary)
    leader.apply()
    assert hang.reached.is_set()
    began = time.monotonic()
    revert_by_rows(leader.shop)
    leader.apply()
    assert time.monotonic() - began < LIMIT_SECONDS
    assert leader.shop.in_force() == (1, None, 0)
    assert leader.shop.weights().confirmed_at is not None
    assert leader.desk.in_force() == (1, None, 0)
    hang.released.set()
    leader.daemon.sending["desk"].result(10)
    assert leader.desk.in_force() == (1, 2, 5)
    assert leader.desk.weights().confirmed_at is not None


def test_hanging_probe_delays_no_revert(leader: Leader, hang: Hang) -> None:
    for desk in (leader.desk, leader.shop):
        desk.start()
    leader.apply()
    leader.desk.gateway.define("desk", 2, hang)
    later = timedelta(minutes=1)
    probing = Thread(target=leader.probe, args=(later,))
    probing.start()
    assert hang.reached.wait(10)
    began = time.monotonic()
    for desk in (leader.desk, leader.shop):
        revert_by_rows(desk)
    leader.apply(later)
    assert time.monotonic() - began < LIMIT_SECONDS
    assert [leader.desk.in_force(), leader.shop.in_force()] == [(1, None, 0)] * 2
    assert probing.is_alive()
    hang.released.set()
    probing.join(10)
