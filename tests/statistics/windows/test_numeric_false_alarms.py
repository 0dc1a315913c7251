"""False alarms of all descriptors together on windows without drift."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from scipy import stats

from monitor.settings import Drift
from monitor.statistics.alarm_levels import DEFAULT_LEVELS
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import NumericAssessment
from monitor.windows.comparison.numeric_columns import numeric_columns_of
from monitor.windows.comparison.numeric_comparison import compare_numeric_columns
from tests.statistics.trials import trials

ALPHA = 0.05
EXCHANGES_A_USER = 3

WORDS = (
    *("the", "account", "of", "your", "bank", "will", "show", "every", "transfer", "that", "you"),
    *("have", "made", "with", "this", "card", "and", "what", "it", "cost", "so", "please", "look"),
    *("at", "when", "can", "or", "call", "us", "about", "any", "them", "if", "there", "is", "one"),
)


def make_text(rng: Generator, n_words: int) -> str:
    return " ".join(rng.choice(WORDS, n_words)) + "."


def make_response(rng: Generator) -> str:
    """Generate a response with common faults at their usual rates."""
    text = make_text(rng, int(rng.integers(5, 60)))
    match int(rng.choice(6, p=[0.85, 0.03, 0.03, 0.03, 0.03, 0.03])):
        case 1:
            return f"I'm sorry, but I can't help with that. {text}"
        case 2:
            return text * 3 + " and then the"
        case 3:
            return ""
        case 4:
            return "Das ist nicht die Antwort, und ich weiß auch nicht, was sie sein kann."
        case 5:
            return text + " and so on" * 20
        case _:
            return text


def make_pool(rng: Generator) -> tuple[list[str], list[str]]:
    return [make_text(rng, 12) for _ in range(100)], [make_response(rng) for _ in range(300)]


def make_window(rng: Generator, pool: tuple[list[str], list[str]], n_users: int) -> Exchanges:
    """Draw end users whose exchanges are similar in all metrics."""
    n = n_users * EXCHANGES_A_USER
    mood = rng.normal(size=n_users).repeat(EXCHANGES_A_USER)
    attributes: list[dict[str, Any]] = [
        {
            "latency_ms": float(rng.lognormal(6 + 0.5 * entry, 0.5)),
            "cost": float(rng.exponential()),
            "thumbs_up": bool(rng.normal() + entry > -1),
            "thumbs": int(rng.choice([-1, 1])),
            "judge_score": int(np.clip(round(3 + entry + rng.normal()), 1, 5)),
            "timeout": bool(rng.random() < 0.02),
            "finish_reason": "length" if rng.random() < 0.03 else "stop",
        }
        for entry in mood
    ]
    same = np.ones((n, 1), dtype=np.float32)
    return Exchanges(
        prompts=[str(entry) for entry in rng.choice(pool[0], n)],
        responses=[str(entry) for entry in rng.choice(pool[1], n)],
        end_users=np.arange(n_users).repeat(EXCHANGES_A_USER).astype(str).tolist(),
        task_types=[""] * n,
        occurred_at=[datetime(2026, 11, 2, tzinfo=UTC)] * n,
        attributes=attributes,
        prompt_vectors=same,
        response_vectors=same,
    )


def assess(reference: Exchanges, current: Exchanges, level: float) -> tuple[NumericAssessment, ...]:
    numbers = numeric_columns_of(reference, current, Drift())
    return compare_numeric_columns(numbers, reference, current, level=level, alert_threshold=0.10)


def count_false_alarms(n_trials: int, alpha: float) -> tuple[int, int]:
    """Count drift-free windows with a degraded column, and with a significant one."""
    degraded = significant = 0
    for trial in range(n_trials):
        rng = np.random.default_rng([23, trial])
        pool = make_pool(rng)
        result = assess(make_window(rng, pool, 150), make_window(rng, pool, 60), alpha / 2)
        assert len(result) >= 17
        degraded += any(entry.degraded for entry in result)
        significant += any(entry.adjusted_p_value <= alpha for entry in result)
    return degraded, significant


@pytest.mark.slow
@trials(14, 60)
def test_windows_without_drift_seldom_have_anything_degraded(n_trials: int) -> None:
    """Without adjusted p-values, 8 of the 14 windows have a significant column; 4 may."""
    degraded, significant = count_false_alarms(n_trials, ALPHA)
    most = stats.binom.ppf(0.999, n_trials, ALPHA)
    assert degraded <= significant <= most


def test_worse_window_has_its_metric_degraded() -> None:
    rng = np.random.default_rng(1)
    pool = make_pool(rng)
    current = make_window(rng, pool, 200)
    attributes = [entry | {"timeout": rng.random() < 0.1} for entry in current.attributes]
    worse = replace(current, attributes=attributes)
    result = assess(make_window(rng, pool, 200), worse, DEFAULT_LEVELS.metrics)
    assert [entry.name for entry in result if entry.degraded] == ["timeout"]
