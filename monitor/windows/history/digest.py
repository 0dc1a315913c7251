"""The digest: a year of windows, arranged so that what moved slowly shows too.

What is significant and yet no alarm, because it lies below the floor that pages, is told here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from monitor.store.windows.digest import (
    IncidentSpan,
    NumericColumnFigures,
    WindowFigures,
    evaluated_models,
    incident_spans,
    newest_windows,
)

#: A year of weeks.
WINDOWS = 52

#: An adjusted p-value up to this is a hit.
LEVEL = 0.05


@dataclass(frozen=True)
class Series:
    """A characteristic over the windows."""

    name: str
    #: ``prompt``, ``response`` or ``metric``.
    side: str
    #: For each window; ``None`` where it wasn't compared.
    points: tuple[NumericColumnFigures | None, ...]
    #: The newest figures; ``None`` where the newest window of which characteristics are known has
    #: none of this one: then it was the same on both sides throughout, such as 0, or missing.
    latest: NumericColumnFigures | None

    @property
    def known(self) -> list[NumericColumnFigures]:
        """Return the figures of the windows that have some; there is at least one."""
        return [point for point in self.points if point is not None]

    @property
    def peak(self) -> NumericColumnFigures:
        """Return the figures of the window in which it was farthest from its baseline."""
        return max(self.known, key=lambda point: abs(point.effect_size))

    @property
    def n_degraded(self) -> int:
        """Return in how many windows it was worse by the threshold."""
        return sum(point.degraded for point in self.known)


@dataclass(frozen=True)
class SubthresholdFinding:
    """Something significant in a window that did not alarm for it."""

    window: WindowFigures
    #: ``prompts``, ``answers``, either ``over the windows``, or the name of a characteristic.
    subject: str
    #: Of a characteristic after correction.
    p_value: float
    #: Drifted share at least, of prompts and answers.
    drifted_share_lower_bound: float | None = None
    #: Standardised difference, of a characteristic.
    effect_size: float | None = None


@dataclass(frozen=True)
class Digest:
    """Up to a year of a model."""

    model: str
    #: All that have evaluations.
    models: tuple[str, ...]
    #: The oldest first.
    windows: tuple[WindowFigures, ...]
    #: The one that moved farthest first.
    series: tuple[Series, ...]
    #: The newest first.
    subthreshold_findings: tuple[SubthresholdFinding, ...]
    #: The oldest first.
    incidents: tuple[IncidentSpan, ...]

    def count(self, verdict: str) -> int:
        """Return how many windows have a verdict."""
        return sum(
            one.figures is not None and one.figures.verdict == verdict for one in self.windows
        )

    @property
    def summary(self) -> str:
        """Return the year in a sentence."""
        if not self.windows:
            return f"No window of {self.model} was evaluated yet."
        n = len(self.windows)
        parts = [f"{self.count('drift')} with drift", f"{self.count('no_drift')} without"]
        if self.count("not_enough_data"):
            parts.append(f"{self.count('not_enough_data')} without enough data")
        undone = sum(one.figures is None for one in self.windows)
        if undone:
            parts.append(f"{undone} not done")
        n_open = sum(one.status != "resolved" for one in self.incidents)
        told = f"{_counted(len(self.incidents), 'incident')}" + (", one is open" if n_open else "")
        return f"{_counted(n, 'window')}: {', '.join(parts)}; {told}."


def build_digest(connection: Connection, model: str, *, n_windows: int = WINDOWS) -> Digest:
    """Read and arrange the newest windows of a model."""
    windows = newest_windows(connection, model, n_windows)
    incidents = incident_spans(connection, model, windows[0].start) if windows else []
    return Digest(
        model=model,
        models=tuple(evaluated_models(connection)),
        windows=tuple(windows),
        series=_series(windows),
        subthreshold_findings=_hits(windows),
        incidents=tuple(incidents),
    )


def _series(windows: Sequence[WindowFigures]) -> tuple[Series, ...]:
    points: dict[tuple[str, str], list[NumericColumnFigures | None]] = {}
    for number, window in enumerate(windows):
        for one in window.figures.numeric_columns if window.figures else ():
            own = points.setdefault((one.side, one.name), [None] * len(windows))
            own[number] = one
    newest = max((at for own in points.values() for at, one in enumerate(own) if one), default=-1)
    series = [Series(name, side, tuple(own), own[newest]) for (side, name), own in points.items()]
    return tuple(
        sorted(
            series,
            key=lambda one: (one.n_degraded == 0, -abs(one.peak.effect_size), one.side, one.name),
        )
    )


def _hits(windows: Sequence[WindowFigures]) -> tuple[SubthresholdFinding, ...]:
    subthreshold_findings: list[SubthresholdFinding] = []
    for window in reversed(windows):
        found = window.figures
        if found is None:
            continue
        for subject, family in (("prompts", found.input), ("answers", found.output)):
            if family.verdict == "drift" and not family.alarms:
                subthreshold_findings.append(
                    SubthresholdFinding(
                        window, subject, family.p_value, family.drifted_share_lower_bound
                    )
                )
            slow = family.slow
            if slow is not None and slow.verdict == "drift" and not family.alarms:
                over_weeks = f"{subject} over the windows"
                subthreshold_findings.append(
                    SubthresholdFinding(
                        window, over_weeks, slow.p_value, slow.drifted_share_lower_bound
                    )
                )
        subthreshold_findings += [
            SubthresholdFinding(
                window, f"{one.side} {one.name}", one.adjusted_p_value, None, one.effect_size
            )
            for one in found.numeric_columns
            if one.adjusted_p_value <= LEVEL and not one.degraded
        ]
    return tuple(subthreshold_findings)


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n or 'no'} {noun}s"
