"""Registry of versions on both databases: one production version, all changes recorded."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from monitor.errors import NotFoundError
from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.tables import AuditEntry, ModelVersion
from monitor.store.training import registry as store
from monitor.store.training.candidate_results import StratumScore
from monitor.store.training.registry import VersionRow
from retrain.registry.stages import (
    TRANSITIONS,
    move_stage,
    promote,
    register_version,
    roll_back,
    store_scores,
)
from tests.support.refusals import refusal

MODEL = "desk"


def register(engine: Engine, now: datetime, model: str = MODEL, **values: int) -> int:
    with transaction(engine) as connection:
        return register_version(
            connection, model=model, adapter_path="runs/a", adapter_digest="sha256:0",
            lineage={"seed": 1}, now=now, **values,
        )  # fmt: skip


def move(engine: Engine, version_id: int, stage: str, now: datetime) -> None:
    with transaction(engine) as connection:
        move_stage(connection, version_id, stage, changed_by="lea", reason="because", now=now)


def back(engine: Engine, now: datetime) -> VersionRow:
    with transaction(engine) as connection:
        return roll_back(connection, MODEL, changed_by="lea", reason="worse", now=now)


def stages(engine: Engine, model: str = MODEL) -> dict[int, str]:
    with transaction(engine) as connection:
        return {v.version: v.stage for v in store.list_versions(connection, model)}


def test_versions_are_numbered_by_model(any_engine: Engine, clock: datetime) -> None:
    ids = [register(any_engine, clock, model) for model in (MODEL, "tax", MODEL)]
    with transaction(any_engine) as connection:
        rows = [store.version_by_id(connection, version_id) for version_id in ids]
        assert [(r.model, r.version, r.stage) for r in rows] == [
            (MODEL, 1, "candidate"), ("tax", 1, "candidate"), (MODEL, 2, "candidate"),
        ]  # fmt: skip
        assert rows[0] == store.version_by_number(connection, MODEL, 1)
        assert (rows[0].lineage, rows[0].created_at) == ({"seed": 1}, clock)
        with refusal("unknown_version", NotFoundError, match="desk .* 9"):
            store.version_by_number(connection, MODEL, 9)


def test_one_version_serves_and_the_one_before_is_archived(
    any_engine: Engine, clock: datetime
) -> None:
    first, second, other = (register(any_engine, clock, m) for m in (MODEL, MODEL, "tax"))
    for version in (other, first, second):
        move(any_engine, version, "production", clock)
    assert stages(any_engine) == {1: "archived", 2: "production"}
    assert stages(any_engine, "tax") == {1: "production"}
    with transaction(any_engine) as connection:
        moves = store.stage_changes(connection, first)
        assert [(m.from_stage, m.to_stage, m.changed_by, m.reason) for m in moves] == [
            ("candidate", "production", "lea", "because"),
            ("production", "archived", "lea", "followed by version 2"),
        ]
        assert {m.changed_at for m in moves} == {clock}


def test_the_database_itself_refuses_a_second_serving_version(
    any_engine: Engine, clock: datetime
) -> None:
    move(any_engine, register(any_engine, clock), "production", clock)
    values = {
        "model": MODEL, "version": 2, "stage": "production", "adapter_path": "",
        "adapter_digest": "", "lineage": {}, "created_at": clock,
    }  # fmt: skip
    with pytest.raises(IntegrityError), transaction(any_engine) as connection:
        connection.execute(insert(ModelVersion).values(**values))


def test_every_move_is_audited_and_the_chain_holds(any_engine: Engine, clock: datetime) -> None:
    first, second = register(any_engine, clock), register(any_engine, clock)
    move(any_engine, first, "production", clock)
    move(any_engine, second, "production", clock)
    back(any_engine, clock)
    with transaction(any_engine) as connection:
        entries = connection.execute(
            select(AuditEntry.actor, AuditEntry.action, AuditEntry.subject, AuditEntry.details)
            .order_by(AuditEntry.id)
        ).all()  # fmt: skip
        assert check_chain(connection).broken_at is None
    assert [(e.actor, e.action, e.subject.rpartition("/")[2]) for e in entries] == [
        ("driftwarden", "version.registered", str(first)),
        ("driftwarden", "version.registered", str(second)),
        *[
            ("lea", "version.moved", str(version))
            for version in (first, first, second, second, first)
        ],
    ]
    assert entries[-1].details == {"from": "archived", "to": "production", "reason": "worse"}


def test_a_move_that_fails_leaves_no_trace(any_engine: Engine, clock: datetime) -> None:
    first, second = register(any_engine, clock), register(any_engine, clock)
    move(any_engine, first, "production", clock)

    def promote_and_die() -> None:
        with transaction(any_engine) as connection:
            promote(connection, second, changed_by="lea", reason="better", now=clock)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        promote_and_die()
    assert stages(any_engine) == {1: "production", 2: "candidate"}
    with transaction(any_engine) as connection:
        assert store.stage_changes(connection, second) == []


def test_moves_that_make_no_sense_are_refused(engine: Engine, clock: datetime) -> None:
    for source, targets in TRANSITIONS.items():
        for target in sorted(set(TRANSITIONS) - targets - {source}):
            version = register(engine, clock, f"{source}-{target}")
            for stage in {"candidate": (), "archived": ("production", "archived")}.get(
                source, (source,)
            ):
                move(engine, version, stage, clock)
            with refusal("stage_transition", match=f"{source} .*'{target}'"):
                move(engine, version, target, clock)


def test_moving_to_the_same_stage_changes_nothing(engine: Engine, clock: datetime) -> None:
    version = register(engine, clock)
    move(engine, version, "production", clock)
    move(engine, version, "production", clock + timedelta(hours=1))
    with transaction(engine) as connection:
        assert len(store.stage_changes(connection, version)) == 1


def test_going_back_twice_goes_back_two_versions(any_engine: Engine, clock: datetime) -> None:
    """A repeated rollback must not restore the bad version."""
    for _ in range(3):
        move(any_engine, register(any_engine, clock), "production", clock)
    assert back(any_engine, clock).version == 2
    assert stages(any_engine) == {1: "archived", 2: "production", 3: "archived"}
    assert back(any_engine, clock).version == 1
    with refusal("no_earlier_version"):
        back(any_engine, clock)
    assert stages(any_engine) == {1: "production", 2: "archived", 3: "archived"}


def test_after_going_back_a_new_version_can_be_undone_again(
    engine: Engine, clock: datetime
) -> None:
    for _ in range(2):
        move(engine, register(engine, clock), "production", clock)
    back(engine, clock)
    move(engine, register(engine, clock), "production", clock)
    assert back(engine, clock).version == 1


def test_rollback_without_an_earlier_version_is_refused(
    any_engine: Engine, clock: datetime
) -> None:
    with refusal("no_earlier_version"):
        back(any_engine, clock)
    move(any_engine, register(any_engine, clock), "production", clock)
    with refusal("no_earlier_version"):
        back(any_engine, clock)
    assert stages(any_engine) == {1: "production"}


def at_once(*actions: Callable[[], object]) -> list[BaseException]:
    """Run actions in simultaneous threads; return their exceptions."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> None:
        barrier.wait()
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.parametrize("serving", [False, True], ids=["none-serves", "one-serves"])
def test_promotions_at_once_follow_one_another(
    any_engine: Engine, clock: datetime, serving: bool
) -> None:
    if serving:
        move(any_engine, register(any_engine, clock), "production", clock)
    rivals = [register(any_engine, clock) for _ in range(4)]
    moves = [partial(move, any_engine, rival, "production", clock) for rival in rivals]
    assert at_once(*moves) == []
    now_in = list(stages(any_engine).values())
    assert (now_in.count("production"), now_in.count("archived")) == (1, 3 + serving)


