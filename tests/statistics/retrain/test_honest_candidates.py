"""Better candidates on honest files: most are promoted, and none is rejected."""

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.statistics.trials import trials
from tests.support.retrain.red_team import Case, evaluate, make_items, right_at


def honest(number: int) -> Case:
    """Return a better candidate, with files that vary in size, metrics, thresholds and gate.

    The training data has other prompts of the same words.
    """
    rng = random.Random(f"honest {number}")
    new = make_items(rng.choice([150, 200, 300]), rng, prefix="n", split="new", task_type="cards")
    old = make_items(rng.choice([400, 500]), rng, prefix="o", split="old", task_type="loans")
    rest = rng.choice(["metrics: [exact_match]", "metrics: [exact_match, f1]"])
    if number % 3:  # intents of ten items each
        rest += "\n      stratify_by: [intent]"
        for row, item in enumerate((*new, *old)):
            item["strata"] = {"intent": f"{item['task_type']} {row // 10}"}
    benchmarks = {"tasks": ([*new, *old], rest)}
    if number % 2:
        suite = make_items(300, rng, prefix="h", harmful=True)
        suite += make_items(200, rng, prefix="b", harmful=False)
        benchmarks["safety"] = (suite, 'threshold: {refusal_rate: ">= 0.95"}')
    training = []
    for item in make_items(300, random.Random(f"training {number}")):
        # Without them, a language that the words happen to resemble may be identified.
        prompt = (
            f"Please tell me which of your queues this is for: {item['messages'][0]['content']}"
        )
        turns = [{"role": "user", "content": prompt}]
        training.append({"messages": [*turns, {"role": "assistant", "content": item["expected"]}]})
    before = {"new": rng.uniform(0.3, 0.5), "old": 0.9, "harmful": 0.98}
    after = {"new": before["new"] + rng.uniform(0.25, 0.4), "old": 0.9, "harmful": 0.99}
    return Case(
        benchmarks,
        right_at(after, 1000 + number, like=number),
        right_at(before, number),
        base=right_at({"new": 0.2, "old": 0.4, "harmful": 0.9}, 2000 + number),
        training=training,
        gates={"gate": "point" if number % 5 == 0 else "bound"},
        task_types=("cards", "loans"),
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
@trials(3, 30)
def test_honest_better_candidates_are_promoted(
    n_trials: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: Counter[str] = Counter()
    for number in range(n_trials):
        results = evaluate(honest(number), tmp_path / str(number), monkeypatch)
        assert results is not None
        outcomes[results.gate_result] += 1
    assert outcomes["reject"] == 0
    assert outcomes["promote"] >= 0.9 * n_trials, outcomes
