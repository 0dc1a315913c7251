"""Descriptors of responses alarm as part of the output family."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from monitor.drift import DescriptorChange
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.numeric_columns import numeric_columns_of
from monitor.windows.comparison.response_descriptors import response_descriptors, unit_of
from monitor.windows.comparison.window_comparison import compare_window
from monitor.windows.findings.findings import Findings, collect_findings

N = 200
PROMPT = "What is the balance of my account number {}, and when will it change again?"
RESPONSE = "Your balance is {} euros, and it will change with the next transfer that you make."


def window(responses: Sequence[str], seed: int, prompts: Sequence[str] | None = None) -> Exchanges:
    """Return exchanges whose vectors say nothing about the texts."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((2, len(responses), 8))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    n = len(responses)
    return Exchanges(
        prompts=prompts or [PROMPT.format(row) for row in range(n)],
        responses=responses,
        end_users=[f"u{row}" for row in range(n)],
        task_types=[""] * n,
        occurred_at=[datetime(2026, 11, 2, tzinfo=UTC)] * n,
        attributes=[{}] * n,
        prompt_vectors=vectors[0].astype(np.float32),
        response_vectors=vectors[1].astype(np.float32),
    )


def findings(reference: Exchanges, current: Exchanges) -> Findings:
    drift = Drift()
    comparison = compare_window(
        reference,
        current,
        drift=drift,
        levels=drift.levels("weekly"),
        alert_threshold=0.1,
        seed=1,
    )
    return collect_findings(comparison)


def changes(result: Findings) -> dict[str, float]:
    """Return the significant changes of descriptors."""
    return {
        change.name: change.change
        for change in result.output.descriptors
        if change.adjusted_p_value <= 0.05
    }


def make_responses(n: int) -> list[str]:
    return [RESPONSE.format(row) for row in range(n)]


@pytest.mark.slow
def test_a_window_without_a_single_response_alarms() -> None:
    result = findings(window(make_responses(N), 1), window([""] * N, 2))
    assert (result.verdict, result.output.alarm) == ("drift", True)
    assert changes(result)["empty"] == pytest.approx(1.0, abs=0.05)


@pytest.mark.slow
def test_broken_formats_alarm_with_the_responses() -> None:
    formatted = [f'{{"queue": "{("cards", "fees")[row % 2]}"}}' for row in range(N)]
    broken = [*formatted[: N - 40], *[f"{{{row}" for row in range(40)]]
    result = findings(window(formatted, 1), window(broken, 2))
    assert result.output.alarm
    assert changes(result)["broken format"] == pytest.approx(0.2, abs=0.05)
    assert not any(column.degraded for column in result.numeric_columns)
    pairs = [pair for pair in result.output.pairs if pair.descriptor == "broken format"]
    assert pairs
    assert all(pair.example.response in broken[N - 40 :] for pair in pairs)
    assert result.input.pairs == ()
    assert result.response_change is not None
    assert result.response_change.shape == (N,)
    assert ((result.response_change >= 0.0) & (result.response_change <= 1.0)).all()


@pytest.mark.slow
def test_shorter_responses_alarm_as_a_shift_with_its_effect() -> None:
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.normal(3.5, 0.6, size=(2, N))) * [[1.0], [0.6]]
    texts = [[" word" * int(n) for n in side] for side in sizes]
    result = findings(window(texts[0], 1), window(texts[1], 2))
    assert (result.output.alarm, result.output.is_shift) == (True, True)
    assert changes(result)["length in tokens"] == pytest.approx(-0.4, abs=0.1)
    assert "% shorter (" in " ".join(result.sentences)


@pytest.mark.slow
def test_longer_prompts_never_alarm() -> None:
    prompts = [PROMPT.format(row) * 3 for row in range(N)]
    reference, current = window(make_responses(N), 1), window(make_responses(N), 2, prompts)
    result = findings(reference, current)
    assert result.verdict != "drift"
    assert result.output.pairs == ()
    assert result.response_change is None
    described = numeric_columns_of(reference, current, Drift())
    assert {column.side for column in described} > {"prompt"}
    assert not {d.name for d in response_descriptors(described)} & {"lines", "questions"}


@pytest.mark.parametrize(
    ("name", "is_relative", "unit"),
    [
        ("length in tokens", True, "percent"),
        ("refusal", False, "points"),
        ("repetition", False, "points"),
        ("readability (LIX)", False, "value"),
        ("language: de", False, "points"),
    ],
)
def test_unit_of_a_change(name, is_relative, unit) -> None:
    change = DescriptorChange(
        name=name,
        is_relative=is_relative,
        change=0.1,
        lower=0.0,
        upper=0.2,
        p_value=0.1,
        adjusted_p_value=0.2,
    )
    assert unit_of(change) == unit
