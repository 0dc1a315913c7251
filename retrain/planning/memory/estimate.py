"""Estimate of the peak memory of training.

The sizes come from the model's configuration; nothing is loaded. The behaviour of the libraries was
read from the code of PEFT 0.21, TRL 1.16 and transformers 5.24.
"""

from dataclasses import dataclass
from typing import Literal

from retrain.planning.memory.device import GIB
from retrain.planning.memory.model_shape import ModelShape
from retrain.recipes.recipe import Recipe

#: Bytes of a 4-bit weight with double quantisation: half a byte, an 8-bit scale for 64 weights, and
#: a 32-bit scale for 256 of those (Dettmers et al., "QLoRA", 2023, section 3).
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
#: Tile of TRL's fused output layer: positions, and words of the vocabulary.
TILE_TOKENS, TILE_WORDS = 4096, 32768
#: Fixed memory: Python, torch, transformers, PEFT and TRL on a CPU; CUDA's context and libraries on
#: a GPU.
OVERHEAD = {"cpu": 0.92 * GIB, "cuda": 0.75 * GIB}
#: On a CPU: fixed memory of bitsandbytes and its backends.
QUANTISING_OVERHEAD = 0.08 * GIB
#: On a CPU: bytes of each quantised weight that remain of loading it in float32.
LOADED_BYTES = 4
#: On a CPU, activations take more than their size, probably because the C library's heap keeps
#: freed memory; and the backward pass needs as much as some layers more. Fitted with the constants
#: above to 13 training runs of up to 135 million parameters (docs/how-to/train.md).
HEAP, BACKWARD_LAYERS = 1.65, 3.0


@dataclass(frozen=True)
class Batch:
    """The heaviest forward pass: a number of examples, padded to the same length."""

    examples: int
    #: Tokens of the longest example.
    length: int
    #: Columns with a response token of any example.
    response_columns: int

    @property
    def tokens(self) -> int:
        """Tokens, padding included."""
        return self.examples * self.length


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes at the peak, by use."""

    weights: float
    adapter: float
    optimiser: float
    #: Activations that the forward pass keeps for the backward pass.
    activations: float
    #: The largest temporary use: logits, a recomputed layer, or all gradients.
    working: float
    overhead: float

    @property
    def total(self) -> float:
        """Total bytes."""
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
    """Estimate the peak memory.

    A GPU computes in bfloat16, a CPU in float32. Without ``checkpointing`` the backward pass
    recomputes activations on a GPU only, like the child.
    """
    value = 2 if kind == "cuda" else 4
    checkpointing = kind == "cuda" if checkpointing is None else checkpointing
    full, quantised = recipe.method == "full", recipe.method == "qlora"
    # TRL keeps an adapter over a quantised base in bfloat16; PEFT keeps any other in float32.
    width = value if full else (2 if quantised else 4)
    plain = shape.n_parameters - (shape.n_quantised if quantised else 0)
    weights = plain * value + (shape.n_quantised * NF4_BYTES if quantised else 0.0)
    a_layer = _layer_activations(shape, batch, value, dropout=bool(recipe.dropout))
    n_layers = float(shape.n_layers)
    if kind == "cpu":
        a_layer *= HEAP
        n_layers += BACKWARD_LAYERS
    retained = (
        shape.n_layers * batch.tokens * shape.hidden_size * value
        if checkpointing
        else n_layers * a_layer
    )
    temporary = (a_layer if checkpointing else 0.0) + (
        shape.hidden_size * shape.intermediate_size * value if quantised else 0.0
    )
    # Packed rows are one sequence with a mask between the examples.
    mask = float(batch.tokens**2 * value) if recipe.packing else 0.0
    return MemoryEstimate(
        weights=weights,
        adapter=0.0 if full else float(shape.n_trained * width),
        # Two moments, of the parameter's width, or of one byte each if quantised.
        optimiser=float(shape.n_trained * (2 if quantised and kind == "cuda" else 2 * width)),
        activations=float(retained) + mask,
        working=max(temporary, _logits(shape, batch, kind), float(shape.n_trained * width)),
        overhead=OVERHEAD[kind]
        + (
            QUANTISING_OVERHEAD + LOADED_BYTES * shape.n_quantised
            if quantised and kind == "cpu"
            else 0.0
        ),
    )


def _layer_activations(shape: ModelShape, batch: Batch, value: int, *, dropout: bool) -> float:
    """Return the bytes that a layer's forward pass keeps for its backward pass.

    For each token, a layer of the Llama family keeps the inputs and outputs of its two norms
    (4 hidden widths); query, key, value, and the attention's output with its copy (5); and, in the
    feed-forward part, the gate before and after its activation, the other branch and their product
    (4 intermediate widths). It keeps no matrix of attention scores:
    scaled_dot_product_attention recomputes them. With dropout, each of the seven adapted layers
    keeps its own input and a mask of one byte.
    """
    a_token = (9 * shape.hidden_size + 4 * shape.intermediate_size) * value
    if dropout:
        a_token += (6 * shape.hidden_size + shape.intermediate_size) * (value + 1)
    return float(batch.tokens * a_token)


def _logits(shape: ModelShape, batch: Batch, kind: Literal["cuda", "cpu"]) -> float:
    """Return the bytes of the logits, their log-softmax and their gradient, in float32.

    On a CPU, all response columns are scored at once (:mod:`retrain.training.response_loss`); on a
    GPU, TRL scores the response positions in tiles.
    """
    positions, words = batch.examples * batch.response_columns, shape.vocabulary
    if kind == "cuda":
        positions, words = min(positions, TILE_TOKENS), min(words, TILE_WORDS)
    return 3.0 * positions * words * 4
