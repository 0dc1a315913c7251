"""Expectations of the demo, which decide its exit status."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.store.training.candidate_results import CandidateResults


@dataclass(frozen=True)
class Expectation:
    """An expected outcome of the demo."""

    #: The expected outcome.
    claim: str
    #: The observed outcome, in figures.
    observed: str
    #: Whether the expectation is met.
    holds: bool


@dataclass(frozen=True)
class WeekOutcome:
    """The parts of a week's drift evaluation that the expectations are about."""

    number: int
    alarm: bool
    verdict: str
    input_alarm: bool
    #: Whether the responses to comparable prompts were compared.
    output_tested: bool
    topic_names: tuple[str, ...]
    topic_examples: tuple[tuple[str, ...], ...]
    #: Verdicts of the other models on the same topic.
    verdicts_of_others: Mapping[str, str | None]


#: Least gain of exact match on the new topics, and largest loss on the old ones.
MIN_GAIN = 0.50
MAX_LOSS = 0.05
#: Least exact match of version 1 on the topics of its training: it must have something to forget.
MIN_AT_LAUNCH = 0.85


def weekly_expectations(
    weeks: list[WeekOutcome], true_topic_of: dict[str, str], new_topics: frozenset[str]
) -> list[Expectation]:
    """Compare the drift evaluations with the ground truth.

    The drifted week is the last.
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
            f"responses of week {drifted.number} compared, at comparable prompts",
            "tested" if drifted.output_tested else "not tested",
            drifted.output_tested,
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


def launch_expectations(old: float, prompted: float | None) -> list[Expectation]:
    """Require that version 1 can forget something, and must beat more than a base that scores 0.

    ``old`` and ``prompted`` are the exact match of version 1 on the topics of its training, and of
    the base model with examples in its prompt; ``None``: the base is too small to follow examples.
    """
    knows = Expectation(
        f"version 1 knows its topics: exact match of {MIN_AT_LAUNCH:.0%} or more",
        f"{old:.1%}",
        old >= MIN_AT_LAUNCH,
    )
    if prompted is None:
        return [knows]
    claim = "the base model with examples in its prompt scores above 0"
    return [knows, Expectation(claim, f"{prompted:.1%}", prompted > 0)]


def forgetting_expectations(
    results: CandidateResults, before_old: float, after_old: float
) -> list[Expectation]:
    """Require that the candidate that forgot is rejected, by the check against forgetting.

    Both figures are exact matches on the old topics, in [0, 1], of version 1 and of the candidate.
    """
    failed = [check.code for check in results.checks if check.outcome == "failed"]
    loss = round(before_old - after_old, 9)
    return [
        Expectation(
            "without replay, the candidate forgets: old topics down by more than "
            f"{MAX_LOSS * 100:.0f} points",
            f"{before_old:.1%} -> {after_old:.1%} ({-loss * 100:+.1f} points)",
            loss > MAX_LOSS,
        ),
        Expectation(
            "it is rejected because it forgot",
            f"gate result {results.gate_result}, failed checks: "
            f"{', '.join(dict.fromkeys(failed)) or 'none'}",
            results.gate_result == "reject" and "retention" in failed,
        ),
    ]


def learning_expectations(
    results: CandidateResults,
    *,
    before_new: float,
    after_new: float,
    before_old: float,
    after_old: float,
) -> list[Expectation]:
    """Require that the candidate with replay learned, forgot nothing, and passed every check.

    The figures are exact matches on the new and the old topics, in [0, 1], of version 1 and of the
    candidate.
    """
    # Rounded, so that a loss of exactly five points is not 0.05000000000000004.
    gain, loss = round(after_new - before_new, 9), round(before_old - after_old, 9)
    n_passed = sum(check.outcome == "passed" for check in results.checks)
    return [
        Expectation(
            f"with replay, the candidate learns: new topics up by {MIN_GAIN * 100:.0f} points or "
            "more",
            f"{before_new:.1%} -> {after_new:.1%} ({gain * 100:+.1f} points)",
            gain >= MIN_GAIN,
        ),
        Expectation(
            f"and forgets nothing: old topics down by {MAX_LOSS * 100:.0f} points at most",
            f"{before_old:.1%} -> {after_old:.1%} ({-loss * 100:+.1f} points)",
            loss <= MAX_LOSS,
        ),
        Expectation(
            "it passes every check",
            f"gate result {results.gate_result}, {n_passed} of {len(results.checks)} passed",
            results.gate_result == "promote" and n_passed == len(results.checks),
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
