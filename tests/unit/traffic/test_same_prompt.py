"""Prompts that are one text."""

from datetime import UTC, datetime

import pytest

from monitor.errors import InputError
from monitor.traffic.exchange import Exchange, Message
from monitor.traffic.same_prompt import check_prompts, find_same_prompt
from tests.support.refusals import refusal


def test_a_text_of_most_prompts_is_found() -> None:
    same = find_same_prompt(["[text]"] * 90 + [" [text]\n"] * 10 + ["why?"] * 50, 0.5)
    assert same is not None
    assert (same.text, same.count, same.n) == ("[text]", 100, 150)


@pytest.mark.parametrize(
    "prompts",
    [
        [f"popular {row % 20}" if row % 5 < 2 else f"text {row}" for row in range(1000)],
        ["hi"] * 50 + [f"text {row}" for row in range(50)],
        ["hi"] * 19,
        [],
    ],
    ids=["20 popular prompts", "half", "few", "none"],
)
def test_popular_prompts_are_not_one_text(prompts: list[str]) -> None:
    assert find_same_prompt(prompts, 0.5) is None


def test_a_share_of_one_allows_one_text() -> None:
    assert find_same_prompt(["hi"] * 100, 1.0) is None


def test_refusal_quotes_the_text_with_its_count() -> None:
    exchange = Exchange(
        exchange_id="1",
        occurred_at=datetime(2026, 11, 2, tzinfo=UTC),
        model="m",
        messages=(Message(role="user", content="[text]"),),
        response="Yes.",
    )
    with refusal("same_prompt", InputError) as refused:
        check_prompts("week.jsonl", [exchange] * 150, 0.5)
    for fact in ("week.jsonl", "150 of 150", "'[text]'", "--allow-same-prompt"):
        assert fact in str(refused.value)
