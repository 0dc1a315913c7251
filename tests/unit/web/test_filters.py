"""Filters of templates."""

import pytest

from monitor.web.filters import sentence, usual_time


@pytest.mark.parametrize(
    ("minutes", "number"),
    [(0.4, "a minute"), (1.2, "1 minute "), (1.6, "2 minutes "), (12, "12 m")],
)
def test_the_usual_time_is_rounded(minutes: float, number: str) -> None:
    assert number in usual_time(minutes)


@pytest.mark.parametrize(
    ("message", "begins"),
    [
        ("desk: the rollout runs", "desk: the rollout runs."),
        ("the rollout runs: end it", "The rollout runs: end it."),
        ("x", "X."),
        ("", "."),
    ],
)
def test_a_sentence_leaves_the_name_that_it_begins_with(message: str, begins: str) -> None:
    assert begins == sentence(message)
