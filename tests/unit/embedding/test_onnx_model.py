"""The default encoder by onnxruntime: its graph, its vectors, and what it imports."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.embedding.encoder import Encoder, load_encoder
from monitor.embedding.fingerprint import fingerprint_encoder
from monitor.embedding.onnx_model import GRAPH, TEXTS, OnnxModel
from monitor.settings import Embedding
from monitor.settings.model_location import locate_model

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.language_model
ONNX, TORCH = (Embedding(backend=backend, device="cpu") for backend in ("onnx", "torch"))
#: Of all lengths from no token to more than the model reads.
LENGTHS = [" ".join(["token"] * length) for length in (*range(24), 60, 253, 254, 255, 400)]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(ONNX)


def cosines(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    left, right = left.astype(float), right.astype(float)
    dots: NDArray[np.float64] = (left * right).sum(1)
    return dots / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


def test_both_backends_are_one_encoder(encoder: Encoder) -> None:
    torch = load_encoder(TORCH)
    texts = [*LENGTHS, *json.loads(TEXTS.read_text(encoding="utf-8")), "a\x00b", "\ud800 lone"]
    vectors = [encoder.encode(texts), torch.encode(texts)]

    assert (encoder.backend, torch.backend) == ("onnx", "torch")
    assert (encoder.identity, encoder.dimension) == (torch.identity, torch.dimension)
    assert fingerprint_encoder(ONNX) == fingerprint_encoder(TORCH)
    assert cosines(*vectors).min() > 0.999999
    assert abs(vectors[0].astype(float) - vectors[1]).max() < 2**-10  # a last bit of float16


def test_other_texts_change_a_vector_by_rounding_alone() -> None:
    model = OnnxModel(Path(locate_model(ONNX.model)), GRAPH)
    many = [f"{text} {number}" for number in range(5) for text in LENGTHS]
    together = model.encode(many)

    np.testing.assert_array_equal(model.encode(many), together)
    alone = np.concatenate([model.encode([text]) for text in many[::7]])
    np.testing.assert_allclose(alone, together[::7], atol=1e-6)


def test_the_packaged_graph_is_the_scripts_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    script = import_module("write_encoder_graph")

    assert script.build_graph(Path(locate_model(ONNX.model))) == GRAPH.read_bytes()


@pytest.mark.slow
def test_compare_with_the_default_encoder_needs_no_torch(tmp_path: Path) -> None:
    for name in ("reference", "current"):
        lines = [json.dumps({"prompt": f"{name} {n}", "response": "ok"}) for n in range(120)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    code = (
        "import sys\n"
        "from monitor.extras import MODULES\n"
        "HIDDEN = ('torch', 'transformers', 'sentence_transformers')\n"
        "class Hidden:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.partition('.')[0] in HIDDEN:\n"
        "            raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
        "for name in HIDDEN:\n"
        "    MODULES['text'].pop(name.replace('_', '-'), None)\n"
        "from monitor.cli import main\n"
        "main()\n"
    )
    words = ("compare", "reference.jsonl", "current.jsonl", "--json")
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert done.stdout, done.stderr
    assert json.loads(done.stdout)["basis"]["encoder_backend"] == "onnx"