def test_registrations_at_once_get_different_numbers(any_engine: Engine, clock: datetime) -> None:
    assert at_once(*[partial(register, any_engine, clock)] * 5) == []
    assert sorted(stages(any_engine)) == [1, 2, 3, 4, 5]


def test_changes_of_every_kind_at_once_wait_for_each_other(
    any_engine: Engine, clock: datetime
) -> None:
    """Concurrent changes must not deadlock."""
    versions = [register(any_engine, clock) for _ in range(6)]
    for version in versions[:3]:
        move(any_engine, version, "production", clock)

    def score(version: int) -> None:
        with transaction(any_engine) as connection:
            scores = [StratumScore("", "exact_match", 0.5, 0.4, 0.6, 40)]
            store_scores(connection, version, "acceptance", scores, clock)
            move_stage(
                connection, version, "rejected", changed_by="gates", reason="worse", now=clock
            )

    def note() -> None:
        with transaction(any_engine) as connection:
            store.add_lineage_note(connection, versions[2], {"n_rows": 1})

    errors = at_once(
        partial(back, any_engine, clock),
        partial(move, any_engine, versions[3], "production", clock),
        partial(score, versions[4]),
        partial(move, any_engine, versions[5], "production", clock),
        note,
        partial(register, any_engine, clock),
    )
    assert errors == []
    assert list(stages(any_engine).values()).count("production") == 1


def test_scores_are_kept_and_measuring_again_replaces_them(
    any_engine: Engine, clock: datetime
) -> None:
    version = register(any_engine, clock)
    for value in (0.5, 0.75):
        scores = [
            StratumScore(stratum, "exact_match", value, 0.4, 0.9, 40)
            for stratum in ("split=new", "")
        ]
        with transaction(any_engine) as connection:
            store_scores(connection, version, "acceptance", scores, clock)
            store_scores(connection, version, "other", scores[:1], clock)
    with transaction(any_engine) as connection:
        stored = store.scores_of(connection, version)
    assert [(s.benchmark, s.stratum, s.value) for s in stored] == [
        ("acceptance", "", 0.75), ("acceptance", "split=new", 0.75), ("other", "split=new", 0.75),
    ]  # fmt: skip
