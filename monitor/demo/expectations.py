"""Expectations of the demo, which decide its exit status."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Expectation:
    """An expected outcome of the demo.

    Attributes:
        claim: The expected outcome.
        observed: The observed outcome, in figures.
        holds: Whether the expectation is met.
    """

    claim: str
    observed: str
    holds: bool


@dataclass(frozen=True)
class WeekOutcome:
    """The parts of a week's drift evaluation that the expectations are about."""

    number: int
    alarm: bool
    verdict: str
    input_alarm: bool
    topic_names: tuple[str, ...]
    topic_examples: tuple[tuple[str, ...], ...]
    #: Verdicts of the other models on the same topic.
    verdicts_of_others: Mapping[str, str | None]


#: Least gain of exact match on the new topics, and largest loss on the old ones.
MIN_GAIN = 0.50
MAX_LOSS = 0.05


def weekly_expectations(
    weeks: list[WeekOutcome], true_topic_of: dict[str, str], new_topics: frozenset[str]
) -> list[Expectation]:
    """Compare the drift evaluations with the ground truth.

    Args:
        weeks: The outcomes, the drifted week last.
        true_topic_of: The true topic of each prompt.
        new_topics: Names of the topics that are new in the drifted week.
    """
    *ordinary, drifted = weeks
    false_alarms = [week.number for week in ordinary if week.alarm]
    named = _new_topics_named(drifted, true_topic_of, new_topics)
    verdicts_of_second = [verdict for week in weeks for verdict in week.verdicts_of_others.values()]
    n_quiet = verdicts_of_second.count("no_drift")
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
        Expectation(
            "no drift of the second model",
            f"{n_quiet} of {len(verdicts_of_second)} weeks without drift",
            n_quiet == len(verdicts_of_second),
        ),
    ]


def learning_expectations(
    before_new: float, after_new: float, before_old: float, after_old: float
) -> list[Expectation]:
    """Compare exact match before and after retraining, shares in [0, 1]."""
    # Rounded, so that a loss of exactly five points is not 0.05000000000000004.
    gain, loss = round(after_new - before_new, 9), round(before_old - after_old, 9)
    return [
        Expectation(
            f"exact match on the new topics up by {MIN_GAIN * 100:.0f} points or more",
            f"{before_new:.1%} -> {after_new:.1%} ({gain * 100:+.1f} points)",
            gain >= MIN_GAIN,
        ),
        Expectation(
            f"on the old topics down by {MAX_LOSS * 100:.0f} points at most",
            f"{before_old:.1%} -> {after_old:.1%} ({-loss * 100:+.1f} points)",
            loss <= MAX_LOSS,
        ),
    ]


def _new_topics_named(
    week: WeekOutcome, true_topic_of: dict[str, str], new_topics: frozenset[str]
) -> set[str]:
    """Return the new topics that most examples of some reported topic belong to."""
    named = set()
    for examples in week.topic_examples:
        topics = [true_topic_of.get(example, "") for example in examples]
        for topic in new_topics:
            if topics and topics.count(topic) * 2 > len(topics):
                named.add(topic)
    return named
