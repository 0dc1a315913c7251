"""Losses of a candidate in groups of items that no field of ``stratify_by`` names."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from monitor.settings import Gates
from monitor.store.training.candidate_results import GateCheck
from retrain.data.benchmarks.groups import by_rank, by_value
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.stratum_losses import (
    MAX_P_GATHERED,
    adjusted_p_values,
    named_fields,
    paired_strata,
)
from retrain.evaluation.metrics.metric import goodness
from retrain.evaluation.metrics.scoring import ItemScore, Scores
from retrain.evaluation.rules.item_places import named

#: Largest p-value of a group by itself where gathered losses count: six losses without a gain, or
#: nine with one. Fewer gather in hard topics of honest candidates, too.
MAX_P_OF_SUSPICION = 0.02
#: Groups that a text names.
_NAMED = 2

#: Name of a group -> the ids of its items.
Groups = Mapping[str, frozenset[str]]


def check_groups(
    benchmarks: Sequence[Benchmark],
    candidate: Scores,
    reference: Scores,
    policy: Gates,
    rng: np.random.Generator,
    *,
    reference_name: str,
    base: Scores | None = None,
) -> list[GateCheck]:
    """Check that losses don't gather in a group that is read from the items.

    The groups are those of the benchmarks, and the items that are hardest and easiest for the base
    model, where that is not the reference. They are tested as strata are, as a family of their own,
    and leave the check undecided. Benchmarks without groups have no check.
    """
    strata = [
        stratum
        for benchmark in benchmarks
        for stratum in paired_strata(
            benchmark,
            candidate[benchmark.name],
            reference[benchmark.name],
            policy.margin,
            partial(_members, groups=_groups(benchmark, base[benchmark.name] if base else ())),
        )
    ]
    if not strata:
        return []
    p_lost, p_gathered = adjusted_p_values(strata, policy, rng, MAX_P_OF_SUSPICION)
    rows = np.flatnonzero((p_lost <= policy.alpha) | (p_gathered <= MAX_P_GATHERED))
    worst = sorted(rows, key=lambda row: (p_lost[row] * p_gathered[row], strata[row].mean))
    observed = "; ".join(
        f"{strata[row]}, {len(strata[row].lost)} of the {strata[row].n_losses} losses "
        f"({named(strata[row].lost)})"
        for row in worst[:_NAMED]
    )
    if len(worst) > _NAMED:
        observed += f"; and {len(worst) - _NAMED} more groups"
    return [
        GateCheck(
            "no group lost",
            "undecided" if observed else "passed",
            f"{observed}; train on such items, or add some to see whether they are lost"
            if observed
            else f"largest loss: {min(strata, key=lambda stratum: stratum.mean)}",
            f"no gathered or significant loss of more than {100 * policy.margin:g} points against "
            f"the {reference_name} in any of {len(strata)} groups by field, language, length, "
            "form, topic, reference answer and difficulty",
            code="groups",
        )
    ]


def _groups(benchmark: Benchmark, base: Sequence[ItemScore]) -> Groups:
    fields = named_fields(benchmark)
    groups = {
        name: ids for name, ids in benchmark.groups.items() if name.partition("=")[0] not in fields
    }
    for metric in benchmark.metrics if groups and base else ():
        scores = [score for score in base if metric.name in score.values]
        values = goodness(metric, np.array([score.values[metric.name] for score in scores]))
        name = f"base model's {metric.name}"
        ranks = (
            by_value(name, [f"{value:g}" for value in values])
            if metric.kind == "binary"
            else by_rank(name, values.tolist())
        )
        for name, rows in ranks:
            groups[name] = frozenset(scores[row].item.id for row in rows)
    return groups


def _members(
    scores: Sequence[ItemScore], rows: Sequence[int], groups: Groups
) -> Iterator[tuple[str, tuple[int, ...]]]:
    places = {scores[row].item.id: row for row in rows}
    for name, ids in groups.items():
        if members := tuple(sorted(places[item] for item in ids if item in places)):
            yield name, members
