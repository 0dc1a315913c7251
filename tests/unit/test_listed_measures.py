"""Descriptors and built-in metrics: loaded, with a tested range and a documented row."""

import re
from pathlib import Path

import numpy as np
import pytest

from monitor import descriptors
from monitor.windows.comparison.numeric_columns import PROMPT, RESPONSE
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.catalogue import load_metrics, metric_names
from retrain.evaluation.metrics.metric import apply_metric
from tests.unit.descriptors.test_descriptors import RANGES

DOCS = Path(__file__).resolve().parents[2] / "docs"
#: Metrics whose scores need a model; their own tests check the ranges.
WITH_A_MODEL = {"bertscore", "hallucination_rate", "judged_hallucination_rate"}
#: ``rouge`` gives these three; ``f1`` is short for ``token_f1``.
PARTS = {"rouge1", "rouge2", "rougeL", "token_f1"}
COMPARED = sorted(
    {(name, function) for name, (_, function) in (PROMPT | RESPONSE).items()}, key=str
)


def rows(page: str) -> str:
    """Return the first cells of a page's tables."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^\| (.+?) \|", text, re.MULTILINE))


@pytest.mark.parametrize("name", descriptors.__all__)
def test_every_listed_descriptor_loads(name: str) -> None:
    assert callable(getattr(descriptors, name))


@pytest.mark.parametrize(("name", "function"), COMPARED, ids=[name for name, _ in COMPARED])
def test_every_compared_descriptor_has_range_and_row(name: str, function: object) -> None:
    assert function in RANGES
    assert re.search(rf"^{re.escape(name)}( ↑)?$", rows("explanation/statistics.md"), re.MULTILINE)


@pytest.mark.parametrize("name", sorted({*metric_names()} - WITH_A_MODEL))
def test_every_built_in_metric_scores_within_its_range(name: str) -> None:
    items = [
        BenchmarkItem(
            id=str(number),
            messages=({"role": "user", "content": "Where is my card?"},),
            expected="cards: block card",
            task_type="cards",
            harmful=number % 2 == 0,
            json_schema={"type": "object"},
            pattern=r"cards: .*",
        )
        for number in range(60)
    ]
    responses = (["cards: block card", "", '{"a": 1}', "I can't help with that."] * 15)[:60]
    for metric in load_metrics([name]):
        assert metric.lowest < metric.highest
        scores = apply_metric(metric, items, responses)
        assert np.nanmin(scores) >= metric.lowest
        assert np.nanmax(scores) <= metric.highest


@pytest.mark.parametrize("name", metric_names())
def test_every_built_in_metric_has_its_row(name: str) -> None:
    page = (DOCS / "how-to/evaluate-a-candidate.md").read_text(encoding="utf-8")
    table = "\n".join(re.findall(r"^\| `.+$", page, re.MULTILINE))
    assert f"`{name}`" in table or name in PARTS
