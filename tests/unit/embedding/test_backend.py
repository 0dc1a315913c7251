"""Choice of the encoder's backend: what onnxruntime runs, and what takes its place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from structlog.testing import capture_logs
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from monitor.embedding import backend, device, onnx_model
from monitor.embedding.backend import choose_backend
from monitor.embedding.encoder import configured_backend, load_encoder
from monitor.errors import ModelError
from monitor.extras import MissingExtraError
from monitor.settings import Embedding
from tests.support.refusals import refusal

pytestmark = pytest.mark.language_model
WORDS = ("[UNK]", "red", "green", "blue")
TABLE = np.array([[1, 1, 1], [4, 0, 0], [0, 2, 0], [0, 0, 8]], np.float32)
CPU = Embedding(device="cpu")


def write(file: Path, value: Any) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(value), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a model of sentence-transformers that looks up the vector of each word."""
    kinds = ("Transformer", "Pooling", "Normalize")
    write(tmp_path / "modules.json", [{"type": f"some.models.{kind}"} for kind in kinds])
    write(tmp_path / "sentence_bert_config.json", {"max_seq_length": 4})
    write(tmp_path / "1_Pooling" / "config.json", {"pooling_mode_mean_tokens": True})
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    states = helper.make_tensor_value_info("states", TensorProto.FLOAT, ["texts", "tokens", 3])
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["states"])],
        "words",
        inputs,
        [states],
        [numpy_helper.from_array(TABLE, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    (tmp_path / "onnx").mkdir()
    onnx.save(model, tmp_path / "onnx" / "model.onnx")
    return tmp_path


def of(folder: Path, **changes: str) -> Embedding:
    return Embedding(**{"model": str(folder), "device": "cpu"} | changes)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode_mean_tokens": True}, [2, 1, 0]),
        ({"pooling_mode_cls_token": True}, [1, 0, 0]),
        ({"pooling_mode": "cls"}, [1, 0, 0]),
    ],
)
def test_a_folders_own_graph_is_run(
    folder: Path, pooling: dict[str, Any], expected: list[float]
) -> None:
    write(folder / "1_Pooling" / "config.json", pooling)
    encoder = load_encoder(of(folder))

    vectors = encoder.encode(["red green", "blue", "red green red green blue blue blue"])
    assert (encoder.backend, encoder.dimension) == ("onnx", 3)
    expected_unit = np.array(expected) / np.linalg.norm(expected)
    np.testing.assert_allclose(vectors[[0, 2]], [expected_unit] * 2, atol=1e-3)
    np.testing.assert_array_equal(vectors[1], [0, 0, 1])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda at: (at / "onnx" / "model.onnx").rename(at / "model.onnx"), "onnx/model.onnx"),
        (lambda at: write(at / "modules.json", [{"type": "models.Dense"}]), "Dense"),
        (lambda at: write(at / "1_Pooling" / "config.json", {"pooling_mode": "max"}), "max"),
        (lambda at: write(at / "sentence_bert_config.json", {"do_lower_case": True}), "lower-case"),
        (
            lambda at: write(
                at / "config_sentence_transformers.json", {"default_prompt_name": "q"}
            ),
            "prompt",
        ),
        (lambda at: (at / "modules.json").write_text("{"), "no JSON"),
    ],
)
def test_other_models_are_left_to_torch(
    folder: Path, change: Callable[[Path], object], reason: str
) -> None:
    change(folder)
    choice = choose_backend(of(folder))
    assert choice.backend == "torch"
    assert reason in choice.reason
    with refusal("no_onnx", ModelError, match=reason):
        choose_backend(of(folder, backend="onnx"))


def test_the_setting_and_hub_ids_choose_torch(folder: Path) -> None:
    assert configured_backend(of(folder, backend="torch")) == "torch"
    assert configured_backend(Embedding(model="some/encoder", device="cpu")) == "torch"
    assert configured_backend(Embedding(model="./no/such/folder", device="cpu")) == ""


def test_a_failed_check_lets_torch_take_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_model, "MIN_COSINE", 2.0)
    with capture_logs() as entries:
        encoder = load_encoder(CPU)
    assert encoder.backend == "torch"
    assert "other vectors" in encoder.onnx_failure
    assert [entry["event"] for entry in entries] == ["onnx_encoder_not_used"]
    with refusal("no_onnx", ModelError, match="other vectors"):
        load_encoder(Embedding(backend="onnx", device="cpu"))
    hide(monkeypatch, "torch")
    with refusal("onnx_failed", ModelError, match="reinstall"):
        load_encoder(CPU)


def hide(monkeypatch: pytest.MonkeyPatch, *hidden: str) -> None:
    is_installed = backend.is_installed
    monkeypatch.setattr(
        backend, "is_installed", lambda name: name not in hidden and is_installed(name)
    )


def test_onnxruntime_missing_or_too_old_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("onnxruntime.__version__", "1.19.2")
        with refusal("no_onnx", ModelError, match=r"1\.19\.2 is too old"):
            load_encoder(Embedding(backend="onnx", device="cpu"))
    hide(monkeypatch, "onnxruntime")
    assert choose_backend(CPU).reason == "not installed: onnxruntime"
    hide(monkeypatch, "onnxruntime", "torch")
    with refusal("missing_extra", MissingExtraError, match=r"driftwarden\[text\]"):
        load_encoder(CPU)


def test_torch_is_asked_only_where_a_gpu_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "DEVICES", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    requests: list[bool] = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: requests.append(True) or True)

    assert (device.find_device("auto"), requests) == ("cpu", [])
    with pytest.raises(ModelError, match="no CUDA device"):
        device.find_device("cuda:1")
    (tmp_path / "nvidia0").touch()
    assert (device.find_device("auto"), device.find_device("cuda:1")) == ("cuda", "cuda:1")
    assert choose_backend(Embedding()).reason == "the device is 'cuda'"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert device.find_device("auto") == "cpu"
    assert len(requests) == 3
