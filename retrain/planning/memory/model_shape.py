"""Size of a model and its adapter, from the configuration alone."""

from dataclasses import dataclass
from typing import Any

from monitor.errors import ModelError
from monitor.model_hub import reads_locally
from retrain.models.base_model import base_of
from retrain.recipes.recipe import Recipe


@dataclass(frozen=True)
class ModelShape:
    """The sizes that determine the memory of training."""

    #: Parameters of the base; tied parameters count once.
    n_parameters: int
    #: Parameters in 4 bits under QLoRA: the linear layers without the output layer.
    n_quantised: int
    #: Trained parameters; all for full fine-tuning.
    n_trained: int
    n_layers: int
    hidden_size: int
    #: Width of the feed-forward layers.
    intermediate_size: int
    vocabulary: int
    #: Maximum sequence length; 0: unknown.
    max_positions: int


def model_shape(recipe: Recipe) -> ModelShape:
    """Return the sizes of a recipe's model and adapter.

    Raises:
        ModelError: The base's configuration is unreadable, or not that of a language model.
    """
    from transformers import AutoConfig  # noqa: PLC0415 - heavy

    base = base_of(recipe)
    try:
        config = AutoConfig.from_pretrained(
            recipe.base, revision=base.commit, local_files_only=reads_locally(recipe.base)
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        raise ModelError(f"{recipe.base}: the configuration can't be read: {reason}") from error
    return shape_of(config, recipe)


def shape_of(config: Any, recipe: Recipe) -> ModelShape:
    """Return the sizes of the model of a transformers configuration.

    Raises:
        ModelError: The configuration is not that of a language model, or the recipe names modules
            that the model doesn't have.
    """
    import torch  # noqa: PLC0415 - heavy
    from transformers import AutoModelForCausalLM  # noqa: PLC0415

    try:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
    except ValueError as error:
        reason = str(error).strip().split("\n", maxsplit=1)[0]
        raise ModelError(f"{recipe.base}: {reason}") from error
    model.tie_weights()
    if recipe.method != "full":
        _require_modules(recipe, model)
    head = model.get_output_embeddings()
    linear = [
        module
        for module in model.modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    ]
    text = config.get_text_config()
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    return ModelShape(
        n_parameters=n_parameters,
        n_quantised=sum(module.weight.numel() for module in linear),
        n_trained=n_parameters if recipe.method == "full" else _adapter_parameters(recipe, model),
        n_layers=int(text.num_hidden_layers),
        hidden_size=int(text.hidden_size),
        intermediate_size=int(getattr(text, "intermediate_size", None) or 4 * text.hidden_size),
        vocabulary=int(text.vocab_size),
        max_positions=int(getattr(text, "max_position_embeddings", None) or 0),
    )


def _require_modules(recipe: Recipe, model: Any) -> None:
    """Require that each module that the recipe names is one of the model.

    PEFT itself accepts names that match nothing as long as another name matches.
    """
    import torch  # noqa: PLC0415 - heavy

    linear, present = set(), set()
    for path, module in model.named_modules():
        name = path.rpartition(".")[2]
        present |= {path, name}
        if isinstance(module, torch.nn.Linear):
            linear.add(name)
    targets = () if isinstance(recipe.targets, str) else recipe.targets
    for key, names in (("targets", targets), ("modules_to_save", recipe.modules_to_save)):
        unknown = [
            name
            for name in names
            if name not in present and not any(path.endswith(f".{name}") for path in present)
        ]
        if unknown:
            raise ModelError(
                f"{recipe.base}: no module is named {', '.join(unknown)} (recipe: {key}); its "
                f"linear modules: {', '.join(sorted(linear))}",
                code="unknown_module",
            )


def _adapter_parameters(recipe: Recipe, model: Any) -> int:
    """Count the parameters that PEFT trains, by adding the adapter to a model without weights."""
    from peft import PeftConfig, inject_adapter_in_model  # noqa: PLC0415

    from retrain.models.adapter_config import peft_config  # noqa: PLC0415

    try:
        config: Any = (
            PeftConfig.from_pretrained(recipe.start_adapter)
            if recipe.start_adapter
            else peft_config(recipe, model)
        )
    except (OSError, ValueError) as error:
        raise ModelError(f"{recipe.start_adapter}: no adapter to continue from: {error}") from error
    whole = tuple(config.modules_to_save or ())
    config.modules_to_save = None
    n_whole = sum(
        sum(parameter.numel() for parameter in module.parameters())
        for name, module in model.named_modules()
        if name.rpartition(".")[2] in whole
    )
    adapted = inject_adapter_in_model(config, model, low_cpu_mem_usage=True)
    n_added = sum(p.numel() for name, p in adapted.named_parameters() if "lora_" in name)
    return int(n_added + n_whole)
