"""Check of a plan against siblings that were rejected for forgetting."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from monitor.store.engine import transaction
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.checks.replay import check_replay, propose_replay
from retrain.recipes.recipe import Recipe
from retrain.registry.stages import promote, register_version
from retrain.training.runs import plan_run
from tests.support.retrain.candidates import MODEL, check, evaluated, make_results

RECIPE = Recipe(base="some/base", replay_share=0.2, learning_rate=1e-3, epochs=2.0)


def reject(
    engine: Engine, now: datetime, folder: Path, code: str = "retention", **recipe: Any
) -> int:
    """Train a version that fails one check."""
    failed = msgspec.structs.replace(check("nothing forgotten", "failed"), code=code)
    with transaction(engine) as connection:
        run = plan_run(
            connection, model=MODEL, recipe=msgspec.structs.replace(RECIPE, **recipe),
            work_dir=folder, now=now,
        )  # fmt: skip
        version = register_version(
            connection, model=MODEL, adapter_path=f"runs/{run}", adapter_digest="d", lineage={},
            now=now, training_run_id=run,
        )  # fmt: skip
        evaluated(connection, version, now, "reject", checks=make_results(checks=(failed,)).checks)
    return version


def find(engine: Engine, **recipe: Any) -> PlanFinding:
    with transaction(engine) as connection:
        return check_replay(connection, MODEL, msgspec.structs.replace(RECIPE, **recipe))


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, "refused"),
        ({"replay_share": 0.1}, "refused"),
        ({"rank": 8}, "refused"),
        ({"method": "full"}, "refused"),
        ({"replay_share": 0.3}, "ok"),
        ({"learning_rate": 5e-4}, "ok"),
        ({"epochs": 1.0}, "ok"),
    ],
    ids=str,
)
def test_a_recipe_that_forgot_is_refused_until_it_forgets_less(
    engine: Engine, clock: datetime, tmp_path: Path, change: dict[str, Any], outcome: str
) -> None:
    assert find(engine).outcome == "ok"
    reject(engine, clock, tmp_path)
    finding = find(engine, **change)
    assert finding.outcome == outcome
    if outcome == "refused":
        share = change.get("replay_share", 0.2)
        for figure in ("version 1 of run 1", "0.90 -> 0.95", f"replay_share (now {share})"):
            assert figure in finding.text


def test_other_rejections_and_earlier_siblings_refuse_nothing(
    engine: Engine, clock: datetime, tmp_path: Path
) -> None:
    reject(engine, clock, tmp_path, code="better")
    assert find(engine).outcome == "ok"
    reject(engine, clock, tmp_path, method="full")
    assert (find(engine).outcome, find(engine, method="full").outcome) == ("ok", "refused")
    reject(engine, clock, tmp_path)
    assert find(engine).outcome == "refused"
    with transaction(engine) as connection:
        run = plan_run(connection, model=MODEL, recipe=RECIPE, work_dir=tmp_path, now=clock)
        later = register_version(
            connection, model=MODEL, adapter_path="later", adapter_digest="d", lineage={},
            now=clock, training_run_id=run,
        )  # fmt: skip
        promote(connection, later, changed_by="lea", reason="better", now=clock)
    assert find(engine).outcome == "ok", "the serving version was trained since"


@pytest.mark.parametrize(
    ("forgot", "own", "share"),
    [(None, 0.0, 0.0), (0.0, 0.0, 0.3), (0.3, 0.3, 0.4), (0.2, 0.5, 0.5), (0.85, 0.1, 0.1)],
)
def test_proposed_replay_is_not_that_of_a_sibling_that_forgot(
    engine: Engine, clock: datetime, tmp_path: Path, forgot: float | None, own: float, share: float
) -> None:
    if forgot is not None:
        reject(engine, clock, tmp_path, replay_share=forgot)
    recipe = msgspec.structs.replace(RECIPE, replay_share=own)
    with transaction(engine) as connection:
        proposed, why = propose_replay(connection, MODEL, recipe)
    assert (proposed, bool(why)) == (share, share != own)
    if why:
        assert "version 1 of run 1" in why
