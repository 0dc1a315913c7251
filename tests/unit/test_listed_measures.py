"""Descriptors and built-in metrics: listed, with a tested range and a documented row."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import numpy as np
import pytest

from monitor import descriptors
from monitor.descriptors.catalogue import DESCRIPTORS, Descriptor
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation import metrics
from retrain.evaluation.metrics.catalogue import BUILT_IN, MetricModels, load_metrics, metric_names
from retrain.evaluation.metrics.metric import Metric, PerResponse, apply_metric
from tests.unit.descriptors.test_descriptors import RANGES

HERE = Path(__file__).relative_to(Path(__file__).parents[2])
DOCS = Path(__file__).resolve().parents[2] / "docs"
#: Metrics whose scores need a model or a judge; their own tests check the ranges.
WITH_A_MODEL = {"bertscore", "hallucination_rate", "judged_score"}
WITH_A_MODEL |= {"judged_refusal_rate", "judged_over_refusal_rate"}
ITEMS = [
    BenchmarkItem(
        id=str(number),
        messages=({"role": "user", "content": "Where is my card?"},),
        expected="cards: block card",
        task_type="cards",
        harmful=number % 2 == 0,
        answerable=number % 3 == 0,
        json_schema={"type": "object"},
        pattern=r"cards: .*",
    )
    for number in range(60)
]
TEXTS = ("cards: block card", "", '{"a": 1}', "I can't help with that.")
RESPONSES = [TEXTS[row % len(TEXTS)] for row in range(len(ITEMS))]


def table(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the table with this heading, cell by cell."""
    text = (DOCS / page).read_text(encoding="utf-8")
    (body,) = re.findall(rf"^{re.escape(heading)}\n\|[ |-]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body.splitlines()]


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(module.name)


def numbers_of_a_text() -> list[Any]:
    """Return each public function ``str -> float`` in ``monitor/descriptors``."""
    return [
        entry
        for module in modules_of(descriptors)
        for name, entry in vars(module).items()
        if getattr(entry, "__module__", "") == module.__name__
        and not name.startswith("_")
        and not isinstance(entry, type)
        and list(get_type_hints(entry).values()) == [str, float]
    ]


class UnusedJudgeError(Exception):
    """Raised when a metric asks the judge."""


class UnusedJudge:
    """A judge, without which a metric that asks one isn't made."""

    def ask(self, system: str, question: str) -> str:
        raise UnusedJudgeError


def load(name: str) -> list[Metric]:
    return load_metrics([name], MetricModels(judge=UnusedJudge()))


@pytest.mark.parametrize("name", descriptors.__all__)
def test_every_listed_descriptor_loads(name: str) -> None:
    assert callable(getattr(descriptors, name))


@pytest.mark.parametrize("function", numbers_of_a_text(), ids=lambda entry: entry.__name__)
def test_every_number_of_a_text_has_a_tested_range(function: Any) -> None:
    assert function in RANGES, "add a line to DESCRIPTORS in monitor/descriptors/catalogue.py"


@pytest.mark.parametrize("descriptor", DESCRIPTORS, ids=lambda entry: entry.name)
def test_every_descriptor_has_its_row(descriptor: Descriptor) -> None:
    rows = table("explanation/statistics.md", "| descriptor | of | definition |")
    name = descriptor.name + (" ↑" if descriptor.direction < 0 else "")
    assert [name, descriptor.of] in [row[:2] for row in rows], (
        f"add a row | {name} | {descriptor.of} | ... | to docs/explanation/statistics.md"
    )


@pytest.mark.parametrize("module", [*modules_of(metrics)], ids=lambda module: module.__name__)
def test_every_metric_of_a_module_is_built_in(module: ModuleType) -> None:
    listed = [metric for name in BUILT_IN for metric in load(name)]
    hint = "add a line for {} to BUILT_IN in retrain/evaluation/metrics/catalogue.py"
    for entry in vars(module).values():
        if isinstance(entry, type):
            is_metric = entry.__module__ == module.__name__ and hasattr(entry, "score")
            is_listed = entry in {Metric, PerResponse, *map(type, listed)}
            assert is_listed or not is_metric, hint.format(entry.__name__)
        elif isinstance(entry, Metric):
            assert any(entry is metric for metric in listed), hint.format(entry.name)


@pytest.mark.parametrize("name", sorted({*metric_names()} - WITH_A_MODEL))
def test_every_built_in_metric_scores_within_its_range(name: str) -> None:
    for metric in load(name):
        try:
            scores = apply_metric(metric, ITEMS, RESPONSES)
        except UnusedJudgeError:
            pytest.fail(
                f"{name} needs a judge: test its range, and add it to WITH_A_MODEL in {HERE}"
            )
        assert metric.lowest < metric.highest
        assert np.isfinite(scores).any(), f"{name} applies to none of ITEMS in {HERE}; add one"
        assert np.nanmin(scores) >= metric.lowest
        assert np.nanmax(scores) <= metric.highest


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_metric_has_its_row(name: str) -> None:
    rows = table("how-to/evaluate-a-candidate.md", "| name | measures | better |")
    better = {row[-1] for row in rows if f"`{name}`" in row[0]}
    page = "docs/how-to/evaluate-a-candidate.md"
    assert better, f"add a row for `{name}` to the table of {page}"
    assert better == {metric.direction for metric in load(name)}, f"the row of `{name}` in {page}"
