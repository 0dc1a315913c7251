"""Encoders by a function of the caller: containers, and what is refused."""

from typing import Any

import numpy as np
import pytest

from monitor.embedding.callable_encoder import CallableEncoder
from monitor.errors import ModelError
from tests.support.lazy_modules import torch
from tests.support.refusals import refusal


def lengths(texts: list[str]) -> list[list[float]]:
    return [[len(text), 1.0] for text in texts]


def test_vectors_have_unit_norm_and_a_name() -> None:
    encoder = CallableEncoder(lengths)
    vectors = encoder.encode(["abc", ""])
    assert vectors.dtype == np.float16
    assert np.linalg.norm(vectors.astype(float), axis=1) == pytest.approx([1.0, 1.0], abs=1e-3)
    assert encoder.identity.endswith("test_callable_encoder.lengths")
    assert (encoder.dimension, encoder.encode([]).shape) == (2, (0, 2))


def test_tensors_with_gradients_are_read() -> None:
    def encode(texts: list[str]) -> Any:
        return torch.tensor(lengths(texts), requires_grad=True).to(torch.bfloat16)

    assert CallableEncoder(encode).encode(["a", "b"]).shape == (2, 2)


def test_vectors_of_zeros_are_all_the_same() -> None:
    """They then count as unread texts: the encoder does not tell them from others."""
    encoder = CallableEncoder(lambda texts: [[0.0, 0.0, float(len(text) > 3)] for text in texts])
    first, second, third = encoder.encode(["", "a", "long text"])
    assert (first == second).all()
    assert not (first == third).all()


FAULTS: dict[str, tuple[Any, str]] = {
    "one vector": (lambda _: [1.0, 2.0], "wrong_shape"),
    "one too few": (lambda texts: lengths(texts)[1:], "wrong_shape"),
    "no coordinates": (lambda texts: np.empty((len(texts), 0)), "wrong_shape"),
    "three dimensions": (lambda texts: np.ones((len(texts), 2, 2)), "wrong_shape"),
    "nothing": (lambda _: None, "unusable_vectors"),
    "a dict": (lambda _: {"embedding": 1}, "unusable_vectors"),
    "texts": (lambda texts: texts, "unusable_vectors"),
    "booleans": (lambda texts: np.ones((len(texts), 2), bool), "wrong_type"),
    "no values": (lambda texts: torch.empty((len(texts), 2), device="meta"), "unusable_vectors"),
    "ragged": (lambda texts: [[1.0], *([[1.0, 2.0]] * len(texts))], "unusable_vectors"),
    "NaN": (lambda texts: np.full((len(texts), 2), np.nan), "undefined_vectors"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_unusable_vectors_are_refused_before_the_traffic(fault: str) -> None:
    encode, code = FAULTS[fault]
    with refusal(code, ModelError):
        CallableEncoder(encode)


def test_a_later_fault_is_refused_too() -> None:
    encoder = CallableEncoder(lambda texts: np.ones((len(texts), 2 + ("odd" in texts))))
    with refusal("wrong_shape", ModelError):
        encoder.encode(["odd"])
    encoder = CallableEncoder(
        lambda texts: [[1.0, np.inf if text == "odd" else 1.0] for text in texts]
    )
    with refusal("undefined_vectors", ModelError):
        encoder.encode(["even", "odd"])


def test_an_encoder_with_dropout_is_refused() -> None:
    rng = np.random.default_rng(1)
    with refusal("unstable_encoder", ModelError):
        CallableEncoder(lambda texts: rng.normal(size=(len(texts), 8)))


def test_an_error_of_the_function_is_not_replaced() -> None:
    def encode(texts: list[str]) -> Any:
        raise ConnectionError("the service is unavailable")

    with pytest.raises(ConnectionError):
        CallableEncoder(encode)
