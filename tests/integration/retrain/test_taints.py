"""Weights that learned from an erased end user are not used again unnoticed."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from monitor.store.audit_log import check_chain
from monitor.store.engine import transaction
from monitor.store.privacy.erasures import insert_erasure
from monitor.store.tables import AuditEntry
from monitor.store.training import registry as versions
from monitor.store.training.runs import finish_run, mark_running, run_by_id
from monitor.store.training.taints import add_taint
from retrain.recipes.recipe import Recipe
from retrain.registry.stages import register_version
from retrain.registry.taints import ACCEPTED, taints_of_lineage
from retrain.rollout.transitions.promotion import promote_version
from retrain.rollout.transitions.start import start_rollout
from retrain.run_folder import RunFolder
from retrain.training.resumption import reopen
from retrain.training.runs import plan_run
from tests.support.refusals import refusal
from tests.support.retrain.fake_launcher import FakeLauncher
from tests.support.retrain.rollout_desk import MODEL, RolloutDesk, settings_of

WHY = "The two lost items have wrong reference answers."


@pytest.fixture
def desk(engine: Engine, clock: datetime) -> RolloutDesk:
    return RolloutDesk(engine, clock)


def taint(desk: RolloutDesk, **subject: int) -> int:
    """Taint a run or a version as an erasure does."""
    with transaction(desk.engine) as connection:
        erasure = insert_erasure(connection, ["digest"], [], {}, desk.now, proof_until=desk.now)
        assert add_taint(connection, erasure, MODEL, "trained_on", desk.now, **subject)
        assert not add_taint(connection, erasure, MODEL, "trained_on", desk.now, **subject)
    return erasure


def cancelled_run(desk: RolloutDesk, folder: Path, **recipe: Any) -> int:
    with transaction(desk.engine) as connection:
        run = plan_run(
            connection,
            model=MODEL,
            recipe=Recipe(**{"base": "some/base", **recipe}),
            work_dir=folder / "runs",
            now=desk.now,
        )
        mark_running(connection, run, {"pid": 1}, desk.now)
        finish_run(connection, run, "cancelled", finished_at=desk.now)
        files = RunFolder(Path(run_by_id(connection, run).work_dir))
    files.root.mkdir(parents=True)
    files.training_data.write_text("{}\n")
    return run


def register(desk: RolloutDesk, **values: Any) -> versions.VersionRow:
    values = {"adapter_path": "a", "adapter_digest": "d", "lineage": {}, **values}
    with transaction(desk.engine) as connection:
        version_id = register_version(connection, model=MODEL, now=desk.now, **values)
        return versions.version_by_id(connection, version_id)


def accepted(desk: RolloutDesk) -> list[Any]:
    with transaction(desk.engine) as connection:
        assert check_chain(connection).broken_at is None
        statement = select(AuditEntry.actor, AuditEntry.subject, AuditEntry.details)
        return list(connection.execute(statement.where(AuditEntry.action == ACCEPTED)))


def test_tainted_run_is_resumed_with_a_reason_only(desk: RolloutDesk, tmp_path: Path) -> None:
    run = cancelled_run(desk, tmp_path)
    erasure = taint(desk, run_id=run)
    launcher = FakeLauncher()
    with refusal("tainted"):
        reopen(desk.engine, run, launcher, desk.now, resumed_by="lea")
    with refusal("tainted"):
        reopen(desk.engine, run, launcher, desk.now, resumed_by="lea", accept_taint="  ")
    assert not accepted(desk)
    reopen(desk.engine, run, launcher, desk.now, resumed_by="lea", accept_taint="a drill")
    ((actor, subject, details),) = accepted(desk)
    assert (actor, subject) == ("lea", f"training_runs/{run}")
    assert details == {"reason": "a drill", "erasures": [erasure]}


def test_version_of_a_tainted_run_names_the_taint(desk: RolloutDesk, tmp_path: Path) -> None:
    run = cancelled_run(desk, tmp_path)
    erasure = taint(desk, run_id=run)
    candidate = register(desk, training_run_id=run)
    (note,) = candidate.lineage["taints"]
    assert (note["cause"], note["erasure"]) == ("trained_on", erasure)
    assert register(desk).lineage == {}


@pytest.mark.parametrize("place", ["adapter", "checkpoints/checkpoint-7"])
def test_run_that_starts_from_tainted_weights_is_tainted(
    desk: RolloutDesk, tmp_path: Path, place: str
) -> None:
    """A checkpoint or an adapter of a cancelled run is nobody's version."""
    tainted = cancelled_run(desk, tmp_path)
    taint(desk, run_id=tainted)
    with transaction(desk.engine) as connection:
        folder = Path(run_by_id(connection, tainted).work_dir)
    later = cancelled_run(desk, tmp_path, start_adapter=str(folder / place))
    (note,) = register(desk, training_run_id=later).lineage["taints"]
    assert note["cause"] == "continued"


def test_versions_on_top_of_a_tainted_one_inherit_it(desk: RolloutDesk) -> None:
    first = register(desk, adapter_path="first")
    taint(desk, version_id=first.id)
    second = register(
        desk, parent_id=first.id, adapter_path="second", lineage={"parent_adapter": "first"}
    )
    third = register(
        desk, parent_id=second.id, adapter_path="third", lineage={"parent_adapter": "second"}
    )
    afresh = register(desk, parent_id=third.id, lineage={"base": "some/base"})
    assert [len(row.lineage.get("taints", ())) for row in (second, third, afresh)] == [1, 1, 0]
    with transaction(desk.engine) as connection:
        assert taints_of_lineage(connection, third)
        assert not taints_of_lineage(connection, afresh)


def test_tainted_version_is_promoted_with_a_reason_only(desk: RolloutDesk) -> None:
    version_id = desk.register()
    taint(desk, version_id=version_id)
    with transaction(desk.engine) as connection:
        version = versions.version_by_id(connection, version_id)
        for without_gate in (False, True):
            with refusal("tainted"):
                promote_version(
                    connection, version, desk.now, by="lea", reason=WHY, without_gate=without_gate
                )
    assert desk.stage(version_id) == "candidate"
    with transaction(desk.engine) as connection:
        promote_version(
            connection, version, desk.now, by="lea", reason="new", accept_taint="no other works"
        )
    assert desk.stage(version_id) == "production"
    assert [details["reason"] for _, _, details in accepted(desk)] == ["no other works"]


def test_tainted_version_is_rolled_out_with_a_reason_only(desk: RolloutDesk) -> None:
    version_id = desk.register()
    taint(desk, version_id=version_id)
    with transaction(desk.engine) as connection, refusal("tainted"):
        start_rollout(connection, version_id, desk.settings, desk.now, by="lea")
    with transaction(desk.engine) as connection:
        start_rollout(
            connection, version_id, desk.settings, desk.now, by="lea", accept_taint="a drill"
        )
    assert desk.stage(version_id) == "canary"
    assert len(accepted(desk)) == 1


def test_automatic_start_leaves_a_tainted_candidate(engine: Engine, clock: datetime) -> None:
    desk = RolloutDesk(engine, clock, settings_of(start="automatic"))
    version_id = desk.register()
    taint(desk, version_id=version_id)
    desk.tick()
    assert desk.stage(version_id) == "candidate"
    untainted = desk.register()
    desk.tick()
    assert desk.stage(untainted) == "canary"
