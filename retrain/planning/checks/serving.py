"""Check that the serving side can load the adapter."""

from dataclasses import dataclass
from pathlib import Path

from monitor.errors import TrainingError
from retrain.planning.checks.finding import Finding
from retrain.recipes.recipe import Recipe
from retrain.run_folder import read_json


@dataclass(frozen=True)
class AdapterTraits:
    """Properties of an adapter that decide whether it can be loaded."""

    rank: int
    dora: bool
    modules_to_save: tuple[str, ...]


def adapter_traits(recipe: Recipe) -> AdapterTraits:
    """Return the traits of the resulting adapter, which a start adapter determines.

    Raises:
        TrainingError: The adapter to go on from has no readable configuration.
    """
    if not recipe.start_adapter:
        return AdapterTraits(recipe.rank, recipe.dora, recipe.modules_to_save)
    config = read_json(Path(recipe.start_adapter) / "adapter_config.json")
    if config is None:
        raise TrainingError(
            f"{recipe.start_adapter}: holds no adapter to go on from "
            "(adapter_config.json is missing)"
        )
    ranks = [int(config["r"]), *(int(rank) for rank in (config.get("rank_pattern") or {}).values())]
    return AdapterTraits(
        max(ranks), bool(config.get("use_dora")), tuple(config.get("modules_to_save") or ())
    )


def check_serving(recipe: Recipe) -> Finding:
    """Refuse an adapter that the serving side can't load."""
    name, serving = "serving", recipe.serving
    if recipe.method == "full":
        return Finding(name, "note", "a whole model comes out: it is served in place of the base")
    try:
        traits = adapter_traits(recipe)
    except TrainingError as error:
        return Finding(name, "refused", str(error))
    origin = f" (of {recipe.start_adapter})" if recipe.start_adapter else ""
    problems = []
    if traits.rank > serving.max_lora_rank:
        problems.append(
            f"rank {traits.rank}{origin} is above serving.max_lora_rank = "
            f"{serving.max_lora_rank}; start vLLM with --max-lora-rank {traits.rank} and say so in "
            "the recipe, or lower the rank"
        )
    if traits.dora and not serving.dora:
        problems.append(
            f"DoRA{origin} can't be loaded by vLLM; set dora = false, or serving.dora = true where "
            "the serving side is another one"
        )
    if traits.modules_to_save and not serving.modules_to_save:
        named = ", ".join(traits.modules_to_save)
        problems.append(
            f"modules_to_save ({named}){origin} can't be loaded by vLLM; leave them out, or set "
            "serving.modules_to_save = true where the serving side is another one"
        )
    if problems:
        return Finding(name, "refused", "\n".join(problems))
    if recipe.method == "qlora" and not serving.quantised:
        return Finding(
            name,
            "note",
            f"an adapter of rank {traits.rank} can be loaded; it is trained on a base in 4 bits "
            "and served on the whole one (serving.quantised = false), which moves its scores a "
            "little",
        )
    return Finding(name, "ok", f"an adapter of rank {traits.rank} can be loaded")
