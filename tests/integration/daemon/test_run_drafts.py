"""Drafts of runs: checked by the leader, as `retrain plan` does, and planned or refused once."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, insert, update

from monitor.errors import RemoteServiceError
from monitor.store.engine import transaction
from monitor.store.review.decisions import decision_by_id
from monitor.store.tables import ReviewBatch, ReviewItem, TrainingRun
from monitor.store.training.plan_requests import PlanRequest, insert_draft, revise_draft
from monitor.store.training.runs import RunRow, request_cancel, run_by_id
from retrain.planning.preview import Preview, stored_preview
from retrain.recipes.recipe import recipe_for
from retrain.recipes.recipe_file import read_recipe_file
from retrain.registry.stages import register_version
from retrain.run_folder import RunFolder, read_lines
from retrain.training.runs import plan_run
from retrain.training.start_requests import request_start
from tests.support.encoders.word_encoder import word_encoder  # noqa: F401 - a fixture
from tests.support.retrain.candidates import check, evaluated, make_results
from tests.support.retrain.desks.decision_desk import Desk, with_long_context
from tests.support.retrain.tiny_model import tiny_base  # noqa: F401 - a fixture


@pytest.fixture
def desk(
    engine: Engine,
    clock: datetime,
    tmp_path: Path,
    tiny_base: Path,  # noqa: F811
    word_encoder: None,  # noqa: F811
) -> Desk:
    desk = Desk(engine, clock, tmp_path, with_long_context(tiny_base, tmp_path / "base"))
    set_rules(desk, min_per_task_type=1)
    return desk


def set_rules(desk: Desk, **rules: Any) -> None:
    desk.configure(data=desk.settings.retrain.data.model_copy(update=rules))


def draft(desk: Desk, request: PlanRequest | None = None, **recipe: Any) -> int:
    content = read_recipe_file(desk.settings.retrain.recipe)
    content = msgspec.structs.replace(content, **recipe)
    with transaction(desk.engine) as connection:
        return insert_draft(
            connection, model="assistant", launcher="subprocess",
            recipe=msgspec.to_builtins(content),
            request=request or PlanRequest("Lea", desk.now),
        )  # fmt: skip


def row(desk: Desk, run: int) -> RunRow:
    with transaction(desk.engine) as connection:
        return run_by_id(connection, run)


def preview(desk: Desk, run: int) -> Preview:
    stored = stored_preview(row(desk, run).plan)
    assert stored is not None
    return stored


def gold_of(run: RunRow) -> set[int]:
    rows = read_lines(RunFolder(Path(run.work_dir)).training_data)
    return {line["metadata"]["item_id"] for line in rows if line["metadata"]["source"] == "gold"}


def test_draft_becomes_a_planned_run_that_waits_for_its_start(desk: Desk) -> None:
    items = desk.gold(30)
    decision = desk.decide(confirmed=False)
    with transaction(desk.engine) as connection:  # a lead chose some of the exchanges
        chosen = insert(ReviewBatch).values(model="assistant", created_at=desk.now)
        batch = connection.execute(chosen.returning(ReviewBatch.id)).scalar_one()
        moved = update(ReviewItem).where(ReviewItem.id.in_(items[20:]))
        connection.execute(moved.values(batch_id=batch))
    request = PlanRequest("Lea", desk.now, decision_id=decision, left_out=tuple(items[:4]))
    run = draft(desk, request, replay_share=0.5, epochs=3.0)
    for _ in range(2):
        desk.advance()
    planned = row(desk, run)
    assert (planned.status, planned.recipe["epochs"], planned.decision_id) == ("planned", 3.0, None)
    assert gold_of(planned) == set(items[4:])
    seen = preview(desk, run)
    assert (seen.refusal, seen.n_gold, seen.n_replay) == ("", 26, 26)
    assert sum(seen.by_task_type.values()) == 52
    assert min(seen.steps, seen.n_tokens, seen.longest) > 0
    assert any("left out by number" in remark for remark in seen.remarks)
    assert desk.launcher.submitted == []
    with transaction(desk.engine) as connection:
        request_start(connection, run, desk.now, by="Lea")
    desk.advance()
    assert (row(desk, run).status, len(desk.launcher.submitted)) == ("running", 1)


def test_refused_draft_is_checked_again_after_a_revision(desk: Desk) -> None:
    items = desk.gold(30)
    run = draft(desk, PlanRequest("Lea", desk.now, left_out=(*items[:12], 9_999)))
    desk.advance()
    assert (row(desk, run).status, preview(desk, run).code) == ("draft", "unknown_items")
    assert "9999" in preview(desk, run).refusal
    checked = row(desk, run).plan
    desk.advance()
    assert row(desk, run).plan == checked, "nothing has changed"
    again = PlanRequest("Lea", desk.now, left_out=tuple(items[:12]))
    with transaction(desk.engine) as connection:
        current = run_by_id(connection, run)
        assert revise_draft(connection, current, current.recipe, again)
    desk.advance()
    assert preview(desk, run).code == "min_gold"
    assert row(desk, run).status == "draft"


def test_too_long_examples_are_left_out_where_accepted(desk: Desk) -> None:
    desk.gold(30, response=lambda i: "word " * (200 if i % 2 else 1))
    set_rules(desk, max_left_out=0.1, min_gold=5)
    accepting = PlanRequest("Lea", desk.now, accept_untrainable=True)
    refused, accepted = draft(desk, max_length=200), draft(desk, accepting, max_length=200)
    desk.advance()
    assert (row(desk, refused).status, row(desk, accepted).status) == ("draft", "planned")
    seen = preview(desk, refused)
    assert seen.code == "max_left_out"
    assert seen.n_gold == preview(desk, accepted).n_gold > 0, "what would remain"
    assert seen.longest_left_out > 200


def test_draft_revised_during_its_check_is_checked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.gold(30)
    run = draft(desk)
    from monitor.daemon import run_drafts

    def revise_first(*arguments: Any, **named: Any) -> Any:
        with transaction(desk.engine) as connection:
            current = run_by_id(connection, run)
            request = PlanRequest("Lea", desk.now, accept_untrainable=True)
            revise_draft(connection, current, current.recipe | {"epochs": 9.0}, request)
        return checked(*arguments, **named)

    checked = run_drafts.check_plan
    with monkeypatch.context() as patch:
        patch.setattr(run_drafts, "check_plan", revise_first)
        desk.advance()
    assert (row(desk, run).status, stored_preview(row(desk, run).plan)) == ("draft", None)
    desk.advance()
    assert (row(desk, run).status, row(desk, run).recipe["epochs"]) == ("planned", 9.0)


def test_cancelled_draft_is_not_planned(desk: Desk) -> None:
    desk.gold(30)
    run = draft(desk)
    with transaction(desk.engine) as connection:
        assert request_cancel(connection, run, "Lea")
    desk.advance()
    assert (row(desk, run).status, desk.launcher.cancelled) == ("cancelled", [])


def test_full_fine_tuning_is_planned_for_who_typed_the_name(desk: Desk) -> None:
    desk.gold(30)
    named = PlanRequest("Lea", desk.now, is_full_confirmed=True)
    runs = [draft(desk, method="full"), draft(desk, named, method="full")]
    desk.advance()
    assert [row(desk, run).status for run in runs] == ["draft", "planned"]


def test_draft_waits_for_an_unavailable_service(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.gold(30)
    run = draft(desk)

    def away(*_arguments: Any) -> None:
        raise RemoteServiceError("the hub is unavailable")

    with monkeypatch.context() as patch:
        patch.setattr("monitor.daemon.run_plan.prepare_bases", away)
        desk.advance()
    assert (row(desk, run).status, stored_preview(row(desk, run).plan)) == ("draft", None)
    desk.advance()
    assert row(desk, run).status == "planned"


def test_plan_of_a_decision_keeps_its_data_once_claimed(desk: Desk) -> None:
    """The daemon's own plan of a decision comes too late, and writes nothing."""
    desk.gold(30)
    decision = desk.decide()
    request = PlanRequest("Lea", desk.now, decision_id=decision)
    run = draft(desk, request, epochs=3.0)
    with transaction(desk.engine) as connection:
        connection.execute(
            update(TrainingRun).where(TrainingRun.id == run).values(decision_id=decision)
        )
    desk.advance()
    assert [entry.id for entry in desk.runs()] == [run]


def test_run_of_a_decision_replays_more_than_forgetful_siblings(desk: Desk, tmp_path: Path) -> None:
    desk.cook(tmp_path / "base", replay_share=0.0)
    failed = msgspec.structs.replace(check("nothing forgotten", "failed"), code="retention")
    recipe = recipe_for(read_recipe_file(desk.settings.retrain.recipe), base="b")
    with transaction(desk.engine) as connection:
        run = plan_run(
            connection, model="assistant", recipe=recipe, work_dir=tmp_path, now=desk.now
        )
        version = register_version(
            connection, model="assistant", adapter_path="old", adapter_digest="d", lineage={},
            now=desk.now, training_run_id=run,
        )  # fmt: skip
        checks = make_results(checks=(failed,)).checks
        evaluated(connection, version, desk.now, "reject", checks=checks)
    desk.gold(30)
    decision = desk.decide(confirmed=False)
    desk.advance()
    with transaction(desk.engine) as connection:
        seen = stored_preview(decision_by_id(connection, decision).preview)
    assert seen is not None
    assert (seen.refusal, seen.n_replay > 0) == ("", True)
    assert any("rejected because it forgot" in remark for remark in seen.remarks)
