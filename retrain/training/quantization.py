"""Training on a 4-bit base on a CPU."""

from torch import nn


def disable_weight_packing(model: nn.Module) -> None:
    """Keep a CPU from packing the base's weights during evaluation between steps.

    On processors with AVX512-BF16, bitsandbytes packs the weights for inference at the first
    evaluation. Packed weights pass no gradients, so training would fail.
    """
    from bitsandbytes.nn import Linear4bit  # noqa: PLC0415 - heavy, and for QLoRA only

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
