"""A decision explained: each question of the rule, its figure, and how the figure is made."""

from dataclasses import dataclass
from typing import Any, Literal

from monitor.review.decision.error_causes import NEEDS_JUDGEMENT
from monitor.review.decision.rule import MAJORITY, MAX_MISSING_SHARE

#: ``stops``: what the outcome follows from. ``open``: not asked any more.
State = Literal["passed", "stops", "open"]


@dataclass(frozen=True)
class RuleStep:
    """A question of the rule."""

    question: str
    state: State
    #: The answer, with its figure.
    answer: str
    #: How the figure is made, in words.
    formula: str


def explain(recommendation: str, inputs: dict[str, Any]) -> list[RuleStep]:
    """Return the rule's questions in its order, up to the one that the outcome follows from.

    Args:
        recommendation: The outcome.
        inputs: As :func:`monitor.review.decision.evidence.decision_inputs` made them.
    """
    steps = [
        _control_slice_step(inputs),
        _error_rate_step(inputs),
        _agreement_step(inputs),
        _remedy_step(inputs),
        _gold_step(inputs),
    ]
    last = _last_asked(recommendation, inputs)
    return [
        RuleStep(
            step.question,
            "open" if number > last else _state(number, last, recommendation),
            step.answer if number <= last else "not asked any more",
            step.formula,
        )
        for number, step in enumerate(steps)
    ]


def _last_asked(recommendation: str, inputs: dict[str, Any]) -> int:
    if recommendation == "undecided":
        return {"control": 0, "error_causes": 3, "gold": 4}.get(inputs.get("missing", ""), 0)
    return {"keep": 1, "fix_guidelines": 2, "fix_context": 3}.get(recommendation, 4)


def _state(number: int, last: int, recommendation: str) -> State:
    return "stops" if number == last and recommendation != "retrain" else "passed"


def _control_slice_step(inputs: dict[str, Any]) -> RuleStep:
    own = inputs["control_of_batch"]
    wanted = own["n_drawn"] - own["n_excluded"]
    reused = (
        f", {own['n_reused']} of the hits fell on texts asked earlier, whose verdicts count"
        if own["n_reused"]
        else ""
    )
    return RuleStep(
        "Is this batch's control slice decided?",
        "open",
        f"{own['n']} of {wanted}: {_percent(own['missing_share'])} missing, at most "
        f"{MAX_MISSING_SHARE:.0%} may be",
        f"1 - decided / (drawn - taken out) = 1 - {own['n']} / ({own['n_drawn']} - "
        f"{own['n_excluded']}){reused}",
    )


def _error_rate_step(inputs: dict[str, Any]) -> RuleStep:
    question = "Has the error rate surely risen since launch?"
    rise, rate, baseline = inputs["rise"], inputs["rate"], inputs["baseline"]
    if not rise or not rate:
        return RuleStep(
            question, "open", "", "Newcombe's lower bound of the difference of two rates"
        )
    return RuleStep(
        question,
        "open",
        f"{_percent(rate['rate'])} against {_percent(baseline['rate'])}: "
        f"{_points(rise['difference'])}; with {inputs['confidence']:.0%} confidence at least "
        f"{_points(rise['bound'])}, {'above' if rise['bound'] > 0 else 'not above'} 0",
        f"{rate['errors']:g} / {rate['n']:g} - {baseline['errors']:g} / {baseline['n']:g}; the "
        "bound is the difference less the root of the squared distances from the first rate to its "
        "lower and from the second to its upper Wilson limit (Newcombe's method 10)",
    )


def _agreement_step(inputs: dict[str, Any]) -> RuleStep:
    agreement = inputs["agreement"]
    alpha = agreement["alpha"]
    said = (
        "undefined: everybody gave the same verdict, which is no reason to doubt"
        if alpha is None
        else f"alpha {alpha:.2f}, at least {agreement['minimum']:g} is needed"
    )
    return RuleStep(
        "Do the reviewers agree?",
        "open",
        said,
        f"1 - observed / expected disagreement of the first votes on {agreement['n_items']} items "
        "(Krippendorff)",
    )


def _remedy_step(inputs: dict[str, Any]) -> RuleStep:
    error_causes = inputs["error_causes"]
    judgement = error_causes["shares"].get(NEEDS_JUDGEMENT)
    said = (
        "no answers yet"
        if judgement is None
        else f"{_percent(judgement['rate'])} of the errors take trained judgement "
        f"({_percent(judgement['lower'])} to {_percent(judgement['upper'])})"
    )
    return RuleStep(
        "Would training mend the larger part of the errors?",
        "open",
        said,
        f"of {error_causes['n_answered']} answered wrong responses, each weighing its share of the "
        f"traffic over its selection probability; an interval on one side of {MAJORITY:.0%} "
        "decides, else the larger part once the answers are worth "
        f"{error_causes['minimum']} random ones (now {error_causes['effective_n']:.0f})",
    )


def _gold_step(inputs: dict[str, Any]) -> RuleStep:
    return RuleStep(
        "Is there enough to learn from?",
        "open",
        f"{inputs['drifted_gold']} gold items on drifted topics, at least "
        f"{inputs['min_drifted_gold']} are needed",
        "items of the batches that count, decided and in a drifted cluster",
    )


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"
