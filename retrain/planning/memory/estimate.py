"""Estimate of the peak memory of training.

Nothing is loaded: the sizes come from the model's configuration. Where torch's behaviour had to be
known rather than derived, it was read from PEFT 0.21, TRL 1.16 and transformers 5.24.
"""

from dataclasses import dataclass
from typing import Literal

from retrain.planning.memory.device import GIB
from retrain.planning.memory.model_shape import ModelShape
from retrain.recipes.recipe import Recipe

#: Bytes of a 4-bit weight with double quantisation: half a byte, an 8-bit scale for 64 weights, and
#: a 32-bit scale for 256 of those (Dettmers et al., "QLoRA", 2023, section 3).
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
#: What TRL's fused output layer scores at a time: positions, and words of the vocabulary.
TILE_TOKENS, TILE_WORDS = 4096, 32768
#: Resident besides all that: Python, torch, transformers, PEFT and TRL on a CPU; CUDA's context and
#: libraries on a GPU.
OVERHEAD = {"cpu": 0.75 * GIB, "cuda": 0.75 * GIB}
#: Of bitsandbytes and its backends, on a CPU.
QUANTISING_OVERHEAD = 0.25 * GIB
#: On a CPU the activations take about twice what they need, probably since the C library's heap
#: keeps what was freed. Fitted to four trainings of SmolLM2-135M (docs/how-to/train.md).
HEAP = 2.0


@dataclass(frozen=True)
class Batch:
    """The heaviest batch: examples that go through the model together, all padded to a length."""

    examples: int
    #: Tokens of its longest example.
    length: int
    #: Columns in which an assistant speaks in any of the examples.
    response_columns: int

    @property
    def tokens(self) -> int:
        """Tokens, padding included."""
        return self.examples * self.length


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes at the peak, by what holds them."""

    weights: float
    adapter: float
    optimiser: float
    #: What the forward pass keeps for the backward pass.
    activations: float
    #: The largest of what comes and goes: logits, a layer computed again, or all gradients.
    working: float
    overhead: float

    @property
    def total(self) -> float:
        """All of it."""
        return float(sum(getattr(self, name) for name in self.__dataclass_fields__))

    def as_gib(self) -> dict[str, float]:
        """Return the parts and the total in GiB."""
        parts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: round(v / GIB, 3) for name, v in {**parts, "total": self.total}.items()}


def estimate_memory(
    shape: ModelShape,
    recipe: Recipe,
    batch: Batch,
    kind: Literal["cuda", "cpu"],
    *,
    checkpointing: bool | None = None,
) -> MemoryEstimate:
    """Estimate the peak.

    Args:
        shape: The model and its adapter.
        recipe: How it is trained.
        batch: The heaviest batch.
        kind: A GPU computes in bfloat16, a CPU in float32.
        checkpointing: Whether activations are computed again in the backward pass; ``None``: as the
            child does, on a GPU only.
    """
    value = 2 if kind == "cuda" else 4
    checkpointing = kind == "cuda" if checkpointing is None else checkpointing
    full, quantised = recipe.method == "full", recipe.method == "qlora"
    # TRL holds an adapter over a quantised base in bfloat16; PEFT any other one in float32.
    width = value if full else (2 if quantised else 4)
    plain = shape.n_parameters - (shape.n_quantised if quantised else 0)
    weights = plain * value + (shape.n_quantised * NF4_BYTES if quantised else 0.0)
    a_layer = _layer_activations(shape, batch, value)
    if kind == "cpu":
        a_layer *= HEAP
    retained = (
        shape.n_layers * batch.tokens * shape.hidden_size * value
        if checkpointing
        else shape.n_layers * a_layer
    )
    temporary = (a_layer if checkpointing else 0.0) + (
        shape.hidden_size * shape.intermediate_size * value if quantised else 0.0
    )
    return MemoryEstimate(
        weights=weights,
        adapter=0.0 if full else float(shape.n_trained * width),
        # Two moments, of the parameter's own width; of a byte each where they are quantised.
        optimiser=float(shape.n_trained * (2 if quantised and kind == "cuda" else 2 * width)),
        activations=float(retained),
        working=max(temporary, _logits(shape, batch, kind), float(shape.n_trained * width)),
        overhead=OVERHEAD[kind] + (QUANTISING_OVERHEAD if quantised and kind == "cpu" else 0.0),
    )


def _layer_activations(shape: ModelShape, batch: Batch, value: int) -> float:
    """Bytes that a layer's forward pass keeps for its backward pass.

    Of each token a layer of the Llama family keeps: what enters its two norms, and what leaves them
    (4 hidden widths); query, key and value, the attention's output and its copy (5); and in the
    feed-forward part the gate before and after its activation, the other branch and their product
    (4 intermediate widths). Attention keeps no matrix of scores: scaled_dot_product_attention
    computes them again.
    """
    a_token = 9 * shape.hidden_size + 4 * shape.intermediate_size
    return float(batch.tokens * a_token * value)


def _logits(shape: ModelShape, batch: Batch, kind: Literal["cuda", "cpu"]) -> float:
    """Bytes of the logits, their log-softmax and their gradient, in float32.

    On a CPU the columns in which an assistant speaks are scored at once
    (:mod:`retrain.training.response_loss`); on a GPU TRL scores a tile of the spoken positions at a
    time.
    """
    positions, words = batch.examples * batch.response_columns, shape.vocabulary
    if kind == "cuda":
        positions, words = min(positions, TILE_TOKENS), min(words, TILE_WORDS)
    return 3.0 * positions * words * 4
