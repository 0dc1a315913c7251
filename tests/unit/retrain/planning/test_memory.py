"""Memory estimates of models that need not be loaded."""

from functools import cache
from typing import Any

import pytest

from monitor.errors import ModelError
from retrain.planning.memory.device import GIB, processor
from retrain.planning.memory.estimate import NF4_BYTES, Batch, estimate_memory
from retrain.planning.memory.model_shape import ModelShape, shape_of
from retrain.recipes.recipe import Method, Recipe
from tests.support.refusals import refusal

LLAMA_70B: dict[str, Any] = {
    "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80,
    "num_attention_heads": 64, "num_key_value_heads": 8, "tie_word_embeddings": False,
}  # fmt: skip


@cache
def llama(vocabulary: int, method: Method) -> ModelShape:
    from transformers import LlamaConfig

    config = LlamaConfig(vocab_size=vocabulary, **LLAMA_70B)
    return shape_of(config, Recipe(base="b", method=method))


@pytest.mark.language_model
def test_sizes_are_those_of_the_model_s_card() -> None:
    shape = llama(128_256, "qlora")
    assert shape.n_parameters == pytest.approx(70.55e9, rel=1e-3)
    # Without the embedding, the output layer and the norms.
    assert shape.n_parameters - shape.n_quantised == pytest.approx(2 * 128_256 * 8192, rel=1e-2)
    per_layer = 2 * (8192 + 8192) + 2 * (8192 + 1024) + 3 * (8192 + 28672)
    assert shape.n_trained == 16 * 80 * per_layer


@pytest.mark.language_model
@pytest.mark.parametrize("vocabulary", [32_000, 128_256])
def test_70_billion_in_4_bits_fit_48_gb(vocabulary: int) -> None:
    """About 42 GB at r <= 16, 1k tokens and one example at a time."""
    recipe = Recipe(base="b", method="qlora", batch_size=16, micro_batch_size=1)
    shape = llama(vocabulary, "qlora")
    total = estimate_memory(shape, recipe, Batch(1, 1024, 1024), "cuda").total
    assert total / 1e9 == pytest.approx(42, abs=3)
    assert total < 48e9


@pytest.mark.language_model
def test_without_checkpointing_they_do_not() -> None:
    recipe = Recipe(base="b", method="qlora", batch_size=16, micro_batch_size=1)
    shape = llama(128_256, "qlora")
    batch = Batch(1, 1024, 1024)
    retained = estimate_memory(shape, recipe, batch, "cuda", checkpointing=False)
    again = estimate_memory(shape, recipe, batch, "cuda")
    assert retained.total > 48e9 > again.total
    assert again.activations == 80 * 1024 * 8192 * 2


@pytest.mark.language_model
def test_memory_estimate_of_each_method() -> None:
    batch = Batch(1, 128, 16)
    estimates = {}
    methods: tuple[Method, ...] = ("qlora", "lora", "full")
    for method in methods:
        recipe = Recipe(base="b", method=method, batch_size=1)
        shape = llama(32_000, method)
        estimates[method] = estimate_memory(shape, recipe, batch, "cuda"), shape
    n = estimates["full"][1].n_parameters
    assert estimates["lora"][0].weights == 2 * n
    quantised = estimates["qlora"][1].n_quantised
    assert estimates["qlora"][0].weights == quantised * NF4_BYTES + 2 * (n - quantised)
    # Two moments in bfloat16, and the gradients beside them.
    assert estimates["full"][0].optimiser == 4 * n
    assert estimates["full"][0].working == 2 * n
    adapter = estimates["lora"][1].n_trained
    assert (estimates["lora"][0].adapter, estimates["lora"][0].optimiser) == (
        4 * adapter,
        8 * adapter,
    )
    assert (estimates["qlora"][0].adapter, estimates["qlora"][0].optimiser) == (
        2 * adapter,
        2 * adapter,
    )


#: Layers, hidden and intermediate width, vocabulary, millions of parameters, quantised and trained:
#: of random bases, and of SmolLM2-135M.
SHAPES = {
    "64x2": (2, 64, 192, 400, 0.133, 0.106, 0.041),
    "128x4": (4, 128, 384, 2000, 1.111, 0.852, 0.164),
    "128x12": (12, 128, 384, 2000, 2.820, 2.556, 0.492),
    "256x6": (6, 256, 768, 4000, 6.144, 5.112, 0.492),
    "256x16": (16, 256, 768, 4000, 14.676, 13.631, 1.311),
    "512x4": (4, 512, 1536, 4000, 15.690, 13.631, 0.655),
    "smollm2": (30, 576, 1536, 49152, 134.515, 106.168, 4.884),
}


