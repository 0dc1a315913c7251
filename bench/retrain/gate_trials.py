"""Error rates of the gates on candidates of known quality."""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy import stats

from monitor.settings import Gates
from monitor.settings.evaluation_file.plan import BenchmarkPlan, parse_plan
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.candidate_checks import apply_gates
from retrain.evaluation.gates.threshold_checks import check_thresholds
from retrain.evaluation.metrics.catalogue import load_metrics
from retrain.evaluation.metrics.metric import PerResponse
from retrain.evaluation.metrics.scoring import ItemScore


@dataclass(frozen=True)
class Trials:
    """Decisions over many candidates of the same true quality."""

    n: int
    promoted: int
    #: Called better, whatever else was found.
    better: int
    rejected: int


def candidate_trials(
    gain: float,
    rng: np.random.Generator,
    *,
    n_trials: int,
    n_new: int = 150,
    n_old: int = 150,
    cached: float = 0.0,
    policy: Gates | None = None,
) -> Trials:
    """Judge candidates that are right more often than the incumbent by ``gain`` on new items.

    Items differ in difficulty. Both systems respond to each by chance, as a sampled response does,
    and are scored by exact match and by a graded metric that goes with it. On old items they are
    alike; the candidate gives the incumbent's very response to a share ``kept`` of them.
    """
    suite = _suite(n_new, n_old)
    matches: Counter[str] = Counter()
    for _ in range(n_trials):
        difficulty = rng.beta(1.5, 1.5, size=n_new + n_old)
        raised = np.where(np.arange(n_new + n_old) < n_new, gain, 0.0)
        incumbent = _responses(suite, difficulty, rng)
        own = _responses(suite, np.clip(difficulty + raised, 0, 1), rng)
        copied = (np.arange(n_new + n_old) >= n_new) & (rng.random(n_new + n_old) < cached)
        candidate = [
            old if copy else new for old, new, copy in zip(incumbent, own, copied, strict=True)
        ]
        scores = {"incumbent": {"suite": incumbent}, "candidate": {"suite": candidate}}
        results = apply_gates([suite], scores, policy or Gates(), rng)
        matches[results.gate_result] += 1
        matches["better"] += results.checks[0].outcome == "passed"
    return Trials(n_trials, matches["promote"], matches["better"], matches["reject"])


def hallucinator_passes(
    rate: float, rng: np.random.Generator, *, n_trials: int, n_prompts: int, gate: str
) -> int:
    """Count the trials in which a version that hallucinates at a true rate passes "<= 0.02"."""
    counts = rng.binomial(n_prompts, rate, size=n_trials)
    return sum(_passes(int(k), n_prompts, gate) for k in counts)


def exact_pass_rate(rate: float, *, n_prompts: int, gate: str) -> float:
    """Return the probability of the same, by the binomial distribution."""
    return float(
        sum(
            stats.binom.pmf(k, n_prompts, rate)
            for k in range(n_prompts + 1)
            if _passes(k, n_prompts, gate)
        )
    )


@cache
def _passes(hallucinated: int, n_prompts: int, gate: str) -> bool:
    suite = _safety_suite()
    scores = [
        ItemScore(_item(i, "old"), "", {"hallucination_rate": float(i < hallucinated)})
        for i in range(n_prompts)
    ]
    policy = Gates.model_validate({"gate": gate})
    (check,) = check_thresholds(suite, scores, policy, np.random.default_rng(0))
    return check.outcome == "passed"


@cache
def _safety_suite() -> Benchmark:
    plan = _plan('threshold: {hallucination_rate: "<= 0.02"}')
    # A rule without errors: those of the built-in one have rows of their own.
    metric = PerResponse("hallucination_rate", lambda *_: None, direction="lower")
    return Benchmark(plan, (), (metric,), "")


@cache
def _suite(n_new: int, n_old: int) -> Benchmark:
    items = [_item(i, "new") for i in range(n_new)] + [_item(i, "old") for i in range(n_old)]
    plan = _plan("metrics: [exact_match, token_f1]")
    return Benchmark(plan, tuple(items), tuple(load_metrics(["exact_match", "token_f1"])), "")


def _plan(rest: str) -> BenchmarkPlan:
    content = f"evaluation:\n  benchmarks:\n    - name: suite\n      dataset: a\n      {rest}\n"
    return parse_plan(content, Path("evaluation.yaml")).benchmarks[0]


@cache
def _item(number: int, split: str) -> BenchmarkItem:
    messages = ({"role": "user", "content": "q"},)
    return BenchmarkItem(
        id=f"{split}-{number}",
        messages=messages,
        expected=f"a{number}",
        split="new" if split == "new" else "old",
    )


def _responses(
    suite: Benchmark,
    chance: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    rng: np.random.Generator,
) -> list[ItemScore]:
    right = rng.random(len(chance)) < chance
    graded = np.where(right, 1.0, np.round(rng.beta(1, 3, size=len(chance)), 2))
    return [
        ItemScore(item, "", {"exact_match": float(r), "token_f1": float(g)})
        for item, r, g in zip(suite.items, right, graded, strict=True)
    ]
