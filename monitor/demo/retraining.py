"""Retraining of the demo: a candidate that forgets, and one with replay, which does not."""

import getpass
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitor.daemon.retraining import Retraining
from monitor.daemon.run_plan import check_plan, choose_run
from monitor.daemon.training_data import TrainingDataBuilder
from monitor.demo import launch, summaries
from monitor.demo.expectations import Expectation, forgetting_expectations, learning_expectations
from monitor.demo.workspace import Workspace
from monitor.review.decision.decisions import confirm_retraining
from monitor.store.accounts.users import user_by_name
from monitor.store.engine import transaction
from monitor.store.review.training_batches import training_batches
from monitor.store.training.candidate_evaluations import latest_candidate_evaluation
from monitor.store.training.runs import RunRow, run_by_id, run_of_decision
from retrain.data import TrainingSet
from retrain.recipes.recipe_file import read_recipe_file
from retrain.training.runs import start_run

if TYPE_CHECKING:
    from monitor.demo.models import DemoModel
    from monitor.store.review.decisions import DecisionRow
    from monitor.store.training.candidate_evaluations import CandidateEvaluationRow


@dataclass(frozen=True)
class Retrained:
    """The candidates of the demo: the expectations about them, and the one that may roll out."""

    expectations: list[Expectation]
    evaluation: "CandidateEvaluationRow | None"


def retrain_twice(
    workspace: Workspace, model: "DemoModel", decision: "DecisionRow", lead: str
) -> Retrained:
    """Retrain without replay, by the daemon's steps, and then with it, as a lead plans it."""
    console = workspace.console
    daemon = Retraining(workspace.engine, workspace.configuration, lambda _: workspace.launcher)
    console.section("Retraining without replay: a candidate that forgets")
    run = _confirm(workspace, daemon, decision, lead)
    if run is None or run.status not in {"planned", "running"}:
        observed = run.error if run else "no run was planned"
        claim = "a candidate is trained without replay"
        return Retrained([Expectation(claim, str(observed), holds=False)], None)
    console.write(
        "The lead confirms. The recipe trains on the reviewed examples alone: replay_share = 0."
    )
    forgetful = _evaluate_when_trained(workspace, daemon, run)
    before, after = summaries.show_scores(workspace, forgetful)
    expectations = forgetting_expectations(
        summaries.results_of(forgetful), before["old"], after["old"]
    )

    console.section("Retraining with replay: a candidate that passes")
    changed = [
        f"{name} = {value:g}"
        for name, value in model.with_replay.items()
        if value != model.without_replay[name]
    ]
    console.write(f"The lead sets {' and '.join(changed)} in the recipe and plans another run.")
    launch.write_recipe(workspace.folder, model.base, model.with_replay)
    run = _plan_as_lead(workspace, decision)
    start_run(workspace.engine, run.id, workspace.launcher, datetime.now(UTC))
    retained = _evaluate_when_trained(workspace, daemon, run)
    before, after = summaries.show_scores(workspace, retained)
    expectations += learning_expectations(
        summaries.results_of(retained),
        before_new=before["new"],
        after_new=after["new"],
        before_old=before["old"],
        after_old=after["old"],
    )
    return Retrained(expectations, retained)


def _confirm(
    workspace: Workspace, daemon: Retraining, decision: "DecisionRow", lead: str
) -> RunRow | None:
    """Confirm the decision as a lead, and let the daemon plan and start its run."""
    now = datetime.now(UTC)
    with transaction(workspace.engine) as connection:
        user = user_by_name(connection, lead)
        if user is not None:
            confirm_retraining(connection, decision.id, user, now)
    daemon.advance(now)
    with transaction(workspace.engine) as connection:
        return run_of_decision(connection, decision.id)


def _plan_as_lead(workspace: Workspace, decision: "DecisionRow") -> RunRow:
    """Plan a run by the changed recipe, as `driftwarden retrain plan` does."""
    settings, engine = workspace.settings, workspace.engine
    requested = read_recipe_file(settings.retrain.recipe)
    with transaction(engine) as connection:
        batches = training_batches(connection, decision)

    def build(data: TrainingDataBuilder) -> TrainingSet:
        return data.from_queue(batches)

    planned = check_plan(choose_run(engine, settings, requested, None, build), None, build)
    with transaction(engine) as connection:
        run_id, _ = planned.store(connection, datetime.now(UTC), by=getpass.getuser())
        return run_by_id(connection, run_id)


def _evaluate_when_trained(
    workspace: Workspace, daemon: Retraining, run: RunRow
) -> "CandidateEvaluationRow":
    """Wait for a run, and let the daemon evaluate its version; return the evaluation."""
    summaries.show_training_data(workspace, run)
    version_id = launch.require_version(launch.watch_run(workspace, run.id, "train the candidate"))
    daemon.advance(datetime.now(UTC))
    with transaction(workspace.engine) as connection:
        planned = latest_candidate_evaluation(connection, version_id)
    return launch.watch_evaluation(workspace, launch.require_evaluation(planned))
