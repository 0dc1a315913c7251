"""Wanted weights at the gateway: fenced, confirmed, repaired, and followed where it is newer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from monitor.errors import GatewayError, StaleWeightsError, TransientError
from monitor.store.engine import transaction
from retrain.rollout.apply import apply_weights
from retrain.rollout.gateways.protocol import Applied, Weights
from retrain.rollout.gateways.record_only import RecordOnlyGateway
from retrain.rollout.rows.rollouts import rollout_by_id
from retrain.rollout.transitions.revert import revert_rollout
from retrain.rollout.transitions.stages import complete
from retrain.rollout.weights import GENERATIONS_AHEAD, as_weights
from tests.support.retrain.rollout_desk import RolloutDesk


@pytest.fixture
def desk(engine: Engine, clock: datetime) -> RolloutDesk:
    return RolloutDesk(engine, clock)


def test_absent_canary_gets_no_traffic(desk: RolloutDesk) -> None:
    canary = desk.register()
    del desk.gateway._backends["desk", 2]
    desk.start(canary)
    desk.run_hours(6)
    assert desk.seen == [(1, None, 0)]
    row = desk.weights()
    assert row.confirmed_at is None
    assert row.attempts >= 6
    assert "v2" in (row.error or "")
    assert desk.rollout().stage == 0


def test_changed_gateway_is_set_again_and_counted(desk: RolloutDesk) -> None:
    desk.start()
    desk.tick()
    generation = desk.weights().generation
    for _ in range(3):
        desk.gateway.set(Weights("desk", 1, 2, 77, generation))
        desk.tick(timedelta(seconds=5))
    assert desk.in_force() == (1, 2, 5)
    row = desk.weights()
    assert (row.n_overwritten, row.overwritten_at, row.generation) == (3, desk.now, generation)
    assert desk.events().count("confirmed") == 1


def test_restarted_gateway_without_memory_gets_its_weights(desk: RolloutDesk) -> None:
    desk.start()
    desk.tick()
    desk.gateway._weights.clear()
    desk.apply()
    assert desk.in_force() == (1, 2, 5)


def test_frozen_leader_overwrites_no_revert(desk: RolloutDesk) -> None:
    rollout = desk.start()
    desk.tick()
    frozen = as_weights(desk.weights())
    with transaction(desk.engine) as connection:
        revert_rollout(connection, rollout.id, desk.now, by="lea", reason="bad")
    desk.apply()
    with pytest.raises(StaleWeightsError):
        desk.gateway.set(frozen)
    assert desk.in_force() == (1, None, 0)


def test_revert_is_sent_to_a_gateway_that_cannot_be_read(desk: RolloutDesk) -> None:
    """Such as an Envoy whose admin interface is down: it reads its route file all the same."""
    rollout = desk.start()
    desk.tick()
    read = desk.gateway.read

    def unavailable(model: str) -> Applied | None:
        raise TransientError("the admin interface is down")

    desk.gateway.read = unavailable  # type: ignore[method-assign]
    with transaction(desk.engine) as connection:
        revert_rollout(connection, rollout.id, desk.now, by="lea", reason="bad")
    desk.daemon.apply(desk.now)
    desk.gateway.read = read  # type: ignore[method-assign]
    assert desk.in_force() == (1, None, 0)
    row = desk.weights()
    assert (row.confirmed_at, row.n_overwritten) == (None, 0)
    assert "admin" in (row.error or "")


def test_newer_row_is_applied_by_the_same_call(desk: RolloutDesk) -> None:
    rollout = desk.start()
    put = desk.gateway.set

    def slow(weights: Weights) -> None:
        put(weights)
        if weights.canary_percent == 5:
            with transaction(desk.engine) as connection:
                revert_rollout(connection, rollout.id, desk.now, by="lea", reason="bad")

    desk.gateway.set = slow  # type: ignore[method-assign]
    apply_weights(desk.engine, desk.gateway, "desk", desk.now)
    assert desk.in_force() == (1, None, 0)
    assert desk.weights().confirmed_at is not None
    assert "confirmed" not in desk.events()


def test_revert_at_the_gateway_alone_is_followed(desk: RolloutDesk) -> None:
    canary = desk.register()
    desk.start(canary)
    desk.tick()
    ahead = desk.weights().generation + GENERATIONS_AHEAD
    desk.gateway.set(Weights("desk", 1, None, 0, ahead))
    # A leader that has not noticed writes the next stage meanwhile: it is refused.
    desk.run_hours(1)
    assert desk.rollout().status == "reverted"
    assert desk.stage(canary) == "candidate"
    assert desk.weights().generation > ahead
    assert desk.seen[-2:] == [(1, 2, 5), (1, None, 0)]
    desk.start(canary)
    desk.run_hours(1)
    assert desk.in_force() == (1, 2, 5)


def test_completion_that_missed_a_revert_is_undone(desk: RolloutDesk) -> None:
    canary = desk.register()
    rollout = desk.start(canary)
    desk.tick()
    ahead = desk.weights().generation + GENERATIONS_AHEAD
    desk.gateway.set(Weights("desk", 1, None, 0, ahead))
    with transaction(desk.engine) as connection:
        complete(connection, rollout_by_id(connection, rollout.id), desk.now, by="lea", reason="x")
    desk.apply()
    assert (desk.in_force(), desk.stage(canary)) == ((1, None, 0), "archived")
    assert desk.stage(desk.serving) == "production"
    assert desk.weights().generation > ahead
    assert (2, None, 0) not in desk.seen


def test_newer_gateway_without_a_revert_gets_the_rows(desk: RolloutDesk) -> None:
    desk.start()
    desk.tick()
    desk.gateway.set(Weights("desk", 1, 2, 50, 90))  # the database was restored from a copy
    desk.tick()
    assert desk.in_force() == (1, 2, 5)
    assert (desk.weights().generation, desk.rollout().status) == (91, "running")


def test_newer_generation_with_equal_weights_reverts_nothing(desk: RolloutDesk) -> None:
    desk.gateway.set(Weights("desk", 1, None, 0, 1007))
    desk.tick()
    desk.start()
    desk.tick()
    assert (desk.rollout().status, desk.in_force()) == ("running", (1, 2, 5))


def test_gateway_that_reads_nothing_confirms_the_row(engine: Engine, clock: datetime) -> None:
    desk = RolloutDesk(engine, clock)
    desk.start()
    application = apply_weights(engine, RecordOnlyGateway(), "desk", clock)
    assert application is not None
    assert application.confirmed
    assert desk.weights().confirmed_at == clock


def test_rejected_weights_are_an_error_of_the_row(desk: RolloutDesk) -> None:
    desk.start()
    put = desk.gateway.set

    def refuse(weights: Weights) -> None:
        if weights.canary is not None:
            raise GatewayError("rejected", code="rejected")
        put(weights)

    desk.gateway.set = refuse  # type: ignore[method-assign]
    desk.apply()
    assert desk.weights().error == "rejected"


def test_canary_that_stops_responding_is_reverted(desk: RolloutDesk) -> None:
    desk.start()
    desk.tick()
    down = {2}

    def backend(number: int) -> Callable[[str], str]:
        def respond(_prompt: str) -> str:
            if number in down:
                raise ConnectionError
            return "ok"

        return respond

    for number in (1, 2):
        desk.gateway.define("desk", number, backend(number))
    for _ in range(10):
        desk.now += timedelta(seconds=5)
        desk.apply()
    assert desk.rollout().status == "running"
    for _ in range(4):
        desk.now += timedelta(seconds=5)
        desk.apply()
    assert (desk.rollout().status, desk.in_force()) == ("reverted", (1, None, 0))
    assert "probes in a row" in desk.rollout().reason


def test_probe_counts_only_while_stable_responds(desk: RolloutDesk) -> None:
    desk.start()
    desk.tick()

    def down(_prompt: str) -> str:
        raise ConnectionError

    for number in (1, 2):
        desk.gateway.define("desk", number, down)
    for _ in range(40):
        desk.now += timedelta(seconds=5)
        desk.apply()
    assert desk.rollout().status == "running"


def test_idle_tick_writes_nothing(desk: RolloutDesk) -> None:
    desk.start()
    desk.tick()
    before = desk.weights()
    for _ in range(3):
        desk.tick(timedelta(seconds=5))
    assert desk.weights() == before


def test_reverted_adapter_is_unloaded_after_its_last_requests(desk: RolloutDesk) -> None:
    desk.daemon = replace(desk.daemon, unloads=True)
    rollout = desk.start()
    desk.tick()
    with transaction(desk.engine) as connection:
        revert_rollout(connection, rollout.id, desk.now, by="lea", reason="bad")
    desk.apply()
    removed: list[tuple[str, int]] = []
    desk.gateway.remove = lambda *version: removed.append(version)  # type: ignore[method-assign,assignment,arg-type]
    for minutes, expected in ((0, []), (9, []), (2, [("desk", 2)]), (60, [("desk", 2)])):
        desk.now += timedelta(minutes=minutes)
        desk.apply()
        assert removed == expected
