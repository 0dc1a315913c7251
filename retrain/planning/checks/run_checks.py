"""Checks of a run: recipe, examples, memory and inference server."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from retrain.models.base_model import base_of, load_tokenizer
from retrain.planning.checks.example_sizes import ExampleSizes, check_examples, measure_examples
from retrain.planning.checks.finding import PlanFinding
from retrain.planning.checks.memory_fit import check_memory
from retrain.planning.checks.serving import check_serving
from retrain.planning.checks.template import check_template
from retrain.planning.checks.trackers import check_trackers
from retrain.planning.memory.device import Device
from retrain.planning.memory.estimate import Batch, MemoryEstimate, estimate_memory
from retrain.planning.memory.model_shape import ModelShape, model_shape
from retrain.recipes.recipe import Recipe


@dataclass(frozen=True)
class RunChecks:
    """The findings and measurements of the checks."""

    findings: tuple[PlanFinding, ...]
    examples: ExampleSizes
    shape: ModelShape | None
    estimate: MemoryEstimate | None
    recipe: Recipe

    def steps(self, n_examples: int) -> int:
        """Return the steps over so many examples, which are packed like those measured."""
        n_measured = len(self.examples.sizes)
        n_rows = self.examples.n_rows(self.recipe)
        return self.recipe.steps(math.ceil(n_examples * n_rows / max(1, n_measured)))


def check_run(
    recipe: Recipe,
    rows: Sequence[dict[str, Any]],
    device: Device | None,
    validation: Sequence[dict[str, Any]] = (),
) -> RunChecks:
    """Check a recipe and its examples, without loading weights.

    Without a device, a remote one trains.

    Raises:
        ModelError: The base's tokenizer or configuration can't be read.
    """
    base = base_of(recipe)
    tokenizer = load_tokenizer(base)
    template, serving = check_template(base, tokenizer, rows), check_serving(recipe)
    if "refused" in (template.outcome, serving.outcome):
        return RunChecks((template, serving), ExampleSizes(()), None, None, recipe)
    examples = measure_examples(tokenizer, rows)
    shape = model_shape(recipe)
    counted = check_examples(examples, recipe.max_length, shape.max_positions)
    matches = [template, serving, counted]
    if recipe.top_layers > shape.n_layers:
        text = (
            f"recipe.top_layers = {recipe.top_layers}, and the base has {shape.n_layers}; 0 trains "
            "all"
        )
        matches.append(PlanFinding("layers", "refused", text))
    if recipe.report_to:
        matches.append(check_trackers(recipe.report_to, here=device is not None))
    if validation:
        held = measure_examples(tokenizer, validation)
        limits = (recipe.max_length, shape.max_positions)
        matches.append(check_examples(held, *limits, name="validation"))
    elif recipe.best_checkpoint:
        text = "no examples are held back: best_checkpoint and early_stopping have no effect"
        matches.append(PlanFinding("validation", "note", text))
    if any(match.outcome == "refused" for match in matches):
        return RunChecks(tuple(matches), examples, shape, None, recipe)
    estimate = estimate_memory(
        shape,
        recipe,
        worst_batch(recipe) if recipe.packing else examples.heaviest_batch(recipe.examples_at_once),
        device.kind if device else "cuda",
    )
    fits = check_memory(estimate, device)
    return RunChecks((*matches, fits), examples, shape, estimate, recipe)


def worst_batch(recipe: Recipe) -> Batch:
    """Return the heaviest batch that a recipe allows."""
    return Batch(recipe.examples_at_once, recipe.max_length, recipe.max_length)
