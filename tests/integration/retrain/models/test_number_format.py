"""The number format that responses are computed in."""

from pathlib import Path
from typing import Any

import pytest
import torch

from monitor.settings import Settings
from retrain.evaluation import systems
from retrain.evaluation.request import EvaluationRequest
from retrain.models.generation import Responder
from retrain.models.source import Source
from retrain.run_folder import RunFolder
from tests.support.retrain.tiny_model import tiny_base  # noqa: F401 - a fixture

pytestmark = pytest.mark.language_model


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("auto", torch.float32), ("float32", torch.float32), ("bfloat16", torch.bfloat16)],
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="auto is another format on a GPU")
def test_evaluations_compute_in_the_format_of_the_settings(
    tiny_base: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    expected: torch.dtype,
) -> None:
    computed: list[torch.dtype] = []

    class Watched(Responder):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            computed.append(self._model.dtype)

    monkeypatch.setattr(systems, "Responder", Watched)
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
    assert [expected] * 3 == computed
