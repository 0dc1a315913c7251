"""Proposal of the next plan: what ended or was refused, with the cause mended."""

from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Connection

from monitor.store.training.plan_requests import is_unplanned, read_plan_request
from monitor.store.training.runs import RunRow
from retrain.planning.checks.replay import propose_replay
from retrain.planning.preview import Preview, stored_preview
from retrain.recipes.recipe import stored_recipe
from retrain.recipes.recipe_file import RecipeFile
from retrain.recipes.recipe_form import recipe_of_run

#: Codes of refusals of too little data for what is left out.
UNTRAINABLE = frozenset({"max_left_out", "all_leaked"})


@dataclass(frozen=True)
class Proposal:
    """A recipe and the items to leave out, with what was changed and why."""

    recipe: RecipeFile
    left_out: tuple[int, ...] = ()
    accept_untrainable: bool = False
    reasons: tuple[str, ...] = ()
    #: The ``max_length`` that keeps all examples that were too long; 0: none were.
    raise_to: int = 0


def propose_for_decision(
    connection: Connection, model: str, configured: RecipeFile, preview: Preview | None
) -> Proposal:
    """Return the configured recipe, mended where its preview was refused."""
    return _mend(connection, model, Proposal(configured), preview)


def propose_after(connection: Connection, run: RunRow, configured: RecipeFile) -> Proposal:
    """Return the plan of a draft or of an earlier run, with the cause of its end mended."""
    request = read_plan_request(run)
    base = Proposal(requested_recipe(run, configured))
    if request is not None:
        base = replace(
            base, left_out=request.left_out, accept_untrainable=request.accept_untrainable
        )
    if (run.result or {}).get("code") == "out_of_memory":
        base = _with_smaller_passes(base)
    if (run.result or {}).get("code") == "diverged":
        base = _with_lower_rate(base)
    return _mend(connection, run.model, base, stored_preview(run.plan))


def requested_recipe(run: RunRow, configured: RecipeFile) -> RecipeFile:
    """Return the recipe of a draft or of a run as a file."""
    if is_unplanned(run):
        return msgspec.convert(run.recipe, RecipeFile)
    return recipe_of_run(stored_recipe(run.recipe), configured)


def _mend(connection: Connection, model: str, base: Proposal, preview: Preview | None) -> Proposal:
    share, why = propose_replay(connection, model, base.recipe)
    if why:
        recipe = msgspec.structs.replace(base.recipe, replay_share=share)
        base = replace(base, recipe=recipe, reasons=(*base.reasons, why))
    if preview is not None and preview.code in UNTRAINABLE and not base.accept_untrainable:
        why = "benchmark items and examples that are too long are left out"
        base = replace(base, accept_untrainable=True, reasons=(*base.reasons, why))
    if preview is not None:
        base = replace(base, raise_to=preview.raise_to(base.recipe.max_length))
    return base


def _with_smaller_passes(base: Proposal) -> Proposal:
    """Halve the examples in memory at a time, where the device ran out of it."""
    recipe = base.recipe
    n = recipe.examples_at_once
    fewer = next((k for k in range(n // 2, 0, -1) if recipe.batch_size % k == 0), n)
    if fewer == n:
        return base
    why = f"micro_batch_size {fewer} instead of {n}: the device ran out of memory"
    recipe = msgspec.structs.replace(recipe, micro_batch_size=fewer)
    return replace(base, recipe=recipe, reasons=(*base.reasons, why))


def _with_lower_rate(base: Proposal) -> Proposal:
    rate = base.recipe.learning_rate
    why = f"learning_rate {rate / 2:g} instead of {rate:g}: the training diverged"
    recipe = msgspec.structs.replace(base.recipe, learning_rate=rate / 2)
    return replace(base, recipe=recipe, reasons=(*base.reasons, why))
