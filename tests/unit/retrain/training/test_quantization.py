"""Training on a 4-bit base after an evaluation, on any processor."""

import pytest

pytestmark = pytest.mark.language_model


@pytest.mark.parametrize("bias", [True, False])
def test_gradients_pass_after_an_evaluation(bias: bool) -> None:
    # Fails without it on processors with AVX512-BF16 only.
    import torch
    from bitsandbytes.nn import Linear4bit

    from retrain.training.fine_tuning import disable_weight_packing

    layer = Linear4bit(64, 64, bias=bias, compute_dtype=torch.float32, quant_type="nf4").to("cpu")
    layer.requires_grad_(False)
    model = torch.nn.Sequential(layer)
    disable_weight_packing(model)
    requested = torch.randn(4, 64)
    trained = model.train()(requested)
    evaluated = model.eval()(requested)
    torch.testing.assert_close(trained, evaluated)
    requested.requires_grad_(True)
    model.train()(requested).sum().backward()
    assert requested.grad is not None
