"""Settings of a comparison in Python."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.errors import ConfigurationError, InputError
from monitor.settings import Drift, Settings, default_configuration
from monitor.windows.exchanges.configuration import resolve_settings, with_encoder, with_seed
from tests.support.refusals import refusal

FILE = "[drift]\nmin_samples = 50\n"


def test_every_form_gives_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site.toml").write_text(FILE)
    forms = (
        tmp_path / "site.toml",
        str(tmp_path / "site.toml"),
        {"drift": {"min_samples": 50}},
        Settings(drift=Drift(min_samples=50)),
        default_configuration(drift={"min_samples": 50}),
    )
    assert [resolve_settings(form).drift.min_samples for form in forms] == [50] * len(forms)


def test_a_file_that_is_not_named_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    assert resolve_settings(None) == Settings()
    assert resolve_settings("config.toml").drift.min_samples == 50


def test_the_environment_applies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWARDEN_DRIFT__MIN_SAMPLES", "70")
    assert resolve_settings(None).drift.min_samples == 70
    assert resolve_settings({"drift": {"seed": 3}}).drift.min_samples == 70
    assert resolve_settings({"drift": {"min_samples": 60}}).drift.min_samples == 60


@pytest.mark.parametrize(
    ("config", "error"),
    [
        ({"drift": {"min_sample": 50}}, ConfigurationError),
        ({"drift": {"min_samples": 1}}, ConfigurationError),
        ({"drift.min_samples": 50}, ConfigurationError),
        ({"min_samples": 50}, ConfigurationError),
        ({"models": {"a": {}, "b": {}}}, InputError),
        ("missing.toml", ConfigurationError),
        (5, InputError),
    ],
)
def test_invalid_configuration_is_refused(config: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        resolve_settings(config)


def test_another_encoder_has_no_revision_of_the_first() -> None:
    settings = resolve_settings({"embedding": {"revision": "abc"}})
    embedding = with_encoder(settings, Path("models/own")).embedding
    assert (embedding.model, embedding.revision) == ("models/own", "")


def test_seeds_and_generators_are_repeatable() -> None:
    settings = Settings()
    assert with_seed(settings, None).drift.seed == settings.drift.seed
    assert with_seed(settings, np.int64(7)).drift.seed == 7
    first, second = (with_seed(settings, np.random.default_rng(1)).drift.seed for _ in range(2))
    assert first == second
    rng = np.random.default_rng(1)
    assert with_seed(settings, rng).drift.seed != with_seed(settings, rng).drift.seed


@pytest.mark.parametrize("rng", [-1, 1.5, "1", True])
def test_invalid_seed_is_refused(rng: Any) -> None:
    with refusal("no_seed", InputError):
        with_seed(Settings(), rng)
