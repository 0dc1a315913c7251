"""Report of candidate results, in lines of text."""

from collections.abc import Iterator

from monitor.store.training.candidate_results import CandidateResults

_MARKS = {"passed": "ok  ", "failed": "FAIL", "undecided": "??  "}


def report_lines(results: CandidateResults) -> Iterator[str]:
    """Yield the lines of a report: remarks, scores, comparisons, checks and the gate result."""
    yield from (f"note: {remark}" for remark in results.remarks)
    for scores in results.scores:
        yield f"{scores.system} on {scores.benchmark}"
        for score in scores.scores:
            yield (
                f"  {score.stratum or 'all':28s} {score.metric:22s} {score.value:6.3f} "
                f"[{score.lower:.3f}, {score.upper:.3f}]  n = {score.n}"
            )
    for comparison in results.comparisons:
        yield f"candidate vs {comparison.reference}: {comparison}"
    for check in results.checks:
        yield (
            f"{_MARKS[check.outcome]} {check.name}: {check.observed}; required: {check.required}"
        )
    if results.judge_agreement:
        yield f"judge: {results.judge_agreement}"
    if results.next_step:
        yield f"next step: {results.next_step}"
    yield f"gate result: {results.gate_result}"
