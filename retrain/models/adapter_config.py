"""PEFT configuration of a recipe."""

import re
from typing import Any

from peft import LoraConfig, PeftConfig

from monitor.errors import ModelError
from retrain.recipes.recipe import Recipe


def peft_config(recipe: Recipe, model: Any) -> LoraConfig | None:
    """Return the configuration of a new adapter; ``None`` if the recipe needs none."""
    if recipe.method == "full" or recipe.start_adapter:
        return None
    targets = recipe.targets
    return LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        use_rslora=recipe.rank_stabilised,
        target_modules=targets if isinstance(targets, str) else list(targets),
        exclude_modules=lower_layers(recipe, model),
        use_dora=recipe.dora,
        modules_to_save=list(recipe.modules_to_save) or None,
        task_type="CAUSAL_LM",
    )


def start_config(recipe: Recipe) -> PeftConfig:
    """Return the start adapter's configuration, with the recipe's dropout."""
    config = PeftConfig.from_pretrained(recipe.start_adapter)
    config.lora_dropout = recipe.dropout
    return config


def lower_layers(recipe: Recipe, model: Any) -> str | None:
    """Return a pattern of the modules below the last ``top_layers`` layers.

    Raises:
        ModelError: The module names don't number the layers.
    """
    n_lower = getattr(model.config, "num_hidden_layers", 0) - recipe.top_layers
    if not recipe.top_layers or n_lower <= 0:
        return None
    numbers = "|".join(str(number) for number in range(n_lower))
    pattern = rf"(?:.*\.)?(?:layers|h|blocks)\.(?:{numbers})\..*"
    if not any(re.fullmatch(pattern, name) for name, _ in model.named_modules()):
        raise ModelError(
            f"{recipe.base}: no module is named layers.0, h.0 or blocks.0, so recipe.top_layers "
            "can't select layers; set it to 0"
        )
    return pattern
