"""Check of the adapter against the inference server."""

from dataclasses import dataclass
from pathlib import Path

from monitor.errors import TrainingError
from retrain.planning.checks.finding import PlanFinding
from retrain.recipes.recipe import Recipe
from retrain.run_folder import read_json


@dataclass(frozen=True)
class AdapterTraits:
    """Properties of an adapter that an inference server must support."""

    rank: int
    dora: bool
    modules_to_save: tuple[str, ...]


def adapter_traits(recipe: Recipe) -> AdapterTraits:
    """Return the traits of the resulting adapter; a start adapter determines them.

    Raises:
        TrainingError: The start adapter has no readable configuration.
    """
    if not recipe.start_adapter:
        return AdapterTraits(recipe.rank, recipe.dora, recipe.modules_to_save)
    config = read_json(Path(recipe.start_adapter) / "adapter_config.json")
    if config is None:
        raise TrainingError(
            f"{recipe.start_adapter}: no adapter to continue from (adapter_config.json is missing)"
        )
    ranks = [int(config["r"]), *(int(rank) for rank in (config.get("rank_pattern") or {}).values())]
    return AdapterTraits(
        max(ranks), bool(config.get("use_dora")), tuple(config.get("modules_to_save") or ())
    )


def check_serving(recipe: Recipe) -> PlanFinding:
    """Check that the inference server can load the adapter."""
    name, serving = "serving", recipe.serving
    if recipe.method == "full":
        return PlanFinding(
            name, "note", "the result is a whole model, to be served instead of the base"
        )
    try:
        traits = adapter_traits(recipe)
    except TrainingError as error:
        return PlanFinding(name, "refused", str(error))
    origin = f" (of {recipe.start_adapter})" if recipe.start_adapter else ""
    problems = []
    if traits.rank > serving.max_lora_rank:
        problems.append(
            f"rank {traits.rank}{origin} is above serving.max_lora_rank = "
            f"{serving.max_lora_rank}; start vLLM with --max-lora-rank {traits.rank} and raise "
            "serving.max_lora_rank in the recipe, or lower the rank"
        )
    if traits.dora and not serving.dora:
        problems.append(
            f"vLLM can't load DoRA{origin}; set dora = false, or serving.dora = true for another "
            "inference server"
        )
    if traits.modules_to_save and not serving.modules_to_save:
        named = ", ".join(traits.modules_to_save)
        problems.append(
            f"vLLM can't load modules_to_save ({named}){origin}; remove them, or set "
            "serving.modules_to_save = true for another inference server"
        )
    if problems:
        return PlanFinding(name, "refused", "\n".join(problems))
    if recipe.method == "qlora" and not serving.quantised:
        return PlanFinding(
            name,
            "note",
            f"an adapter of rank {traits.rank} can be loaded; it is trained on a 4-bit base but "
            "served on the full-precision base (serving.quantised = false), which changes its "
            "scores slightly",
        )
    return PlanFinding(name, "ok", f"an adapter of rank {traits.rank} can be loaded")
