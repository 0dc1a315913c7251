"""Explanation of a decision: the rule's questions, each with its result and formula."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from monitor.rendering.excerpts import name_version
from monitor.review.decision.error_causes import NEEDS_JUDGEMENT
from monitor.review.decision.rule import MAJORITY, MAX_MISSING_SHARE

#: ``decisive``: the outcome follows from it. ``skipped``: the rule ended before it.
State = Literal["passed", "decisive", "skipped"]


@dataclass(frozen=True)
class RuleStep:
    """A question of the rule."""

    question: str
    #: The result, with its figure.
    result: str
    #: How the figure is computed.
    formula: str
    state: State = "passed"


def explain(recommendation: str, inputs: dict[str, Any]) -> list[RuleStep]:
    """Return the rule's questions in order; those after the decisive one are skipped.

    The inputs are from :func:`monitor.review.decision.evidence.decision_inputs`.
    """
    steps = [
        _control_slice(inputs),
        _error_rate(inputs),
        _agreement(inputs),
        _remedy(inputs),
        _gold(inputs),
    ]
    last = _last_question(recommendation, inputs)
    if recommendation != "retrain":
        steps[last] = replace(steps[last], state="decisive")
    skipped = [replace(step, result="skipped", state="skipped") for step in steps[last + 1 :]]
    return steps[: last + 1] + skipped


def _last_question(recommendation: str, inputs: dict[str, Any]) -> int:
    if recommendation == "undecided":
        return {"control": 0, "error_causes": 3, "gold": 4}.get(inputs.get("missing", ""), 0)
    return {"keep": 1, "fix_guidelines": 2, "fix_context": 3}.get(recommendation, 4)


def _control_slice(inputs: dict[str, Any]) -> RuleStep:
    control = inputs["control_of_batch"]
    wanted = control["n_drawn"] - control["n_excluded"]
    reused = (
        f"; {control['n_reused']} points fell on texts of earlier batches, whose verdicts count"
        if control["n_reused"]
        else ""
    )
    return RuleStep(
        "Is this batch's control slice decided?",
        f"{control['n']} of {wanted}: {_percent(control['missing_share'])} are missing, and at "
        f"most {MAX_MISSING_SHARE:.0%} may be",
        f"1 - decided / (drawn - excluded) = 1 - {control['n']} / ({control['n_drawn']} - "
        f"{control['n_excluded']}){reused}",
    )


def _error_rate(inputs: dict[str, Any]) -> RuleStep:
    question = "Has the error rate risen significantly since launch?"
    rise, rate, baseline = inputs["rise"], inputs["rate"], inputs["baseline"]
    if not rise or not rate:
        return RuleStep(question, "", "Newcombe's lower bound of the difference of two rates")
    return RuleStep(
        question,
        f"{name_version(inputs['version'])}: {_percent(rate['rate'])} against "
        f"{_percent(baseline['rate'])} at launch: "
        f"{_points(rise['difference'])}; lower bound {_points(rise['bound'])} "
        f"({inputs['confidence']:.0%} confidence), "
        f"{'above' if rise['bound'] > 0 else 'not above'} 0",
        f"{rate['errors']:g} / {rate['n']:g} - {baseline['errors']:g} / {baseline['n']:g}; the "
        "bound is the difference less the root of the squared distances from the first rate to its "
        "lower and from the second to its upper Wilson limit (Newcombe's method 10)",
    )


def _agreement(inputs: dict[str, Any]) -> RuleStep:
    agreement = inputs["agreement"]
    alpha = agreement["alpha"]
    return RuleStep(
        "Do the reviewers agree?",
        "alpha is undefined because all verdicts are equal; that is no sign of disagreement"
        if alpha is None
        else f"alpha {alpha:.2f}, and {agreement['minimum']:g} is required",
        f"1 - observed / expected disagreement of the reviews of {agreement['n_items']} items "
        "(Krippendorff's alpha)",
    )


def _remedy(inputs: dict[str, Any]) -> RuleStep:
    causes = inputs["error_causes"]
    judgement = causes["shares"].get(NEEDS_JUDGEMENT)
    return RuleStep(
        "Would training fix most of the errors?",
        "no ratings yet"
        if judgement is None
        else f"{_percent(judgement['rate'])} of the errors require trained judgement (95% interval "
        f"{_percent(judgement['lower'])} to {_percent(judgement['upper'])})",
        f"{causes['n_rated']} rated wrong responses, each weighted by its share of the traffic "
        f"over its selection probability; an interval on one side of {MAJORITY:.0%} decides, "
        f"otherwise the larger part from an effective number of {causes['minimum']} on "
        f"(now {causes['effective_n']:.0f})",
    )


def _gold(inputs: dict[str, Any]) -> RuleStep:
    return RuleStep(
        "Is there enough training data?",
        f"{inputs['drifted_gold']} gold items on drifted topics, and "
        f"{inputs['min_drifted_gold']} are required",
        "decided items in drifted clusters, of the batches that count",
    )


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"
