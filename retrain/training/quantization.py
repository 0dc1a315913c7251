"""Training on a 4-bit base on a CPU."""

from torch import nn


def disable_weight_packing(model: nn.Module) -> None:
    """Keep a CPU from packing the base's weights when the model is evaluated between steps.

    Where a processor has AVX512-BF16, bitsandbytes packs them for inference at the first evaluation
    and leaves them so; what is packed lets no gradient through, and ends the training.
    """
    from bitsandbytes.nn import Linear4bit  # noqa: PLC0415 - heavy, and for QLoRA only

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False
