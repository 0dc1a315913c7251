"""A verdict as text for a terminal."""

from collections.abc import Iterator

from retrain.evaluation.verdict import EvaluationVerdict

_MARKS = {"passed": "ok  ", "failed": "FAIL", "undecided": "??  "}


def report_lines(found: EvaluationVerdict) -> Iterator[str]:
    """Yield the lines: remarks, figures by stratum, comparisons, checks, and the decision last."""
    yield from (f"note: {remark}" for remark in found.remarks)
    for one in found.scores:
        yield f"{one.system} on {one.benchmark}"
        for score in one.scores:
            yield (
                f"  {score.stratum or 'all':28s} {score.metric:22s} {score.value:6.3f} "
                f"[{score.lower:.3f}, {score.upper:.3f}]  n = {score.n}"
            )
    for comparison in found.comparisons:
        yield f"beside the {comparison.other}: {comparison}"
    for check in found.verdict.checks:
        yield f"{_MARKS[check.outcome]} {check.name}: {check.seen}; required: {check.required}"
    yield f"verdict: {found.verdict.decision}"
