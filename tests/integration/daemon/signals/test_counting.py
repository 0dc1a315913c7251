"""Counts of signals: exact whatever is killed or deleted, and few whatever a client sends."""

from datetime import datetime

import pytest
from sqlalchemy import Engine, delete, insert, select

from monitor.daemon.signals import counting
from monitor.store.engine import transaction
from monitor.store.tables import Exchange, SignalCount
from tests.support.signals.signal_world import EVERYTHING, HOUR, SignalWorld, ordinary_world


def test_every_signal_of_the_world_is_counted(engine: Engine, clock: datetime) -> None:
    world = ordinary_world(engine, clock, days=1)
    with transaction(engine) as connection:
        rows = connection.execute(
            select(SignalCount.kind, SignalCount.name, SignalCount.hours)
        ).all()
    counted = {f"{kind} {name}".strip(): sum(hours) for kind, name, hours in rows}
    assert set(counted) == EVERYTHING | {"sampled", "traffic", "task type cards"}
    assert counted["sampled"] == counted["traffic"] == counted["metric resolved"] == 48
    assert counted["task type refunds"] == counted["task type cards"] == 24
    assert counted["feedback thumbs_up"] == world.n_stored


def test_deleted_exchanges_stay_counted(engine: Engine, clock: datetime) -> None:
    world = ordinary_world(engine, clock)
    with transaction(engine) as connection:
        connection.execute(delete(Exchange))
    world.pass_time(25, cut=lambda *_: {"metric resolved"}, check_every=5)
    assert world.reported() == {"assistant": {"metric resolved"}}


def test_rows_count_once_after_kills(
    any_engine: Engine, clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = SignalWorld(any_engine, clock, ("assistant",))
    monkeypatch.setattr("monitor.daemon.signals.counting.IDS_AT_ONCE", 10)
    world.pass_time(24, check_every=100)
    killed = iter([True, False, True, False, False, True, *[False] * 50])

    def save(*arguments: object, **options: object) -> None:
        saved(*arguments, **options)
        if next(killed):
            raise KeyboardInterrupt

    saved = counting.save_progress
    monkeypatch.setattr(counting, "save_progress", save)
    for _ in range(6):
        try:
            world.pass_time(6, check_every=6)
        except KeyboardInterrupt:
            continue
    world.check()
    world.now += HOUR
    world.check()
    with transaction(any_engine) as connection:
        hours = connection.execute(
            select(SignalCount.hours).where(SignalCount.kind == "sampled")
        ).scalars()
        assert sum(map(sum, hours)) == world.n_stored


def test_names_of_an_attacker_are_not_counted(engine: Engine, clock: datetime) -> None:
    world = ordinary_world(engine, clock)
    with transaction(engine) as connection:
        template = dict(connection.execute(select(Exchange.__table__).limit(1)).mappings().one())
        template.pop("id")
        for number in range(500):
            made_up = {f"name-{number}-{k}": 1 for k in range(20)} | {"x" * 200: 1}
            row = {"offset": 10**6 + number, "attributes": made_up, "occurred_at": world.now}
            connection.execute(insert(Exchange).values({**template, **row}))
    world.pass_time(1)
    with transaction(engine) as connection:
        names = connection.execute(select(SignalCount.name).distinct()).scalars().all()
    assert len(names) == len(EVERYTHING) + 2
