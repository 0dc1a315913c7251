"""Check of the replay against siblings that forgot."""

from sqlalchemy import Connection

from monitor.store.training import registry as versions
from monitor.store.training.candidate_evaluations import latest_succeeded_evaluation
from monitor.store.training.runs import list_runs
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.order import LOOKED_AT
from retrain.recipes.recipe import Recipe, stored_recipe


def check_replay(connection: Connection, model: str, recipe: Recipe) -> PlanFinding:
    """Refuse a recipe that forgets no less than one whose version was rejected for forgetting.

    Siblings are the runs since the training of the serving version. A recipe forgets less with more
    replay, a lower learning rate or fewer epochs, or with an adapter instead of full fine-tuning.
    """
    name = "replay"
    serving = versions.production_version(connection, model)
    since = (serving.training_run_id if serving else None) or 0
    for run in list_runs(connection, model=model, limit=LOOKED_AT):
        version = versions.version_of_run(connection, run.id)
        if run.id <= since or version is None or version.stage != "rejected":
            continue
        evaluation = latest_succeeded_evaluation(connection, version.id)
        checks = evaluation.results.checks if evaluation and evaluation.results else ()
        forgot = [c for c in checks if c.code == "retention" and c.outcome == "failed"]
        if forgot and not _forgets_less(recipe, stored_recipe(run.recipe)):
            return PlanFinding(
                name,
                "refused",
                f"version {version.version} of run {run.id} was rejected because it forgot "
                f"({forgot[0].observed}), and this recipe replays no more: raise replay_share (now "
                f"{recipe.replay_share:g}), or lower learning_rate (now {recipe.learning_rate:g}) "
                f"or epochs (now {recipe.epochs:g})",
            )
    return PlanFinding(name, "ok", "no run with as little replay was rejected for forgetting")


def _forgets_less(recipe: Recipe, other: Recipe) -> bool:
    return (
        recipe.replay_share > other.replay_share
        or recipe.learning_rate < other.learning_rate
        or recipe.epochs < other.epochs
        or (other.method == "full" and recipe.method != "full")
    )
