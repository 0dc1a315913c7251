"""The recipe of a training run: everything, besides the data, that decides what comes out."""

import math
from typing import Literal

import msgspec

from monitor.errors import ConfigurationError
from monitor.settings import Retrain

Method = Literal["lora", "qlora", "full"]

#: Rank above which vLLM refuses an adapter unless it was started with a larger ``max_lora_rank``.
SERVED_RANK = 16


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an adapter is trained. Written to ``recipe.json`` and kept with the adapter."""

    #: Folder or hub id of the base model.
    base: str
    #: Commit of a hub model, or the digest of the file a local base was converted from.
    base_revision: str = ""
    method: Method = "lora"
    rank: int = 16
    alpha: int = 32
    #: ``all-linear``, or the names of the modules that get an adapter.
    targets: str | tuple[str, ...] = "all-linear"
    #: How many of the last layers are trained; 0: all. Fewer train faster, and forget less. A run
    #: that goes on from an adapter keeps what the adapter holds of the lower layers as it is.
    top_layers: int = 0
    epochs: float = 2.0
    learning_rate: float = 2e-4
    #: Share of the steps over which the learning rate rises; afterwards it falls linearly to 0.
    warmup_share: float = 0.05
    batch_size: int = 16
    #: Tokens; an example that is longer is refused, never cut.
    max_length: int = 1024
    replay_share: float = 0.30
    seed: int = 20_260_101
    #: Folder of the adapter to go on from; empty: a fresh one.
    start_adapter: str = ""

    def __post_init__(self) -> None:
        """Refuse values that no training could use.

        Raises:
            ConfigurationError: With one line for each value that isn't allowed.
        """
        problems = [
            f"recipe.{name} = {value!r}: must be {allowed}"
            for name, value, allowed, holds in self._rules()
            if not holds
        ]
        if problems:
            raise ConfigurationError("\n".join(problems))

    def _rules(self) -> list[tuple[str, object, str, bool]]:
        rate = self.learning_rate
        return [
            ("base", self.base, "a model folder or a hub id", bool(self.base)),
            ("rank", self.rank, "between 1 and 256", 1 <= self.rank <= 256),
            ("alpha", self.alpha, "at least 1", self.alpha >= 1),
            ("targets", self.targets, "'all-linear' or names of modules", _is_target(self.targets)),
            (
                "top_layers",
                self.top_layers,
                "at least 0, and 0 for method 'full'",
                self.top_layers >= 0 and not (self.method == "full" and self.top_layers),
            ),
            ("epochs", self.epochs, "above 0, at most 100", 0 < self.epochs <= 100),
            ("learning_rate", rate, "above 0, at most 0.1", 0 < rate <= 0.1),
            (
                "warmup_share",
                self.warmup_share,
                "between 0 and 0.5",
                0 <= self.warmup_share <= 0.5,
            ),
            ("batch_size", self.batch_size, "at least 1", self.batch_size >= 1),
            ("max_length", self.max_length, "at least 16 tokens", self.max_length >= 16),
            ("replay_share", self.replay_share, "in [0, 1)", 0 <= self.replay_share < 1),
            ("seed", self.seed, "between 0 and 2**32 - 1", 0 <= self.seed < 2**32),
            (
                "start_adapter",
                self.start_adapter,
                "empty for method 'full', which trains the whole model",
                not (self.method == "full" and self.start_adapter),
            ),
        ]

    def steps(self, n_examples: int) -> int:
        """Return the number of optimiser steps over ``n_examples``."""
        return max(1, math.ceil(math.ceil(n_examples / self.batch_size) * self.epochs))

    def warnings(self) -> list[str]:
        """Return what is allowed, but likely to be regretted."""
        found = []
        if self.method != "full" and self.rank > SERVED_RANK:
            found.append(
                f"rank {self.rank}: vLLM serves it only when started with --max-lora-rank "
                f"{self.rank} or more"
            )
        if self.method == "full":
            found.append("full fine-tuning writes a whole model, and forgets the most")
        if self.replay_share == 0:
            found.append("replay_share 0: what the model knew is likely to be forgotten")
        return found


def recipe_from_settings(
    settings: Retrain, *, base: str, base_revision: str = "", start_adapter: str = ""
) -> Recipe:
    """Build the recipe that config.toml asks for.

    Args:
        settings: The section ``[retrain]``.
        base: Folder or hub id, as :func:`retrain.base_model.prepare_base` returns it.
        base_revision: Its revision or digest.
        start_adapter: Adapter of the serving version, to go on from; ignored for method ``full``.
    """
    return Recipe(
        base=base,
        base_revision=base_revision,
        method=settings.method,
        rank=settings.rank,
        alpha=settings.alpha,
        top_layers=settings.top_layers,
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        batch_size=settings.batch_size,
        max_length=settings.max_length,
        replay_share=settings.replay_share,
        seed=settings.seed,
        start_adapter="" if settings.method == "full" else start_adapter,
    )


def read_recipe(content: bytes, origin: str = "recipe.json") -> Recipe:
    """Parse a recipe strictly.

    Raises:
        ConfigurationError: A key is unknown, or a value isn't allowed.
    """
    try:
        return msgspec.json.decode(content, type=Recipe)
    except msgspec.DecodeError as error:  # malformed, or of another type
        cause = error.__cause__
        raise ConfigurationError(f"{origin}: {cause or error}") from None


def _is_target(targets: str | tuple[str, ...]) -> bool:
    if isinstance(targets, str):
        return targets == "all-linear"
    return bool(targets) and all(targets)
