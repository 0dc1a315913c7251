"""Check of the replay against siblings that forgot."""

from collections.abc import Iterator

from sqlalchemy import Connection

from monitor.store.training import registry as versions
from monitor.store.training.candidate_evaluations import latest_succeeded_evaluation
from monitor.store.training.runs import list_runs
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.order import LOOKED_AT
from retrain.recipes.recipe import Recipe, Training, stored_recipe

#: Share that is added to that of a version that forgot, and the largest share that is proposed.
STEP, LARGEST = 0.1, 0.9


def check_replay(connection: Connection, model: str, recipe: Recipe) -> PlanFinding:
    """Refuse a recipe that forgets no less than one whose version was rejected for forgetting.

    Siblings are the runs since the training of the serving version. A recipe forgets less with more
    replay, a lower learning rate or fewer epochs, or with an adapter instead of full fine-tuning.
    """
    name = "replay"
    sibling = next(_forgetful(connection, model, recipe), None)
    if sibling is None:
        return PlanFinding(name, "ok", "no run with as little replay was rejected for forgetting")
    return PlanFinding(
        name,
        "refused",
        f"{sibling[1]}, and this recipe replays no more: raise replay_share (now "
        f"{recipe.replay_share:g}), or lower learning_rate (now {recipe.learning_rate:g}) "
        f"or epochs (now {recipe.epochs:g})",
    )


def propose_replay(connection: Connection, model: str, recipe: Training) -> tuple[float, str]:
    """Return a replay share that isn't that of a sibling that forgot, and why it is another.

    The recipe's own share has no reason. The proposed one is the default of recipes, or more than
    the sibling's.
    """
    siblings = list(_forgetful(connection, model, recipe))
    if not siblings:
        return recipe.replay_share, ""
    highest, forgot = max(siblings, key=lambda sibling: sibling[0])
    share = round(max(Training().replay_share, highest + STEP), 2)
    if share > LARGEST:
        return recipe.replay_share, ""
    return share, f"replay_share {share:g} instead of {recipe.replay_share:g}: {forgot}"


def _forgetful(connection: Connection, model: str, recipe: Training) -> Iterator[tuple[float, str]]:
    """Yield replay share and end of each sibling that forgot, and that a recipe doesn't improve."""
    serving = versions.production_version(connection, model)
    since = (serving.training_run_id if serving else None) or 0
    for run in list_runs(connection, model=model, limit=LOOKED_AT):
        version = versions.version_of_run(connection, run.id)
        if run.id <= since or version is None or version.stage != "rejected":
            continue
        evaluation = latest_succeeded_evaluation(connection, version.id)
        checks = evaluation.results.checks if evaluation and evaluation.results else ()
        forgot = [c for c in checks if c.code == "retention" and c.outcome == "failed"]
        other = stored_recipe(run.recipe)
        if forgot and not _forgets_less(recipe, other):
            end = f"version {version.version} of run {run.id} was rejected because it forgot"
            yield other.replay_share, f"{end} ({forgot[0].observed})"


def _forgets_less(recipe: Training, other: Training) -> bool:
    return (
        recipe.replay_share > other.replay_share
        or recipe.learning_rate < other.learning_rate
        or recipe.epochs < other.epochs
        or (other.method == "full" and recipe.method != "full")
    )
