"""Whether a candidate may replace the incumbent: pure arithmetic on scores of the same items."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from monitor.errors import InputError
from retrain.evaluate import ItemScore
from retrain.intervals import (
    mcnemar_p_value,
    paired_difference_interval,
)

Outcome = Literal["passed", "failed", "undecided"]


@dataclass(frozen=True)
class Check:
    """One thing a candidate must show."""

    name: str
    outcome: Outcome
    #: The figures, in words.
    seen: str
    required: str


@dataclass(frozen=True)
class Verdict:
    """Promote only where every check passed; reject where one failed."""

    decision: Literal["promote", "reject", "undecided"]
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class GatePolicy:
    """What is asked of a candidate.

    Attributes:
        alpha: Level of the test that the candidate is better.
        max_regression: Largest tolerated fall of exact match on the old tasks, in [0, 1].
    """

    alpha: float = 0.05
    max_regression: float = 0.05


def judge(
    candidate: Sequence[ItemScore],
    incumbent: Sequence[ItemScore],
    *,
    policy: GatePolicy | None = None,
) -> Verdict:
    """Compare a candidate with the incumbent on the same items.

    Where the benchmark has items of the split ``new``, the candidate must be better on them
    (exact one-sided McNemar test). On the split ``old`` it must not be worse by more than
    ``max_regression`` (the point decides; the interval of the paired difference is shown).

    Raises:
        InputError: The two were not scored on the same items.
    """
    policy = policy or GatePolicy()
    pairs = _paired(candidate, incumbent)
    checks = []
    new = [pair for pair in pairs if pair[0].item.split == "new"]
    old = [pair for pair in pairs if pair[0].item.split == "old"]
    checks.append(_better(new, "new tasks", policy) if new else _better(pairs, "all tasks", policy))
    if old:
        checks.append(_not_worse(old, policy))
    else:
        checks.append(
            Check(
                "old tasks not worse",
                "undecided",
                "the benchmark has no items of the old tasks",
                "items of the split 'old'",
            )
        )
    return combine(checks)


def combine(checks: Sequence[Check]) -> Verdict:
    """Promote where every check passed, reject where one failed, else be undecided."""
    outcomes = {check.outcome for check in checks}
    if "failed" in outcomes:
        return Verdict("reject", tuple(checks))
    return Verdict("undecided" if "undecided" in outcomes else "promote", tuple(checks))


Pair = tuple[ItemScore, ItemScore]


def _paired(candidate: Sequence[ItemScore], incumbent: Sequence[ItemScore]) -> list[Pair]:
    by_id = {score.item.id: score for score in incumbent}
    if {score.item.id for score in candidate} != set(by_id) or len(candidate) != len(incumbent):
        raise InputError("candidate and incumbent were not scored on the same items")
    return [(score, by_id[score.item.id]) for score in candidate]


def _discordant(pairs: Sequence[Pair]) -> tuple[int, int, int, int]:
    """Count items that (only the candidate, only the incumbent, both, neither) got right."""
    only_candidate = sum(c.correct and not i.correct for c, i in pairs)
    only_incumbent = sum(i.correct and not c.correct for c, i in pairs)
    both = sum(c.correct and i.correct for c, i in pairs)
    return only_candidate, only_incumbent, both, len(pairs) - both - only_candidate - only_incumbent


def _difference(pairs: Sequence[Pair]) -> str:
    counts = _discordant(pairs)
    before = (counts[1] + counts[2]) / len(pairs)
    after = (counts[0] + counts[2]) / len(pairs)
    lower, upper = paired_difference_interval(*counts)
    return (
        f"{before:.1%} -> {after:.1%} on {len(pairs)} items ({100 * (after - before):+.1f} points, "
        f"95% interval {100 * lower:+.1f} to {100 * upper:+.1f})"
    )


def _better(pairs: Sequence[Pair], what: str, policy: GatePolicy) -> Check:
    only_candidate, only_incumbent, _, _ = _discordant(pairs)
    p_value = mcnemar_p_value(only_candidate, only_incumbent)
    outcome: Outcome = "undecided"
    if p_value <= policy.alpha:
        outcome = "passed"
    elif mcnemar_p_value(only_incumbent, only_candidate) <= policy.alpha:
        outcome = "failed"
    return Check(
        f"better on {what}",
        outcome,
        f"{_difference(pairs)}, p = {p_value:.2g}",
        f"exact McNemar p <= {policy.alpha:g}",
    )


def _not_worse(pairs: Sequence[Pair], policy: GatePolicy) -> Check:
    only_candidate, only_incumbent, _, _ = _discordant(pairs)
    # Compared as counts: 0.05 * n would be subject to rounding.
    fall = (only_incumbent - only_candidate) / len(pairs)
    return Check(
        "old tasks not worse",
        "passed" if fall <= policy.max_regression + 1e-12 else "failed",
        _difference(pairs),
        f"down by at most {100 * policy.max_regression:g} points",
    )
