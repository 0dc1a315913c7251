"""Benchmarks whose metrics measure a form and not what is in it."""

from collections.abc import Sequence

import numpy as np

from monitor.settings import Gates
from monitor.store.training.candidate_results import GateCheck
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.least_items import MIN_ITEMS
from retrain.evaluation.metrics.format_validity import FORMS
from retrain.evaluation.metrics.overlap import token_f1
from retrain.evaluation.metrics.scoring import ItemScore, Scores

N_SHUFFLES = 999
#: Most pairs that are compared; of more, so many are drawn.
MAX_PAIRS = 200


def check_forms(
    benchmarks: Sequence[Benchmark],
    candidate: Scores,
    reference: Scores,
    policy: Gates,
    rng: np.random.Generator,
    *,
    reference_name: str,
) -> list[GateCheck]:
    """Check what is in responses of which only the form is measured.

    Where candidate and reference both have the form, their responses to one prompt must have more
    words in common than those to two prompts: a candidate that fills the form with anything hasn't.
    """
    checks = []
    for benchmark in benchmarks:
        own = candidate[benchmark.name]
        by_id = {score.item.id: score for score in reference[benchmark.name]}
        measured = {name for score in own for name in score.values}
        if measured and measured <= FORMS:
            pairs = [
                (score.response, by_id[score.item.id].response)
                for score in own
                if _has_form(score) and _has_form(by_id[score.item.id])
            ]
            checks.append(_check_form(benchmark.name, pairs, policy, rng, reference_name))
    return checks


def _check_form(
    benchmark: str,
    pairs: Sequence[tuple[str, str]],
    policy: Gates,
    rng: np.random.Generator,
    reference_name: str,
) -> GateCheck:
    observed = f"only {len(pairs)} items on which both have the form"
    is_shown = False
    if len(pairs) >= MIN_ITEMS:
        own, by_chance, p_value = _agreement(pairs, rng)
        is_shown = p_value <= policy.alpha
        observed = (
            f"on {len(pairs)} items on which both have the form, {own:.0%} of the words agree, "
            f"{by_chance:.0%} by chance"
        )
    return GateCheck(
        f"only the form is measured: {benchmark}",
        "passed" if is_shown else "undecided",
        observed,
        f"responses to a prompt agree with the {reference_name}'s by more than chance, "
        f'p <= {policy.alpha:g}; or add "expected" and a metric that compares with it',
        code="form_only",
        benchmark=benchmark,
    )


def _has_form(score: ItemScore) -> bool:
    return bool(score.values) and all(value == 1 for value in score.values.values())


def _agreement(
    pairs: Sequence[tuple[str, str]], rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return the mean token F1 of the pairs, that by chance, and the p-value by shuffling."""
    if len(pairs) > MAX_PAIRS:
        pairs = [pairs[row] for row in rng.choice(len(pairs), MAX_PAIRS, replace=False)]
    first, second = (list(dict.fromkeys(texts)) for texts in zip(*pairs, strict=True))
    table = np.array([[token_f1(a, b) for b in second] for a in first])
    rows = np.array([first.index(a) for a, _ in pairs])
    columns = np.array([second.index(b) for _, b in pairs])
    own = float(table[rows, columns].mean())
    shuffled = np.array([table[rows, rng.permutation(columns)].mean() for _ in range(N_SHUFFLES)])
    p_value = (1 + int((shuffled >= own - 1e-12).sum())) / (1 + N_SHUFFLES)
    return own, float(shuffled.mean()), p_value
