"""What the demo must have shown, and whether it did: the exit status depends on nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Expectation:
    """One thing the demo sets out to show.

    Attributes:
        claim: What should be seen.
        seen: What was seen, in figures.
        held: Whether that is what should have been seen.
    """

    claim: str
    seen: str
    held: bool


@dataclass(frozen=True)
class WeekOutcome:
    """A week's evaluation, as far as the demo's promises go."""

    number: int
    alarm: bool
    verdict: str
    input_alarm: bool
    topic_names: tuple[str, ...]
    topic_examples: tuple[tuple[str, ...], ...]


#: Least rise of exact match on the new topics, and largest fall on the old ones.
MINIMUM_GAIN = 0.50
MAXIMUM_LOSS = 0.05


def weekly_expectations(
    weeks: list[WeekOutcome], true_topic_of: dict[str, str], new_topics: frozenset[str]
) -> list[Expectation]:
    """Hold the evaluations against what the world knows.

    Args:
        weeks: The outcomes, the drifted week last.
        true_topic_of: The topic behind each prompt, as only the world knows it.
        new_topics: Names of the topics that arrived in the drifted week.
    """
    *ordinary, drifted = weeks
    false_alarms = [week.number for week in ordinary if week.alarm]
    named = _new_topics_named(drifted, true_topic_of, new_topics)
    return [
        Expectation(
            "no alarm in the ordinary weeks",
            f"{len(false_alarms)} alarms in {len(ordinary)} weeks",
            not false_alarms,
        ),
        Expectation(
            f"drift in week {drifted.number}",
            f"verdict {drifted.verdict}, input alarm: {'yes' if drifted.input_alarm else 'no'}",
            drifted.verdict == "drift" and drifted.input_alarm,
        ),
        Expectation(
            "at least one of the new topics named",
            f"{len(named)} of {len(new_topics)}: {', '.join(sorted(named)) or 'none'}",
            bool(named),
        ),
    ]


def learning_expectations(
    before_new: float, after_new: float, before_old: float, after_old: float
) -> list[Expectation]:
    """Hold the exact match before and after retraining (shares in [0, 1]) against the promise."""
    # Rounded, so that a loss of exactly five points is not 0.05000000000000004.
    gain, loss = round(after_new - before_new, 9), round(before_old - after_old, 9)
    return [
        Expectation(
            f"exact match on the new topics up by {MINIMUM_GAIN * 100:.0f} points or more",
            f"{before_new:.1%} -> {after_new:.1%} ({gain * 100:+.1f} points)",
            gain >= MINIMUM_GAIN,
        ),
        Expectation(
            f"on the old topics down by {MAXIMUM_LOSS * 100:.0f} points at most",
            f"{before_old:.1%} -> {after_old:.1%} ({-loss * 100:+.1f} points)",
            loss <= MAXIMUM_LOSS,
        ),
    ]


def _new_topics_named(
    week: WeekOutcome, true_topic_of: dict[str, str], new_topics: frozenset[str]
) -> set[str]:
    """Return the new topics that have a cluster of their own: most of its examples are of it."""
    found = set()
    for examples in week.topic_examples:
        truths = [true_topic_of.get(example, "") for example in examples]
        for topic in new_topics:
            if truths and truths.count(topic) * 2 > len(truths):
                found.add(topic)
    return found
