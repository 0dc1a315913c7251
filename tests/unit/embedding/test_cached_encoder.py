"""Encoder with a cache: which texts it encodes, and what makes another encoder."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from monitor.embedding import cached_encoder as module
from monitor.embedding import fingerprint as fingerprints
from monitor.embedding.cached_encoder import CachedEncoder, open_encoder
from monitor.embedding.fingerprint import NoFingerprintError, fingerprint_encoder
from monitor.errors import ModelError
from monitor.settings import Embedding
from tests.support.encoders.fake_encoder import FakeEncoder
from tests.support.refusals import refusal

FILES = (
    "config.json",
    "model.safetensors",
    "modules.json",
    "tokenizer.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",  # truncation
    "config_sentence_transformers.json",  # prefixes
    "new_module.py",
)
ODD = ["", "a", "a\x00b", "\ud800", "a", "long " * 60_000]


class CountingEncoder(FakeEncoder):
    """An encoder that notes the texts that it encodes."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        self.texts += texts
        return super().encode([text.encode("utf-8", "replace").decode() for text in texts])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    for name in FILES[:-1]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f'{{"file": "{name}"}}')
    return folder


def settings_of(model: Path, **changes: str) -> Embedding:
    return Embedding(
        **{"model": str(model), "device": "cpu", "cache": str(model.parent / "cache")} | changes
    )


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[CountingEncoder]:
    """Return the encoders that are loaded."""
    encoders: list[CountingEncoder] = []

    def load(_: Embedding) -> CountingEncoder:
        encoders.append(CountingEncoder())
        return encoders[-1]

    monkeypatch.setattr(module, "load_encoder", load)
    return encoders


def test_a_second_run_loads_no_model(model: Path, loaded: list[CountingEncoder]) -> None:
    first = open_encoder(settings_of(model)).encode(ODD)
    second = open_encoder(settings_of(model))

    np.testing.assert_array_equal(second.encode(ODD), first)
    np.testing.assert_array_equal(second.encode([]), np.empty((0, 8)))
    assert [(encoder.texts) for encoder in loaded] == [list(dict.fromkeys(ODD))]
    assert (second.identity, second.dimension) == (FakeEncoder.identity, 8)


def test_only_new_texts_are_encoded(model: Path, loaded: list[CountingEncoder]) -> None:
    open_encoder(settings_of(model)).encode(["a", "b"])
    vectors = open_encoder(settings_of(model)).encode(["c", "b", "c", "a"])

    np.testing.assert_array_equal(vectors, FakeEncoder().encode(["c", "b", "c", "a"]))
    assert loaded[1].texts == ["c"]


def test_no_cache_is_the_default(
    model: Path, loaded: list[CountingEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    assert not Embedding().cache

    for _ in range(2):
        encoder = open_encoder(settings_of(model, cache=""))
        assert isinstance(encoder, CountingEncoder)
        encoder.encode(["a"])

    assert [path.name for path in model.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_makes_another_encoder(
    model: Path, loaded: list[CountingEncoder], name: str
) -> None:
    open_encoder(settings_of(model)).encode(["a"])
    (model / name).write_text("changed")

    open_encoder(settings_of(model, revision="")).encode(["a"])

    assert [encoder.texts for encoder in loaded] == [["a"], ["a"]]


def test_a_readme_makes_no_other_encoder(model: Path) -> None:
    before = fingerprint_encoder(settings_of(model))
    (model / "README.md").write_text("changed")
    (model / ".gitattributes").write_text("changed")

    assert fingerprint_encoder(settings_of(model)) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda model: settings_of(model, revision="v2"),
        lambda model: settings_of(model, device="cuda:1"),  # half precision
        lambda model: settings_of(model.rename(model.with_name("renamed"))),
    ],
)
def test_other_settings_make_another_encoder(
    model: Path, change: Callable[[Path], Embedding]
) -> None:
    before = fingerprint_encoder(settings_of(model))

    assert fingerprint_encoder(change(model)) != before


@pytest.mark.parametrize("package", fingerprints.PACKAGES)
def test_another_package_makes_another_encoder(
    model: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    before = fingerprint_encoder(settings_of(model))
    of_package = fingerprints.version
    monkeypatch.setattr(
        fingerprints, "version", lambda name: "99" if name == package else of_package(name)
    )

    assert fingerprint_encoder(settings_of(model)) != before


def test_weights_that_are_not_known_are_not_cached(
    model: Path, loaded: list[CountingEncoder]
) -> None:
    (model / "adapter_config.json").write_text("{}")
    hub = Embedding(model="org/name", device="cpu", cache=str(model.parent / "cache"))
    pinned = hub.model_copy(update={"revision": "0123456789" * 4})

    with capture_logs() as entries:
        for settings in (settings_of(model), hub):
            assert isinstance(open_encoder(settings), CountingEncoder)

    assert [entry["event"] for entry in entries] == ["vector_cache_not_used"] * 2
    assert isinstance(open_encoder(pinned), CachedEncoder)
    with pytest.raises(NoFingerprintError):
        fingerprint_encoder(hub.model_copy(update={"revision": "main"}))


def test_an_encoder_that_is_not_the_caches_is_refused(
    model: Path, loaded: list[CountingEncoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_encoder(settings_of(model)).encode(["a"])
    encoder = open_encoder(settings_of(model))
    monkeypatch.setattr(CountingEncoder, "identity", "other")

    with refusal("cache_of_another_encoder", ModelError):
        encoder.encode(["b"])
