"""Training options (each method on each base), and their order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from monitor.errors import TrainingError
from monitor.store.training.registry import VersionRow
from monitor.table_types.documents import read_document
from retrain.models.base_model import BaseModel
from retrain.planning.checks.run_checks import worst_batch
from retrain.planning.memory.device import GIB, Device
from retrain.planning.memory.estimate import NF4_BYTES, estimate_memory
from retrain.planning.memory.model_shape import ModelShape, model_shape
from retrain.planning.starting_point import recipe_from
from retrain.recipes.recipe import Method, Recipe, Serving
from retrain.recipes.recipe_file import RecipeFile

#: From the cheapest method to the last resort.
METHODS: tuple[Method, ...] = ("qlora", "lora", "full")
#: Maximum share of the inference device for weights; the rest holds the attention cache.
SERVED_SHARE = 0.9


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """A method on a base."""

    method: Method
    #: Folder or hub id.
    base: str
    n_parameters: int
    n_trained: int
    #: Peak memory with the longest examples that the recipe allows.
    needed_gib: float
    #: Whether the peak fits the device; ``None``: the device is unknown.
    fits: bool | None
    #: Whether the inference device can hold the base.
    servable: bool

    @property
    def possible(self) -> bool:
        """Whether nothing rules the option out."""
        return self.servable and self.fits is not False

    def describe(self) -> str:
        """Describe the option in one line."""
        size = f"{self.n_parameters / 1e9:.2f} billion parameters, {self.n_trained:,} trained"
        fits = {True: "fits", False: "doesn't fit", None: "its device is unknown here"}[self.fits]
        served = "" if self.servable else "; can't be served (serving.memory_gib)"
        return (
            f"{self.method} on {self.base}: {size}; at most {self.needed_gib:.1f} GiB: "
            f"{fits}{served}"
        )


@dataclass(frozen=True)
class PreparedOption:
    """A base with a method's recipe."""

    option: Option
    recipe: Recipe


def options_for(
    recipe_file: RecipeFile,
    bases: Sequence[BaseModel],
    serving: VersionRow | None,
    device: Device | None,
) -> list[PreparedOption]:
    """Return each method on each base, in the order of :data:`METHODS`, the largest base first.

    The bases are from :func:`retrain.planning.starting_point.prepare_bases`. Without a device it is
    unknown here.

    Raises:
        ModelError: A base's configuration can't be read.
    """
    matches = []
    for base in bases:
        adapter = recipe_from(_with_method(recipe_file, "lora"), base, serving)
        shape = model_shape(adapter)
        for method in METHODS:
            recipe = recipe_from(_with_method(recipe_file, method), base, serving)
            matches.append(PreparedOption(_option(recipe, shape, device), recipe))
    order = {method: place for place, method in enumerate(METHODS)}
    return sorted(
        matches, key=lambda match: (order[match.option.method], -match.option.n_parameters)
    )


def order_of_trials(options: Sequence[Option]) -> list[Option]:
    """Return the largest possible base of each method, in the order of methods."""
    rungs = []
    for method in METHODS:
        possible = [option for option in options if option.method == method and option.possible]
        if possible:
            rungs.append(max(possible, key=lambda entry: entry.n_parameters))
    return rungs


def choose_option(prepared: Sequence[PreparedOption], method: Method) -> PreparedOption:
    """Return a method's option on the largest possible base; ``TrainingError`` without one."""
    of_method = [entry for entry in prepared if entry.option.method == method]
    possible = [entry for entry in of_method if entry.option.possible]
    if possible:
        return max(possible, key=lambda entry: entry.option.n_parameters)
    rest = order_of_trials([entry.option for entry in prepared])
    instead = (
        f"; possible options: {'; '.join(option.describe() for option in rest)}" if rest else ""
    )
    text = "; ".join(entry.option.describe() for entry in of_method)
    raise TrainingError(
        f"no base of the recipe can be trained with this method: {text}{instead}. Lower "
        "micro_batch_size or max_length to need less memory",
        code="nothing_fits",
    )


def _with_method(recipe_file: RecipeFile, method: Method) -> RecipeFile:
    if method != "full":
        return msgspec.structs.replace(recipe_file, method=method)
    return msgspec.structs.replace(
        recipe_file,
        method=method,
        dora=False,
        modules_to_save=(),
        top_layers=0,
        dropout=0.0,
        rank_stabilised=False,
    )


def _option(recipe: Recipe, shape: ModelShape, device: Device | None) -> Option:
    n_trained = shape.n_parameters if recipe.method == "full" else shape.n_trained
    estimate = estimate_memory(
        replace(shape, n_trained=n_trained),
        recipe,
        worst_batch(recipe),
        device.kind if device else "cuda",
    )
    return Option(
        method=recipe.method,
        base=recipe.base,
        n_parameters=shape.n_parameters,
        n_trained=n_trained,
        needed_gib=round(estimate.total / GIB, 2),
        fits=None if device is None else estimate.total <= device.total,
        servable=is_servable(shape, recipe.serving),
    )


def is_servable(shape: ModelShape, serving: Serving) -> bool:
    """Return whether the inference device can hold the base's weights."""
    if not serving.memory_gib:
        return True
    plain = shape.n_parameters - (shape.n_quantised if serving.quantised else 0)
    weights = plain * 2 + (shape.n_quantised * NF4_BYTES if serving.quantised else 0.0)
    return weights <= SERVED_SHARE * serving.memory_gib * GIB


def options_json(prepared: Sequence[PreparedOption]) -> dict[str, Any]:
    """Convert options to JSON for a run's row."""
    return {"options": [msgspec.to_builtins(entry.option) for entry in prepared]}


def stored_options(plan: dict[str, Any]) -> list[Option]:
    """Read the stored options of a run."""
    return read_document(plan.get("options", []), list[Option])
