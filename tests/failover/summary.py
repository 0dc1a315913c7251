"""A line about the trials at the end of the run."""

from statistics import median
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Write the number of takeovers, their times, and what happened twice or not at all."""
    outcomes = [
        value
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for name, value in getattr(report, "user_properties", ())
        if name == "failover" and report.when == "call"
    ]
    if not outcomes:
        return
    seconds = sorted(outcome["takeover_seconds"] for outcome in outcomes)
    n_twice, n_missing = (
        sum(len(outcome[key]) for outcome in outcomes) for key in ("duplicates", "skipped")
    )
    terminalreporter.write_line(
        f"failover: {len(outcomes)} takeovers, median {median(seconds):.1f} s, "
        f"longest {seconds[-1]:.1f} s; {n_twice} duplicates, {n_missing} skipped"
    )