@pytest.mark.parametrize(
    ("name", "method", "examples", "length", "measured"),
    [
        ("64x2", "lora", 2, 73, 0.945),
        ("64x2", "lora", 16, 76, 0.978),
        ("64x2", "qlora", 2, 73, 1.013),
        ("128x4", "lora", 16, 102, 1.112),
        ("128x4", "lora", 64, 104, 1.664),
        ("128x4", "full", 16, 102, 1.075),
        ("128x12", "lora", 32, 102, 1.906),
        ("256x6", "lora", 16, 311, 2.433),
        ("256x16", "lora", 8, 311, 2.761),
        ("smollm2", "lora", 2, 160, 2.168),
        ("smollm2", "lora", 1, 760, 3.154),
        ("smollm2", "lora", 8, 162, 4.209),
        ("smollm2", "qlora", 2, 160, 2.254),
        # These two were measured after the fit.
        ("64x2", "lora", 128, 78, 1.257),
        ("512x4", "lora", 8, 311, 2.008),
    ],
)
def test_cpu_estimate_is_that_of_measured_runs(
    name: str, method: Method, examples: int, length: int, measured: float
) -> None:
    """Peaks of one child each, by one thread, in GiB (docs/how-to/train.md)."""
    layers, hidden, intermediate, words, *millions = SHAPES[name]
    n, quantised, trained = (round(value * 1e6) for value in millions)
    shape = ModelShape(
        n, quantised, n if method == "full" else trained, layers, hidden, intermediate, words, 0
    )
    recipe = Recipe(base="b", method=method)
    estimate = estimate_memory(shape, recipe, Batch(examples, length, 14), "cpu")
    assert estimate.total / GIB == pytest.approx(measured, rel=0.1)


def test_cpu_estimate_scores_all_response_columns_at_once() -> None:
    recipe = Recipe(base="b", batch_size=4)
    shape = ModelShape(10**6, 10**6, 10**4, 2, 64, 256, 50_000, 0)
    short, long = (
        estimate_memory(shape, recipe, Batch(4, 100, response_columns), "cpu")
        for response_columns in (5, 50)
    )
    assert short.working == 3 * 4 * 5 * 50_000 * 4
    assert long.working == 10 * short.working
    assert short.activations == long.activations


@pytest.mark.language_model
def test_top_layers_and_dora_are_counted_as_peft_makes_them() -> None:
    from transformers import LlamaConfig

    config = LlamaConfig(
        vocab_size=100, hidden_size=32, intermediate_size=64, num_hidden_layers=4,
        num_attention_heads=4, num_key_value_heads=4,
    )  # fmt: skip
    whole = shape_of(config, Recipe(base="b", rank=2)).n_trained
    assert whole == 4 * 2 * (4 * 64 + 3 * 96)
    assert shape_of(config, Recipe(base="b", rank=2, top_layers=1)).n_trained == whole // 4
    magnitudes = 4 * (4 * 32 + 2 * 64 + 32)
    assert shape_of(config, Recipe(base="b", rank=2, dora=True)).n_trained == whole + magnitudes
    saved = shape_of(config, Recipe(base="b", rank=2, modules_to_save=("lm_head",)))
    assert saved.n_trained == whole + 100 * 32


def test_this_machine_has_memory() -> None:
    device = processor()
    assert device.kind == "cpu"
    assert GIB // 4 < device.available <= device.total


@pytest.mark.language_model
@pytest.mark.parametrize(
    "named",
    [
        {"targets": ("q_proj", "v_porj")},  # PEFT accepts it: one name matches
        {"targets": ("c_attn",)},
        {"modules_to_save": ("classifier",)},
    ],
)
def test_modules_that_the_model_lacks_are_refused(named: dict[str, Any]) -> None:
    with refusal("unknown_module", ModelError, match="q_proj"):
        small(Recipe(base="b", **named))
    assert small(Recipe(base="b", targets=("q_proj", "self_attn.v_proj"))).n_trained


def small(recipe: Recipe) -> ModelShape:
    from transformers import LlamaConfig

    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    return shape_of(LlamaConfig(vocab_size=64, num_attention_heads=2, **sizes), recipe)
