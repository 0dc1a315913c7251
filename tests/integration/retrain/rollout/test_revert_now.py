"""Reverts without the daemon: by rows, past a locked database, at the gateway alone, reconciled."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.errors import StaleWeightsError
from monitor.store.engine import make_engine, transaction
from monitor.store.leadership import acting_under, fence, take_lease
from monitor.store.training.registry import lock_model
from retrain.registry.stages import move_stage
from retrain.rollout.emergency.journal import reconcile_journal
from retrain.rollout.emergency.revert_now import Revert, revert_now
from retrain.rollout.gateways.protocol import Weights
from retrain.rollout.gateways.record_only import RecordOnlyGateway
from retrain.rollout.rows.events import last_event
from retrain.rollout.rows.looks import HOUR
from retrain.rollout.weights import as_weights
from tests.support.retrain.rollout_desk import RolloutDesk, settings_of


@pytest.fixture
def desk(any_engine: Engine, clock: datetime, tmp_path: Path) -> RolloutDesk:
    journal = str(tmp_path / "journal")
    made = RolloutDesk(any_engine, clock, settings_of(journal=journal))
    made.start()
    made.run_hours(6)
    assert made.in_force() == (1, 2, 25)
    return made


def now(desk: RolloutDesk, engine: Engine | None = None, **options: object) -> Revert:
    """Revert with a database, or with none that can be reached."""

    def open_engine() -> Engine:
        return engine or make_engine("postgresql+psycopg2://postgres@127.0.0.1:1/none")

    arguments: dict[str, object] = {
        "by": "ann", "reason": "it insults users", "journal": Path(desk.settings.rollout.journal),
        "database_seconds": 10.0, **options,
    }  # fmt: skip
    return revert_now(open_engine, desk.gateway, "desk", desk.now, **arguments)  # type: ignore[arg-type]


@contextmanager
def locked(engine: Engine) -> Iterator[None]:
    """Hold the lock that every change of the model needs."""
    with transaction(engine) as connection:
        lock_model(connection, "desk")
        yield


def test_any_leader_reverts_rows(desk: RolloutDesk) -> None:
    with transaction(desk.engine) as connection:
        epoch = take_lease(connection, "leader", timedelta(minutes=5))
    frozen = as_weights(desk.weights())
    done = now(desk, desk.engine)
    assert (done.by_rows, done.confirmed, done.journal) == (True, True, None)
    assert (desk.in_force(), desk.rollout().status) == ((1, None, 0), "reverted")
    assert desk.stage(desk.rollout().version_id) == "candidate"
    # The leader that leads, and one that was frozen with the weights of before.
    desk.daemon = type(desk.daemon)(
        fence(desk.engine), desk.settings, desk.gateway, desk.looks, desk.daemon.probes
    )
    with acting_under(epoch):
        desk.run_hours(5)
    with pytest.raises(StaleWeightsError):
        desk.gateway.set(frozen)
    assert desk.in_force() == (1, None, 0)


def test_any_state_of_the_registry_is_reverted(desk: RolloutDesk) -> None:
    canary = desk.rollout().version_id
    with transaction(desk.engine) as connection:
        move_stage(connection, canary, "rejected", changed_by="x", reason="x", now=desk.now)
    assert now(desk, desk.engine).confirmed
    assert desk.in_force() == (1, None, 0)


@pytest.mark.parametrize("with_journal", [True, False], ids=["journal", "generation alone"])
def test_gateway_alone_is_reverted_then_reconciled(desk: RolloutDesk, with_journal: bool) -> None:
    done = now(desk)
    assert (done.by_rows, done.confirmed, desk.in_force()) == (False, True, (1, None, 0))
    assert done.journal is not None
    entry = json.loads(done.journal.read_text())
    assert (entry["model"], entry["by"], entry["reason"]) == ("desk", "ann", "it insults users")
    assert desk.rollout().status == "running"
    if not with_journal:
        done.journal.unlink()
    desk.apply()
    rollout = desk.rollout()
    by = "ann" if with_journal else "driftwarden"
    with transaction(desk.engine) as connection:
        event = last_event(connection, rollout.id)
    assert event is not None
    assert (rollout.status, event.by) == ("reverted", by)
    assert (rollout.reason == "it insults users") == with_journal
    assert desk.stage(rollout.version_id) == "candidate"
    desk.run_hours(5)
    assert desk.in_force() == (1, None, 0)
    assert desk.weights().confirmed_at is not None


def test_leader_that_advances_meanwhile_sends_nothing(desk: RolloutDesk) -> None:
    """The database is unavailable to the user only, and the leader goes on."""
    now(desk)
    desk.daemon.settings.rollout.__dict__["journal"] = "nowhere"
    desk.now += 10 * HOUR
    desk.look()  # decides to advance, and sends at once
    assert desk.in_force() == (1, None, 0)
    desk.run_hours(5)
    assert (desk.in_force(), desk.rollout().status) == ((1, None, 0), "reverted")


def test_locked_database_is_not_waited_for(desk: RolloutDesk) -> None:
    began = time.monotonic()
    with locked(desk.engine):
        url = desk.engine.url.render_as_string(hide_password=False)
        done = now(desk, make_engine(url), database_seconds=0.5)
        assert time.monotonic() - began < 5
        assert (done.by_rows, done.confirmed, desk.in_force()) == (False, True, (1, None, 0))
    deadline = time.monotonic() + 10
    while desk.rollout().status == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
        desk.apply()  # the late transaction, or else the journal
    assert desk.rollout().status == "reverted"
    desk.apply()
    assert desk.in_force() == (1, None, 0)


def test_gateway_and_database_unavailable_leaves_a_journal(desk: RolloutDesk) -> None:
    desk.gateway.available = False
    done = now(desk)
    assert (done.confirmed, done.journal is not None) == (False, True)
    desk.gateway.available = True
    desk.apply()
    assert (desk.rollout().status, desk.in_force()) == ("reverted", (1, None, 0))


def test_unwritable_journal_does_not_stop_the_revert(desk: RolloutDesk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    done = now(desk, journal=tmp_path / "file" / "journal")
    assert (done.confirmed, done.journal, len(done.warnings)) == (True, None, 2)
    desk.apply()
    assert desk.rollout().status == "reverted"


def test_named_stable_version_gets_all_traffic(desk: RolloutDesk) -> None:
    generation = desk.weights().generation
    desk.gateway.set(Weights("desk", 2, 1, 1, generation))  # a gateway that mixes them up
    assert now(desk, stable=1).confirmed
    assert desk.in_force() == (1, None, 0)


def test_gateway_that_reads_nothing_can_not_be_reverted_alone(desk: RolloutDesk) -> None:
    desk.gateway = RecordOnlyGateway()  # type: ignore[assignment]
    done = now(desk)
    assert (done.confirmed, done.journal is not None) == (False, True)
    assert "inference server" in done.detail


def test_journal_of_an_earlier_rollout_leaves_the_next(desk: RolloutDesk) -> None:
    done = now(desk)
    assert done.journal is not None
    shutil.copy(done.journal, done.journal.with_name("copy.json"))
    done.journal.with_name("broken.json").write_text("{")
    desk.apply()
    desk.now += HOUR
    desk.start(desk.rollout().version_id)
    shutil.copy(done.journal.with_suffix(".done"), done.journal.with_name("late.json"))
    entries = reconcile_journal(desk.engine, done.journal.parent, desk.now)
    assert len(entries) == 1
    assert desk.rollout().status == "running"
    desk.apply()
    assert desk.in_force() == (1, 2, 5)
