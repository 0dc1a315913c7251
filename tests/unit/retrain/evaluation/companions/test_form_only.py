"""Benchmarks of forms: what fills the form must depend on the prompt as the incumbent's does."""

import json
import random
from collections.abc import Callable

import numpy as np
import pytest

from monitor.settings import Gates
from monitor.store.training.candidate_results import GateCheck
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.companions.form_only import check_forms
from retrain.evaluation.metrics.scoring import score_responses
from tests.support.retrain.scored_benchmarks import benchmark

QUEUES = ("billing", "shipping", "returns", "press")
#: Number of an item -> response.
Respond = Callable[[int], str]


def queue(number: int) -> str:
    """Return a queue in JSON, as the incumbent does where it has the form."""
    return json.dumps({"queue": QUEUES[number % 4], "urgent": number % 3 == 0})


def check(candidate: Respond, incumbent: Respond, *, n: int = 80, **fields: str) -> list[GateCheck]:
    items = [
        BenchmarkItem(
            id=str(number),
            messages=({"role": "user", "content": f"Ticket {number}"},),
            json_schema={"required": ["queue"]},
            **fields,
        )
        for number in range(n)
    ]
    suite = benchmark(items, metrics=["schema_valid", "token_f1"])
    systems = [
        {"suite": score_responses(items, [respond(row) for row in range(n)], suite.metrics)}
        for respond in (candidate, incumbent)
    ]
    rng = np.random.default_rng(0)
    return check_forms([suite], *systems, Gates(), rng, reference_name="incumbent")


@pytest.mark.parametrize(
    ("respond", "outcome"),
    [
        (lambda _: queue(0), "undecided"),
        (lambda row: queue(random.Random(row).randrange(12)), "undecided"),
        (lambda row: json.dumps({"queue": ", ".join(QUEUES), "ticket": row}), "undecided"),
        (queue, "passed"),
        (lambda row: queue(row if row % 5 else 0), "passed"),
        (lambda row: f"```json\n{queue(row)}\n```", "passed"),
    ],
)
def test_content_of_a_form_agrees_with_the_incumbents(respond: Respond, outcome: str) -> None:
    (result,) = check(respond, lambda row: queue(row) if row % 4 else "{")
    assert (result.code, result.outcome) == ("form_only", outcome)


def test_form_that_the_incumbent_never_had_is_undecided() -> None:
    (result,) = check(queue, lambda row: queue(row) if row < 20 else "{")
    assert result.outcome == "undecided"


def test_benchmark_with_reference_answers_has_no_check() -> None:
    assert not check(lambda _: queue(0), queue, expected="billing")
