"""Answers are compared given what prompts say, their form and their task type."""

from datetime import UTC, datetime

import numpy as np
import pytest

from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.window_comparison import assess

N, D = 400, 16


def window(terse: float, seed: int, *, told: bool, as_task: bool) -> Exchanges:
    """Make a window with terse answers to some prompts: to those of a form or task, if told."""
    rng = np.random.default_rng(seed)
    prompts = rng.standard_normal((N, D))
    prompts /= np.linalg.norm(prompts, axis=1, keepdims=True)
    is_terse = rng.random(N) < terse
    answers = prompts + 0.2 * rng.standard_normal((N, D))
    answers[:, 0] += 0.4 * is_terse
    answers /= np.linalg.norm(answers, axis=1, keepdims=True)
    is_short = is_terse if told else rng.permutation(is_terse)
    words = np.where(is_short & (not as_task), 4, 60) + rng.integers(0, 5, N)
    tasks = ["lookup" if one else "advice" for one in is_short] if as_task else [""] * N
    return Exchanges(
        prompts=["word " * int(n) for n in words],
        responses=["Yes."] * N,
        end_users=[str(row) for row in range(N)],
        task_types=tasks,
        occurred_at=[datetime(2026, 11, 2, tzinfo=UTC)] * N,
        attributes=[{}] * N,
        prompt_vectors=prompts,
        response_vectors=answers,
    )


@pytest.mark.parametrize("as_task", [False, True])
@pytest.mark.parametrize("told", [True, False])
def test_more_prompts_of_a_form_or_task_are_no_drift_of_the_answers(
    told: bool, as_task: bool
) -> None:
    """Shorter ones, or those of a task type that only the caller knows."""
    found = assess(
        window(0.3, 1, told=told, as_task=as_task),
        window(0.6, 2, told=told, as_task=as_task),
        model="m",
        drift=Drift(n_permutations=999),
        alert_threshold=0.1,
        seed=3,
    ).assessment
    assert found.output.alarm is not told
