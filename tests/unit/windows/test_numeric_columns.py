"""Numeric columns of a window and its baseline."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.format_conformance import broken_formats
from monitor.windows.comparison.numeric_columns import numeric_columns_of
from monitor.windows.comparison.numeric_comparison import NumericColumn

ENGLISH = "What is the balance of my account, and when will it change?"
GERMAN = "Wie hoch ist mein Kontostand, und wann wird er sich ändern?"
RESPONSE = "Your balance is {} euros, and it will change with the next transfer that you make."
ANTWORT = "Ihr Kontostand ist {} Euro, und er ändert sich mit der nächsten Überweisung."


def window(
    responses: Sequence[str],
    *,
    prompts: Sequence[str] | None = None,
    task_types: Sequence[str] | None = None,
    attributes: Sequence[dict[str, Any]] | None = None,
    users: Sequence[str] | None = None,
    prompt_vectors: np.ndarray | None = None,
    response_vectors: np.ndarray | None = None,
) -> Exchanges:
    n = len(responses)
    same = np.ones((n, 1), dtype=np.float32)
    return Exchanges(
        prompts=prompts or [ENGLISH] * n,
        responses=responses,
        end_users=users or [f"u{row}" for row in range(n)],
        task_types=task_types or [""] * n,
        occurred_at=[datetime(2026, 11, 2, tzinfo=UTC)] * n,
        attributes=attributes or [{}] * n,
        prompt_vectors=same if prompt_vectors is None else prompt_vectors,
        response_vectors=same if response_vectors is None else response_vectors,
    )


def make_responses(n: int, template: str = RESPONSE) -> list[str]:
    return [template.replace("{}", str(number)) for number in range(n)]


def compared(reference: Exchanges, current: Exchanges) -> dict[str, NumericColumn]:
    return {
        f"{entry.side} {entry.name}": entry
        for entry in numeric_columns_of(reference, current, Drift())
    }


def test_constant_column_is_left_out() -> None:
    numbers = compared(window(["yes"] * 100), window(["yes"] * 100))
    assert numbers == {}


def test_the_apis_reason_is_believed_where_both_sides_have_it() -> None:
    message = [{"finish_reason": "length" if row % 10 == 0 else "stop"} for row in range(100)]
    reference, current = (window(make_responses(100), attributes=message) for _ in range(2))
    cut = compared(reference, current)["response cut off"]
    assert cut.direction == -1
    assert cut.current.sum() == 10
    # A side without reasons: both are judged by how their texts end, and none looks cut off.
    assert "response cut off" not in compared(reference, window(make_responses(100)))


def test_cut_off_responses_are_found_without_finish_reasons() -> None:
    long = RESPONSE * 4
    current = [*make_responses(50, long), *make_responses(50, long[:-10])]
    cut = compared(window(make_responses(100, long)), window(current))["response cut off"]
    assert (cut.reference.sum(), cut.current.sum()) == (0, 50)


def test_a_response_without_a_reason_is_missing() -> None:
    message: list[dict[str, Any]] = [{"finish_reason": "length"}, *[{"finish_reason": "stop"}] * 97]
    message += [{}, {"finish_reason": None}]
    side = window(make_responses(100), attributes=message)
    cut = compared(side, side)["response cut off"]
    assert np.isnan(cut.reference).sum() == 2


def test_refusals_are_detected_by_words_field_and_filters() -> None:
    stop = {"finish_reason": "stop"}
    attributes = [{**stop, "refusal": True}, {"finish_reason": "content_filter"}, *[stop] * 98]
    responses = ["No.", "", "I'm sorry, but I can't help with that.", *make_responses(97)]
    current = window(responses, attributes=attributes)
    refused = compared(window(make_responses(100), attributes=[stop] * 100), current)[
        "response refusal"
    ]
    assert np.flatnonzero(refused.current).tolist() == [0, 1, 2]
    # A filter's word counts only where the other side would have one as well.
    alone = compared(window(make_responses(100)), current)["response refusal"]
    assert np.flatnonzero(alone.current).tolist() == [0, 2]


def test_calls_that_failed_are_counted() -> None:
    attributes = [{"error": "Timeout"}] * 10 + [{"error": ""}, {"error": True}] * 45
    failed = compared(
        window(make_responses(100)), window(make_responses(100), attributes=attributes)
    )
    assert failed["response error"].current.sum() == 10
    assert failed["response error"].direction == -1


def test_a_baseline_without_responses_has_none_to_lose() -> None:
    numbers = compared(window([""] * 100), window([*[""] * 50, *make_responses(50)]))
    assert not [name for name in numbers if name.startswith("response")]


def test_languages_are_compared_as_mix_and_against_their_prompts() -> None:
    reference = window(make_responses(100), prompts=[ENGLISH] * 98 + [GERMAN] * 2)
    current = window(
        [*make_responses(70), *make_responses(10, ANTWORT), *make_responses(15), *["OK"] * 5],
        prompts=[ENGLISH] * 70 + [GERMAN] * 30,
    )
    numbers = compared(reference, current)
    german = numbers["prompt language: de"]
    assert (german.direction, german.reference.mean(), german.current.mean()) == (0, 0.02, 0.3)
    assert "prompt language: en" not in numbers  # what the others tell
    other = numbers["response other language than the prompt"]
    assert other.direction == -1
    assert (np.nansum(other.reference), np.nansum(other.current)) == (2, 15)
    assert np.isnan(other.current).sum() == 5  # "OK" is of every language


@pytest.mark.slow
def test_rare_languages_are_left_out() -> None:
    reference = window(make_responses(1000))
    current = window(make_responses(1000), prompts=[ENGLISH] * 996 + [GERMAN] * 4)
    assert not any("language:" in name for name in compared(reference, current))


def test_relevance_has_no_direction_and_unrelated_responses_have_one() -> None:
    rng = np.random.default_rng(0)

    def unit(vectors: np.ndarray) -> np.ndarray:
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)

    requests = unit(rng.normal(size=(400, 64)))
    answered = unit(requests + 0.1 * rng.normal(size=(400, 64)))
    off = answered.copy()
    off[:40] = unit(rng.normal(size=(40, 64)))
    reference = window(make_responses(400), prompt_vectors=requests, response_vectors=answered)
    current = window(["", *make_responses(399)], prompt_vectors=requests, response_vectors=off)
    numbers = compared(reference, current)
    near = numbers["response relevance to the prompt"]
    assert near.direction == 0
    assert np.isnan(near.current[0])
    far = numbers["response unrelated to the prompt"]
    assert far.direction == -1
    assert np.nansum(far.reference) == 0
    assert 35 <= np.nansum(far.current) <= 39


def test_a_useless_encoder_marks_no_response_as_unrelated() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2, 200, 8))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    side = window(make_responses(200), prompt_vectors=vectors[0], response_vectors=vectors[1])
    numbers = compared(side, side)
    assert "response relevance to the prompt" in numbers
    assert "response unrelated to the prompt" not in numbers


def test_metrics_are_compared_too() -> None:
    attributes = [{"latency_ms": float(row), "thumbs": 1, "note": "x"} for row in range(100)]
    numbers = compared(window(make_responses(100)), window(make_responses(100)))
    assert not any(name.startswith("metric") for name in numbers)
    side = window(make_responses(100), attributes=attributes)
    numbers = compared(side, side)
    assert numbers["metric latency_ms"].direction == -1
    assert numbers["metric thumbs"].direction == 1


# Formats


def routed(n: int) -> list[str]:
    return [f'{{"queue": "{("cards", "fees")[row % 2]}", "urgent": false}}' for row in range(n)]


def test_each_task_type_has_its_own_format() -> None:
    tasks = ["route"] * 200 + ["label"] * 200 + ["talk"] * 200
    reference = window([*routed(200), *["yes", "No"] * 100, *make_responses(200)], task_types=tasks)
    current = window(
        [
            *routed(150), *['{"queue": "cards"}'] * 30, *["{"] * 20,
            *["yes"] * 170, *["maybe"] * 20, *[""] * 10,
            *make_responses(200),
        ],
        task_types=tasks,
    )  # fmt: skip
    before, now = broken_formats(reference, current)
    assert np.nansum(before) == 0
    assert (now[:200].sum(), np.nansum(now[200:400])) == (50, 20)
    assert np.isnan(now[390:]).all()  # no answer, and no format


def test_a_response_does_not_judge_itself() -> None:
    """Half of the labels are used by one end user each, who must not make them usual."""
    rng = np.random.default_rng(0)
    labels = [f"label {integer}" for integer in rng.integers(0, 5, 1990)] + [
        f"own {n}" for n in range(10)
    ]
    users = [f"user {n}" for n in range(2000)]
    reference = window(labels, users=users)
    before, _ = broken_formats(reference, window(["label 1"] * 50))
    assert before.sum() == 10


def test_small_task_types_have_the_format_of_all() -> None:
    formatted = [f'{{"answer": {row}}}' for row in range(200)]
    types = [f"task {row % 10}" for row in range(200)]
    reference = window([*formatted, *["free text"] * 10], task_types=[*types, *["chat"] * 10])
    current = window(
        [*formatted[:150], *['{"answer": '] * 50, *["other text"] * 10],
        task_types=[*types, *["chat"] * 10],
    )
    _, now = broken_formats(reference, current)
    assert now[:200].sum() == 50
    assert np.isnan(now[200:]).all()


def test_undrifted_responses_are_judged_alike_on_both_sides() -> None:
    rng = np.random.default_rng(1)
    share = 1 / np.arange(1, 60) ** 2.5
    draws = [rng.choice(59, n, p=share / share.sum()) for n in (3000, 3000)]
    sides = [window([f"label {entry}" for entry in drawn]) for drawn in draws]
    before, now = broken_formats(sides[0], sides[1])
    assert before.mean() > 0
    assert now.mean() == pytest.approx(before.mean(), abs=0.006)


def test_a_taxonomy_may_say_the_format() -> None:
    class Short:
        def admits(self, response: str) -> bool:
            return len(response) < 10

    side = window(["yes", "a long answer", "no"], task_types=["label", "label", "talk"])
    before, now = broken_formats(side, side, {"label": Short()})
    assert np.array_equal(before, [0, 1, np.nan], equal_nan=True)
    assert np.array_equal(before, now, equal_nan=True)


def test_formats_are_learned_only_for_undeclared_task_types() -> None:
    labels = ["yes", "no"] * 60
    responses = [*labels, *labels]
    types = ["told"] * 120 + ["learned"] * 120
    side = window(responses, task_types=types)
    current = window(["perhaps"] * 240, task_types=types)
    _, now = broken_formats(side, current, {"told": None})
    assert np.isnan(now[:120]).all()
    assert (now[120:] == 1).all()
