"""Changes of a plan: settings that differ from the configured recipe, and items left out."""

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from monitor.errors import ConfigurationError
from monitor.settings import Sections
from monitor.store.review.gold_export import gold_state
from monitor.store.review.training_batches import batches_of_decision
from monitor.store.training.plan_requests import decision_id_of, is_unplanned, read_plan_request
from monitor.store.training.runs import RunRow
from retrain.planning.proposal import requested_recipe
from retrain.recipes.recipe_file import read_recipe_file
from retrain.recipes.recipe_form import Difference, differences


@dataclass(frozen=True)
class PlanChanges:
    """The changes of a plan that hasn't started."""

    #: ``None``: the configured recipe can't be read.
    settings: list[Difference] | None
    left_out: tuple[int, ...]
    #: Gold items of the plan, with those left out.
    n_gold: int
    #: Whether any number of examples that leak or are too long may be left out.
    accept_untrainable: bool


def plan_changes(connection: Connection, settings: Sections, run: RunRow) -> PlanChanges | None:
    """Return the changes of a draft or planned run; ``None``: it has started or ended."""
    if run.status not in {"draft", "planned"}:
        return None
    request = read_plan_request(run)
    batches = batches_of_decision(connection, decision_id_of(run))
    gold = gold_state(connection, run.model, batches)
    return PlanChanges(
        settings=_differences(settings, run),
        left_out=request.left_out if request else (),
        n_gold=gold["n"],
        accept_untrainable=request is not None and request.accept_untrainable,
    )


def _differences(settings: Sections, run: RunRow) -> list[Difference] | None:
    try:
        configured = read_recipe_file(settings.settings_of(run.model).retrain.recipe)
        changes = differences(requested_recipe(run, configured), configured)
    except (ConfigurationError, msgspec.ValidationError):
        return None
    if is_unplanned(run) or configured.method is not None:
        return changes
    return [change for change in changes if change.name != "Method"]  # the planning chose it
