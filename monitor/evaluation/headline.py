"""The one sentence of an evaluation: what moved, told apart, in words a manager understands."""

from collections.abc import Sequence

from monitor.store.assessment import Characteristic, FamilyAssessment

TOPICS_NAMED = 3
METRICS_NAMED = 3


def headline(
    asked: FamilyAssessment,
    answered: FamilyAssessment,
    characteristics: Sequence[Characteristic],
) -> str:
    """Say what people ask, what they are answered given that, and which metrics got worse."""
    degraded = [one for one in characteristics if one.degraded]
    parts = [_asked(asked), _answered(answered, asked)]
    if degraded:
        worst = sorted(degraded, key=lambda one: -abs(one.relative_change or 1.0))
        fallen = _join([_loss(one) for one in worst[:METRICS_NAMED]])
        left = len(worst) - METRICS_NAMED
        if left > 0:
            fallen += f" and {left} more metrics"
        parts.append(("and " if answered.alarm else "but ") + fallen)
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


def _asked(family: FamilyAssessment) -> str:
    if not family.alarm:
        moved = family.verdict == "drift"
        return (
            "what people ask has moved a little" if moved else "people ask what they asked before"
        )
    share = f"at least {family.mass_lower_bound:.0%} of prompts are unlike the baseline"
    named = _quoted(family)
    return f"people ask about new things ({share}{': ' + named if named else ''})"


def _answered(family: FamilyAssessment, asked: FamilyAssessment) -> str:
    if family.verdict == "not_enough_data":
        return "the answers could not be compared"
    if not family.alarm:
        given = "given what they ask, " if asked.alarm else ""
        if family.verdict == "drift":
            return f"{given}the answers have moved a little"
        return f"{given}the answers are what they were"
    share = f"at least {family.mass_lower_bound:.0%} of answers are unlike the baseline's"
    named = _quoted(family)
    return f"the same questions are answered otherwise ({share}{': ' + named if named else ''})"


def _sentence(parts: Sequence[str]) -> str:
    """Join clauses: a semicolon before the answers, a comma before the metrics."""
    sentence = "; ".join(parts[:2])
    return sentence if len(parts) < 3 else f"{sentence}, {parts[2]}"


def _quoted(family: FamilyAssessment) -> str:
    names = [f"“{topic.name}”" for topic in family.topics[:TOPICS_NAMED]]
    left = len(family.topics) - TOPICS_NAMED
    return _join(names) if left <= 0 else f"{', '.join(names)} and {left} more"


def _loss(one: Characteristic) -> str:
    verb = "fell" if one.current_mean < one.reference_mean else "rose"
    if one.relative_change is None:
        return f"`{one.name}` {verb} from {one.reference_mean:.2g} to {one.current_mean:.2g}"
    return f"`{one.name}` {verb} by {abs(one.relative_change):.0%}"


def _join(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
