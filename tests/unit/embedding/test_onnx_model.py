"""The encoder by onnxruntime: the packaged graph, its vectors, and what it can't run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.embedding.encoder import Encoder, load_encoder
from monitor.embedding.onnx_model import TEXTS
from monitor.settings import Embedding
from monitor.settings.model_location import locate_model

pytestmark = pytest.mark.language_model
ONNX = Embedding(backend="onnx", device="cpu")
FOLDER = Path(locate_model(ONNX.model))
#: Of all lengths from no token to more than the model reads.
LENGTHS = [" ".join(["token"] * length) for length in (*range(24), 60, 253, 254, 255, 400)]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(ONNX)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a model with a graph of its own: the packaged one, beside its weights."""
    for path in FOLDER.rglob("*"):
        target = tmp_path / path.relative_to(FOLDER)
        if path.is_dir():
            target.mkdir()
        elif path.suffix == ".safetensors":
            (tmp_path / "onnx").mkdir()
            target.hardlink_to(path) if same_device(path, tmp_path) else target.symlink_to(path)
        else:
            target.write_bytes(path.read_bytes())
    return tmp_path


def same_device(*paths: Path) -> bool:
    return len({path.stat().st_dev for path in paths}) == 1


def cosines(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    left, right = left.astype(float), right.astype(float)
    return (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


def test_both_backends_give_one_vector_and_identity(encoder: Encoder) -> None:
    torch = load_encoder(Embedding(backend="torch", device="cpu"))
    texts = [*LENGTHS, *json.loads(TEXTS.read_text(encoding="utf-8")), "a\x00b", "\ud800 lone"]

    assert (encoder.backend, torch.backend) == ("onnx", "torch")
    assert (encoder.identity, encoder.dimension) == (torch.identity, torch.dimension)
    exact = [encoder.encode(texts), torch.encode(texts)]
    assert cosines(*exact).min() > 0.999999
    assert abs(exact[0].astype(float) - exact[1]).max() < 2**-10  # one last bit of float16


def test_a_vector_does_not_depend_on_other_texts(encoder: Encoder) -> None:
    many = [f"{text} {number}" for number in range(30) for text in LENGTHS]
    together = encoder.encode(many)

    for row in range(0, len(many), 17):
        np.testing.assert_array_equal(encoder.encode([many[row]])[0], together[row])
    np.testing.assert_array_equal(encoder.encode(many[::-1])[::-1], together)
