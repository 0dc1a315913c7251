"""A verdict as text for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from retrain.evaluation.gates.comparison import Comparison

_MARKS = {"passed": "ok  ", "failed": "FAIL", "undecided": "??  "}


def report_lines(verdict: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines: remarks, figures by stratum, comparisons, checks, and the decision last.

    Args:
        verdict: As :meth:`retrain.evaluation.gates.gates.CandidateResult.as_json` gives it.
    """
    yield from (f"note: {remark}" for remark in verdict["remarks"])
    for one in verdict["scores"]:
        yield f"{one['system']} on {one['benchmark']}"
        for score in one["scores"]:
            yield (
                f"  {score['stratum'] or 'all':28s} {score['metric']:22s} {score['value']:6.3f} "
                f"[{score['lower']:.3f}, {score['upper']:.3f}]  n = {score['n']}"
            )
    for one in verdict["comparisons"]:
        yield f"beside the {one['other']}: {Comparison(**one)}"
    for check in verdict["checks"]:
        yield (
            f"{_MARKS[check['outcome']]} {check['name']}: {check['seen']}; required: "
            f"{check['required']}"
        )
    if "judge_agreement" in verdict:
        yield f"the judge: {verdict['judge_agreement']}"
    if "next_step" in verdict:
        yield f"next: {verdict['next_step']}"
    yield f"verdict: {verdict['decision']}"
