"""The number format that responses are computed in."""

from pathlib import Path
from typing import Any

import pytest

from monitor.settings import Settings
from retrain.evaluation.request import EvaluationRequest
from retrain.models.source import Source
from retrain.run_folder import RunFolder
from tests.support.lazy_modules import LazyModule, torch
from tests.support.retrain.tiny_model import tiny_base  # noqa: F401 - a fixture

pytestmark = pytest.mark.language_model

systems: Any = LazyModule("retrain.evaluation.systems")
generation: Any = LazyModule("retrain.models.generation")


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("auto", "float32"), ("float32", "float32"), ("bfloat16", "bfloat16")],
)
def test_evaluations_compute_in_the_format_of_the_settings(
    tiny_base: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    expected: str,
) -> None:
    if torch.cuda.is_available():
        pytest.skip("auto is another format on a GPU")
    computed = []

    class Watched(generation.Responder):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            computed.append(self._model.dtype)

    monkeypatch.setattr("retrain.evaluation.systems.Responder", Watched)
    retrain = Settings(
        retrain={"scoring": {"dtype": dtype, "max_new_tokens": 4}, "prompted": {"examples": 0}}
    ).retrain
    request = EvaluationRequest(
        candidate=Source(base=str(tiny_base)),
        incumbent=Source(base=str(tiny_base)),
        base=Source(base=str(tiny_base)),
        base_prompt="",
        origin="",
        content="",
        gates={},
        scoring=retrain.scoring.model_dump(mode="json"),
        judge={},
        seed=1,
    )
    loaders = systems.systems_of(request, [], RunFolder(tmp_path))
    for load in loaders.values():
        (response,) = load().respond([[{"role": "user", "content": "Where is my card?"}]])
        assert isinstance(response, str)
    assert [f"torch.{expected}"] * 3 == list(map(str, computed))
