"""Abstentions, and the claims of a response."""

import pytest

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.abstention import ABSTENTION_ACCURACY
from retrain.evaluation.metrics.claims import claims


@pytest.mark.parametrize(
    ("answerable", "response", "right"),
    [
        (False, "The document doesn't say.", 1),
        (False, "It costs 5 EUR.", 0),
        (True, "I don't know.", 0),
        (True, "No.", 1),
        (None, "I don't know.", None),
    ],
)
def test_abstaining_is_scored_by_itself(
    answerable: bool | None, response: str, right: float | None
) -> None:
    message = {"role": "user", "content": "Is it free?"}
    item = BenchmarkItem(id="1", messages=(message,), context="It is.", answerable=answerable)
    assert ABSTENTION_ACCURACY.function(item, response) == right


def test_claims_are_sentences_that_state_something() -> None:
    assert claims("Mail a.b@c.de. It costs 3.5 EUR! Why?\n* Pay now") == [
        "Mail a.b@c.de.", "It costs 3.5 EUR!", "Pay now",
    ]  # fmt: skip
