"""The one sentence of an evaluation: what moved, told apart, in words a manager understands."""

from collections.abc import Sequence

from monitor.drift import DriftResult, SampleDesign
from monitor.rendering.wording import (
    describe_input,
    describe_output,
    describe_slow_share,
    format_bound,
    format_day,
    is_informative,
)
from monitor.store.windows.assessment import FamilyAssessment, NumericAssessment

TOPICS_NAMED = 3
METRICS_NAMED = 3

#: A change that is neither better nor worse is worth a clause from here on: between what is called
#: small (.147) and medium (.33) of Cliff's delta (Romano et al., Florida Association of
#: Institutional Research, 2006).
NOTABLE_EFFECT = 0.2
NOTABLE_P_VALUE = 0.01


def headline(
    asked: FamilyAssessment,
    answered: FamilyAssessment,
    numeric_columns: Sequence[NumericAssessment],
) -> str:
    """Say what people ask, what they are answered given that, and which metrics got worse."""
    degraded = [one for one in numeric_columns if one.degraded]
    parts = [_asked(asked), _answered(answered, asked)]
    if degraded:
        worst = sorted(degraded, key=lambda one: -abs(one.relative_change or 1.0))
        fallen = join_names([_loss(one) for one in worst[:METRICS_NAMED]])
        left = len(worst) - METRICS_NAMED
        if left > 0:
            fallen += f" and {left} more metrics"
        parts.append(("and " if answered.alarm else "but ") + fallen)
    elif notable := _notable(numeric_columns):
        parts.append(
            ("and " if answered.alarm else "though ") + join_names([_loss(one) for one in notable])
        )
    sentence = _sentence([part for part in parts if part])
    return sentence[0].upper() + sentence[1:] + "."


def not_enough(n_reference: int, n_current: int, least: int) -> str:
    """Say which side is too small to be judged."""
    too_small = []
    if n_reference < least:
        too_small.append(f"the baseline has {n_reference:,}")
    if n_current < least:
        too_small.append(f"the window has {n_current:,}")
    return (
        f"Not enough data to judge: {least:,} exchanges are needed on either side, "
        f"{' and '.join(too_small)}."
    )


def too_few(asked: DriftResult, design: SampleDesign | None, least: int) -> str:
    """Say why a comparison of enough exchanges could not judge: what it was left with."""
    if design is not None:
        kept = int(design.reference_comparable.sum()), int(design.current_comparable.sum())
        if min(kept) < least:
            return (
                f"{not_enough(*kept, least)} That is what is left when task types that were "
                "sampled at different rates are made comparable."
            )
    return (
        f"Not enough data to judge: the exchanges come from {asked.n_current_groups:,} users "
        f"in the window and {asked.n_reference_groups:,} in the baseline; 20 are needed on "
        "either side to tell drift from the habits of a few."
    )


def _asked(family: FamilyAssessment) -> str:
    if family.slow_alarm:
        return f"{describe_input(family)} ({describe_slow_share(family.slow_alarm)})"
    if not family.alarm:
        return describe_input(family)
    share = f"{_how_many(family, 'prompts')} are unlike the baseline"
    if family.slow is not None and family.slow.alarm and family.slow.since is not None:
        share += f", since {format_day(family.slow.since)}"
    return f"{describe_input(family)} ({share}{_named(family)})"


def _how_many(family: FamilyAssessment, noun: str) -> str:
    if not is_informative(family.drifted_share_lower_bound):
        return f"it can't be told how many {noun}"
    return f"at least {format_bound(family.drifted_share_lower_bound)} of {noun}"


def _answered(family: FamilyAssessment, asked: FamilyAssessment) -> str:
    if not family.alarm:
        return describe_output(family, asked)
    share = f"{_how_many(family, 'answers')} are unlike the baseline's"
    return f"{describe_output(family, asked)} ({share}{_named(family)})"


def _sentence(parts: Sequence[str]) -> str:
    """Join clauses: a semicolon before the answers, a comma before the metrics."""
    sentence = "; ".join(parts[:2])
    return sentence if len(parts) < 3 else f"{sentence}, {parts[2]}"


def _named(family: FamilyAssessment) -> str:
    names = [f"“{topic.name}”" for topic in family.topics[:TOPICS_NAMED]]
    left = len(family.topics) - TOPICS_NAMED
    if not names:
        return ""
    return ": " + (join_names(names) if left <= 0 else f"{', '.join(names)} and {left} more")


def _notable(numeric_columns: Sequence[NumericAssessment]) -> list[NumericAssessment]:
    """Return what moved far without an alarm: answers may mean the same and be twice as long."""
    moved = [
        one
        for one in numeric_columns
        if one.adjusted_p_value <= NOTABLE_P_VALUE and abs(one.effect_size) >= NOTABLE_EFFECT
    ]
    return sorted(moved, key=lambda one: -abs(one.effect_size))[:METRICS_NAMED]


def _loss(one: NumericAssessment) -> str:
    name = f"`{one.name}`" if one.side == "metric" else f"`{one.side} {one.name}`"
    verb = "fell" if one.current_mean < one.reference_mean else "rose"
    # Of something rare the percentage says little: 1868% may be from one answer in 200 to 20.
    if one.relative_change is None or abs(one.relative_change) > 1:
        return f"{name} {verb} from {one.reference_mean:.2g} to {one.current_mean:.2g}"
    return f"{name} {verb} by {abs(one.relative_change):.0%}"


def join_names(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: "a", "a and b", "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
