"""Simulation of what a comparison of two files could have shown, with its progress."""

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import typer

from monitor.cli.shared.output import ProgressBars
from monitor.errors import InputError

if TYPE_CHECKING:
    from monitor.drift import SimulatedWindow
    from monitor.settings import Drift
    from monitor.store.windows.assessment import Assessment
    from monitor.windows.file_comparison import FileComparison


def assess_with_power(
    comparison: "FileComparison", drift: "Drift", windows_file: Path | None
) -> "Assessment":
    """Return the assessment with simulated detectable shares of the prompts.

    ``drift`` has the threshold, the least number of exchanges and the seed. The file of simulated
    windows is continued from, and appended to.

    Raises:
        InputError: The prompts were not compared, or the file of windows can't be used.
    """
    import msgspec

    from monitor.windows.assessment.detectable_shares import simulated_shares

    assessment = comparison.assessment
    if assessment.input.verdict == "not_enough_data":
        raise InputError(
            "--power: the prompts were not compared, so nothing can be simulated; without --power "
            f"the command says why: {assessment.headline}",
            code="not_simulated",
        )
    with ProgressBars() as progress:
        shares = simulated_shares(
            comparison.reference,
            comparison.current,
            level=comparison.level,
            drift=drift,
            windows_file=windows_file,
            on_window=_Progress(progress),
        )
    return msgspec.structs.replace(assessment, detectable_shares=shares)


class _Progress:
    """Progress of the simulated windows, with the expected time."""

    def __init__(self, bars: ProgressBars) -> None:
        from monitor.drift import KINDS, MAX_WINDOWS

        self._bars = bars
        self._total = len(KINDS) * MAX_WINDOWS
        self._start = perf_counter()
        self._n = 0

    def __call__(self, window: "SimulatedWindow") -> None:
        """Count a window; the first one tells the expected time."""
        self._n += 1
        if self._n == 1:
            seconds = perf_counter() - self._start
            minutes = max(1, round(seconds * self._total / 60))
            typer.echo(
                f"power: {seconds:.1f} s a window, at most {self._total} windows in about "
                f"{minutes} min",
                err=True,
            )
        kind = window.kind.replace("_", " ")
        self._bars(f"Simulating windows ({kind})", window.number + 1, self._total // 2)
