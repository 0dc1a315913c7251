"""Covariates of prompts in output drift: meaning, form and task type."""

from datetime import UTC, datetime

import numpy as np
import pytest

from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from tests.support.windows.assess import assess_window

N, D = 400, 16


def window(terse: float, seed: int, *, by_prompt: bool, as_task: bool) -> Exchanges:
    """Make a window with terse responses to prompts of a form or task type, or to random ones."""
    rng = np.random.default_rng(seed)
    prompts = rng.standard_normal((N, D))
    prompts /= np.linalg.norm(prompts, axis=1, keepdims=True)
    is_terse = rng.random(N) < terse
    responses = prompts + 0.2 * rng.standard_normal((N, D))
    responses[:, 0] += 0.4 * is_terse
    responses /= np.linalg.norm(responses, axis=1, keepdims=True)
    is_short = is_terse if by_prompt else rng.permutation(is_terse)
    words = np.where(is_short & (not as_task), 4, 60) + rng.integers(0, 5, N)
    tasks = ["lookup" if short else "advice" for short in is_short] if as_task else [""] * N
    return Exchanges(
        prompts=["word " * int(n) for n in words],
        responses=["Yes."] * N,
        end_users=[str(row) for row in range(N)],
        task_types=tasks,
        occurred_at=[datetime(2026, 11, 2, tzinfo=UTC)] * N,
        attributes=[{}] * N,
        prompt_vectors=prompts,
        response_vectors=responses,
    )


@pytest.mark.slow
@pytest.mark.parametrize("as_task", [False, True])
@pytest.mark.parametrize("by_prompt", [True, False])
def test_a_shift_of_prompts_is_no_output_drift(by_prompt: bool, as_task: bool) -> None:
    """Shorter prompts, or prompts of a task type that the embedding doesn't show."""
    assessment = assess_window(
        window(0.3, 1, by_prompt=by_prompt, as_task=as_task),
        window(0.6, 2, by_prompt=by_prompt, as_task=as_task),
        drift=Drift(n_permutations=999),
        seed=3,
    ).assessment
    assert assessment.output.alarm is not by_prompt
