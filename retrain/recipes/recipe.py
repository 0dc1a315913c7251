"""The recipe of a training run: all settings that determine its result, besides the data."""

import math
from typing import Any, Literal

import msgspec

from monitor.errors import ConfigurationError

Method = Literal["lora", "qlora", "full"]

#: LoRA learns less from larger batches (Schulman et al., "LoRA Without Regret", 2025).
MAX_BATCH_SIZE = 32


class Serving(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Capabilities of the inference server. The defaults are vLLM's."""

    #: Highest rank of an adapter: vLLM's ``--max-lora-rank``.
    max_lora_rank: int = 16
    #: Whether it loads DoRA adapters.
    dora: bool = False
    #: Whether it loads adapters with ``modules_to_save``.
    modules_to_save: bool = False
    #: Whether it loads the base in 4 bits.
    quantised: bool = False
    #: Device memory in GiB; 0: unknown, so every base counts as servable.
    memory_gib: float = 0.0


class Training(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The values of a recipe that are independent of the base."""

    #: ``None``: by the order of trials (:mod:`retrain.planning.order`).
    method: Method | None = None
    rank: int = 16
    alpha: int = 32
    #: ``all-linear``, or names of the adapted modules.
    targets: str | tuple[str, ...] = "all-linear"
    #: Share of an adapter's inputs that are dropped at random in training.
    dropout: float = 0.0
    #: Scale the adapter by ``alpha / sqrt(rank)`` instead of ``alpha / rank`` (rsLoRA), so that
    #: higher ranks learn as fast.
    rank_stabilised: bool = False
    #: Weight-decomposed LoRA (DoRA). Few inference servers load it.
    dora: bool = False
    #: Modules trained in full and stored in the adapter. Few inference servers load them.
    modules_to_save: tuple[str, ...] = ()
    #: Number of last layers to train; 0: all. Fewer layers train faster and forget less. A run
    #: that continues from an adapter leaves the adapter's lower layers unchanged.
    top_layers: int = 0
    epochs: float = 2.0
    learning_rate: float = 2e-4
    #: Share of steps with a rising learning rate; it then falls linearly to 0.
    warmup_share: float = 0.05
    #: Examples per step.
    batch_size: int = 16
    #: Examples per forward pass; 0: the whole batch. Gradients accumulate over
    #: ``batch_size / micro_batch_size`` passes.
    micro_batch_size: int = 0
    #: Maximum tokens per example; longer examples are refused, never truncated.
    max_length: int = 1024
    #: Fill rows of ``max_length`` tokens with whole examples; a batch counts rows.
    packing: bool = False
    #: Steps between checkpoints; 0: ten checkpoints per run.
    checkpoint_steps: int = 0
    #: Measure the validation loss at each checkpoint, and end with the weights of the lowest.
    best_checkpoint: bool = False
    #: Validations without a lower loss after which training ends; 0: off.
    early_stopping: int = 0
    #: Trackers of transformers that get the losses, such as ``tensorboard``.
    report_to: tuple[str, ...] = ()
    replay_share: float = 0.30
    seed: int = 20_260_101
    serving: Serving = Serving()

    def __post_init__(self) -> None:
        """Validate the values; ``ConfigurationError`` has a line for each that isn't allowed."""
        problems = [
            f"recipe.{name} = {value!r}: must be {allowed}"
            for name, value, allowed, holds in self._rules()
            if not holds
        ]
        if problems:
            raise ConfigurationError("\n".join(problems))

    def _rules(self) -> list[tuple[str, object, str, bool]]:
        full = self.method == "full"
        return [
            ("rank", self.rank, "between 1 and 256", 1 <= self.rank <= 256),
            ("alpha", self.alpha, "at least 1", self.alpha >= 1),
            ("targets", self.targets, "'all-linear' or names of modules", _is_target(self.targets)),
            (
                "dropout",
                self.dropout,
                "at least 0, below 1, and 0 for method 'full'",
                0 <= self.dropout < 1 and not (full and self.dropout),
            ),
            (
                "rank_stabilised",
                self.rank_stabilised,
                "false for method 'full'",
                not (full and self.rank_stabilised),
            ),
            ("dora", self.dora, "false for method 'full'", not (full and self.dora)),
            (
                "modules_to_save",
                self.modules_to_save,
                "names of modules, and none for method 'full'",
                all(self.modules_to_save) and not (full and self.modules_to_save),
            ),
            (
                "top_layers",
                self.top_layers,
                "at least 0, and 0 for method 'full'",
                self.top_layers >= 0 and not (full and self.top_layers),
            ),
            *self._rules_of_steps(),
            ("max_length", self.max_length, "at least 16 tokens", self.max_length >= 16),
            ("replay_share", self.replay_share, "from 0 to below 1", 0 <= self.replay_share < 1),
            ("seed", self.seed, "between 0 and 2**32 - 1", 0 <= self.seed < 2**32),
            *self._rules_of_serving(),
        ]

    def _rules_of_steps(self) -> list[tuple[str, object, str, bool]]:
        rate, warmup, micro = self.learning_rate, self.warmup_share, self.micro_batch_size
        divides = micro == 0 or (micro > 0 and self.batch_size % micro == 0)
        return [
            ("epochs", self.epochs, "above 0, at most 100", 0 < self.epochs <= 100),
            ("learning_rate", rate, "above 0, at most 0.1", 0 < rate <= 0.1),
            ("warmup_share", warmup, "between 0 and 0.5", 0 <= warmup <= 0.5),
            ("batch_size", self.batch_size, "at least 1", self.batch_size >= 1),
            ("micro_batch_size", micro, "0, or a divisor of batch_size", divides),
            ("checkpoint_steps", self.checkpoint_steps, "at least 0", self.checkpoint_steps >= 0),
            (
                "early_stopping",
                self.early_stopping,
                "at least 0, and 0 without best_checkpoint",
                self.early_stopping >= 0 and (self.best_checkpoint or not self.early_stopping),
            ),
            ("report_to", self.report_to, "names of trackers", all(self.report_to)),
        ]

    def _rules_of_serving(self) -> list[tuple[str, object, str, bool]]:
        rank, memory = self.serving.max_lora_rank, self.serving.memory_gib
        return [
            ("serving.max_lora_rank", rank, "at least 1", rank >= 1),
            ("serving.memory_gib", memory, "at least 0", 0 <= memory < math.inf),
        ]

    @property
    def examples_at_once(self) -> int:
        """Number of examples per forward pass."""
        return self.micro_batch_size or self.batch_size

    @property
    def accumulation_steps(self) -> int:
        """Number of forward passes whose gradients make a step."""
        return self.batch_size // self.examples_at_once

    def steps(self, n_rows: int) -> int:
        """Return the number of optimiser steps over rows: examples, packed or not."""
        return max(1, math.ceil(math.ceil(n_rows / self.batch_size) * self.epochs))

    def warnings(self) -> list[str]:
        """Return warnings about allowed values."""
        matches = []
        if self.method == "full":
            matches.append("full fine-tuning writes a whole model and forgets the most")
        if self.replay_share == 0:
            matches.append("replay_share 0: a model with earlier skills is likely to forget them")
        if self.batch_size > MAX_BATCH_SIZE:
            matches.append(
                f"batch_size {self.batch_size}: LoRA learns less from batches above "
                f"{MAX_BATCH_SIZE} examples"
            )
        return matches


class Recipe(Training, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The recipe of a run, stored in ``recipe.json`` and with the adapter."""

    method: Method = "lora"
    #: Folder or hub id of the base model.
    base: str
    #: Commit of a hub model, or digest of a converted local file.
    base_revision: str = ""
    #: Folder of the adapter to continue from; empty: a new adapter.
    start_adapter: str = ""
    #: Text of the chat template that replaces the base's; empty: the base's own.
    chat_template: str = ""

    def _rules(self) -> list[tuple[str, object, str, bool]]:
        return [
            ("base", self.base, "a model folder or a hub id", bool(self.base)),
            *super()._rules(),
            (
                "start_adapter",
                self.start_adapter,
                "empty for method 'full', which trains the whole model",
                not (self.method == "full" and self.start_adapter),
            ),
        ]


def recipe_for(
    training: Training,
    *,
    base: str,
    base_revision: str = "",
    start_adapter: str = "",
    chat_template: str = "",
) -> Recipe:
    """Apply a recipe file to a base.

    ``base`` is as :func:`retrain.models.base_model.prepare_base` returns it; ``chat_template``
    replaces its own. The method ``full`` ignores the start adapter.
    """
    values: dict[str, Any] = {name: getattr(training, name) for name in Training.__struct_fields__}
    values["method"] = training.method or "qlora"  # the first in the order of trials
    start = "" if training.method == "full" else start_adapter
    return Recipe(
        **values,
        base=base,
        base_revision=base_revision,
        start_adapter=start,
        chat_template=chat_template,
    )


def read_recipe(content: bytes, origin: str = "recipe.json") -> Recipe:
    """Parse a recipe strictly.

    Raises:
        ConfigurationError: A key is unknown, or a value isn't allowed.
    """
    try:
        return msgspec.json.decode(content, type=Recipe)
    except msgspec.DecodeError as error:  # malformed, or a wrong type
        cause = error.__cause__
        raise ConfigurationError(f"{origin}: {cause or error}") from None


def stored_recipe(stored: dict[str, Any]) -> Recipe:
    """Return the recipe stored in a run's row."""
    return read_recipe(msgspec.json.encode(stored), "the recipe of a stored run")


def _is_target(targets: str | tuple[str, ...]) -> bool:
    if isinstance(targets, str):
        return targets == "all-linear"
    return bool(targets) and all(targets)
