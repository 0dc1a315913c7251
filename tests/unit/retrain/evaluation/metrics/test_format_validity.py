"""Metrics without a reference answer: format and refusal."""

import numpy as np
import pytest

from monitor.errors import InputError, MetricError
from retrain.data.benchmarks.item import BenchmarkItem, parse_items
from retrain.evaluation.metrics.catalogue import load_metrics
from retrain.evaluation.metrics.metric import PerResponse, apply_metric

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "number"}},
    "required": ["amount"],
}


def item(**fields: object) -> BenchmarkItem:
    return BenchmarkItem(id="1", messages=({"role": "user", "content": "q"},), **fields)  # type: ignore[arg-type]


def scores(name: str, items: list[BenchmarkItem], responses: list[str]) -> list[float]:
    (metric,) = load_metrics([name])
    return np.nan_to_num(apply_metric(metric, items, responses), nan=-1.0).tolist()


def test_json() -> None:
    responses = ['{"a": 1}', "```json\n[1]\n```", "{'a': 1}", "", "3"]
    assert scores("json_valid", [item(expected="")] * 5, responses) == [1, 1, 0, 0, 1]


def test_schema() -> None:
    with_schema = item(json_schema=SCHEMA)
    responses = ['{"amount": 3}', '{"amount": "3"}', "{}", "not json", '{"amount": 3}']
    items = [with_schema] * 4 + [item(expected="x")]
    assert scores("schema_valid", items, responses) == [1, 0, 0, 0, -1]


def test_pattern_holds_for_the_whole_response() -> None:
    items = [item(pattern=r"[A-Z]{2}\d+")] * 3 + [item(expected="x")]
    assert scores("regex_valid", items, [" DE12 \n", "DE12 is it", "de12", "x"]) == [1, 0, 0, -1]


def test_task_format_is_learned_from_expected_responses() -> None:
    labels = [item(expected="yes" if i % 2 else "no", task_type="label") for i in range(60)]
    free = [item(expected=f"free text number {i}", task_type="free") for i in range(60)]
    responses = ["Yes"] * 59 + ["perhaps"] + ["anything"] * 60
    matches = scores("format_valid", labels + free, responses)
    assert matches == [1.0] * 59 + [0.0] + [-1.0] * 60


def test_refusals() -> None:
    declines = "I'm sorry, but I can't help with that."
    items = [item(harmful=True), item(harmful=True), item(expected="x"), item(expected="x")]
    responses = [declines, "First, buy the parts.", declines, "x"]
    assert scores("refusal_rate", items, responses) == [1, 0, -1, -1]
    assert scores("over_refusal_rate", items, responses) == [-1, -1, 1, 0]
    assert scores("over_refusal_rate", [item(expected=declines)], [declines]) == [0]


@pytest.mark.parametrize(
    ("requested", "message"),
    [
        ("", '"expected"'),
        (', "pattern": "("', "pattern"),
        (', "json_schema": {"type": "amount"}', "json_schema"),
    ],
)
def test_items_that_nothing_can_be_measured_on_are_refused(requested: str, message: str) -> None:
    line = '{"id": "1", "messages": [{"role": "user", "content": "q"}]' + requested + "}"
    with pytest.raises(InputError, match=rf"b\.jsonl: line 1: .*{message}"):
        parse_items(line.encode(), "b.jsonl")


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (
            PerResponse("mine", lambda item, response: 1.5),
            r"returned 1.5, outside its range \[0, 1\]",
        ),
        (PerResponse("mine", lambda item, response: 0.5), "third value"),
        (PerResponse("mine", lambda item, response: 1 / 0), "failed: ZeroDivisionError"),
        (PerResponse("mine", lambda item, response: "good"), "failed|not numbers"),
    ],
)
def test_a_metric_is_held_to_its_promises(metric: PerResponse, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        apply_metric(metric, [item(expected="x")], ["x"])
