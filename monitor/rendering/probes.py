"""Text of a probe run, shared by page and terminal."""

from monitor.store.probes.runs import ProbeRunRow

WORDS = {
    "reference": "taken as reference",
    "same": "no change",
    "suspected": "changed; a second run must confirm it",
    "changed": "changed",
    "not_arrived": "the recorded change has not arrived",
    "arrived": "the recorded change arrived; the reference begins here",
}


def describe_run(run: ProbeRunRow) -> str:
    """Return the result of a run in a sentence."""
    if run.status == "unavailable":
        return f"no response after {run.attempts} attempts: {run.error}"
    if run.status == "discarded":
        return f"discarded: {run.error}"
    if run.status == "running":
        return f"not finished{f': {run.error}' if run.error else ''}"
    text = WORDS.get(run.verdict or "", "")
    resembles = (run.comparison or {}).get("resembles")
    if resembles is not None:
        text += f"; the responses are those of version {resembles}"
    if run.change is not None and run.threshold is not None:
        text += f" ({100 * run.change:.1f} points, threshold {100 * run.threshold:.1f})"
    if run.accepted_by:
        text += f"; accepted by {run.accepted_by}: {run.accepted_reason}"
    return text
