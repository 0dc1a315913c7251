"""Digest of a year of windows, with slow changes and findings below the alert threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from monitor.plurals import pluralize
from monitor.store.windows.digest import newest_windows
from monitor.store.windows.incident_spans import IncidentSpan, incident_spans
from monitor.store.windows.window_figures import NumericColumnFigures, WindowFigures

#: A year of weeks.
WINDOWS = 52

#: Adjusted p-values up to this are significant.
LEVEL = 0.05


@dataclass(frozen=True)
class Series:
    """A descriptor or metric over the windows."""

    name: str
    #: ``prompt``, ``response`` or ``metric``.
    side: str
    #: For each window; ``None`` where it was not compared.
    points: tuple[NumericColumnFigures | None, ...]
    #: The newest figures; ``None`` where the newest window with numeric columns lacks this one:
    #: then all its values were equal on both sides, or missing.
    latest: NumericColumnFigures | None

    @property
    def known(self) -> list[NumericColumnFigures]:
        """Return the figures of all windows that have them; there is at least one."""
        return [point for point in self.points if point is not None]

    @property
    def peak(self) -> NumericColumnFigures:
        """Return the figures of the window with the largest effect."""
        return max(self.known, key=lambda point: abs(point.effect_size))

    @property
    def n_degraded(self) -> int:
        """Return the number of windows in which it was degraded."""
        return sum(point.degraded for point in self.known)


@dataclass(frozen=True)
class SubthresholdFinding:
    """A significant change of a window below the alert threshold."""

    window: WindowFigures
    #: ``prompts`` or ``responses``, possibly ``over the windows``; or a numeric column.
    subject: str
    #: Adjusted, of a numeric column.
    p_value: float
    #: What the p-value is compared with.
    level: float | None
    #: Of prompts and responses.
    drifted_share: float | None = None
    #: Standardized difference, of a numeric column.
    effect_size: float | None = None


@dataclass(frozen=True)
class Digest:
    """The windows and incidents of a model in up to a year."""

    model: str
    #: The oldest first.
    windows: tuple[WindowFigures, ...]
    #: Degraded columns first, then by the largest effect.
    series: tuple[Series, ...]
    #: The newest first.
    subthreshold_findings: tuple[SubthresholdFinding, ...]
    #: The oldest first.
    incidents: tuple[IncidentSpan, ...]

    def count(self, verdict: str) -> int:
        """Return the number of windows with a verdict."""
        return sum(
            window.figures is not None and window.figures.verdict == verdict
            for window in self.windows
        )

    @property
    def summary(self) -> str:
        """Return the counts of windows and incidents in a sentence."""
        if not self.windows:
            return f"No window of {self.model} has been evaluated."
        n = len(self.windows)
        parts = [f"{self.count('drift')} with drift", f"{self.count('no_drift')} without"]
        figures = [window.figures for window in self.windows if window.figures is not None]
        n_incomparable = sum(window.is_not_comparable for window in figures)
        n_small = self.count("not_enough_data") - n_incomparable
        if n_incomparable:
            parts.append(f"{n_incomparable} not comparable")
        if n_small:
            parts.append(f"{n_small} without enough data")
        n_pending = sum(window.figures is None for window in self.windows)
        if n_pending:
            parts.append(f"{n_pending} not evaluated")
        n_open = sum(incident.status not in {"resolved", "closed"} for incident in self.incidents)
        n_incidents = len({incident.incident_id for incident in self.incidents})
        incidents = pluralize(n_incidents, "incident") if n_incidents else "no incidents"
        unresolved = ", one unresolved" if n_open else ""
        return f"{pluralize(n, 'window')}: {', '.join(parts)}; {incidents}{unresolved}."


def build_digest(connection: Connection, model: str, *, n_windows: int = WINDOWS) -> Digest:
    """Load the newest windows of a model and build their digest."""
    windows = newest_windows(connection, model, n_windows)
    incidents = incident_spans(connection, model, windows[0].start) if windows else []
    return Digest(
        model=model,
        windows=tuple(windows),
        series=_series(windows),
        subthreshold_findings=_subthreshold_findings(windows),
        incidents=tuple(incidents),
    )


def _series(windows: Sequence[WindowFigures]) -> tuple[Series, ...]:
    points: dict[tuple[str, str], list[NumericColumnFigures | None]] = {}
    for number, window in enumerate(windows):
        for column in window.figures.numeric_columns if window.figures else ():
            own = points.setdefault((column.side, column.name), [None] * len(windows))
            own[number] = column
    newest = max(
        (at for own in points.values() for at, point in enumerate(own) if point), default=-1
    )
    series = [Series(name, side, tuple(own), own[newest]) for (side, name), own in points.items()]
    return tuple(
        sorted(
            series,
            key=lambda line: (
                line.n_degraded == 0,
                -abs(line.peak.effect_size),
                line.side,
                line.name,
            ),
        )
    )


def _subthreshold_findings(windows: Sequence[WindowFigures]) -> tuple[SubthresholdFinding, ...]:
    findings: list[SubthresholdFinding] = []
    for window in reversed(windows):
        figures = window.figures
        if figures is None:
            continue
        for subject, family in (("prompts", figures.input), ("responses", figures.output)):
            share = family.drifted_share
            if family.verdict == "drift" and share is not None and not family.alarms:
                findings.append(
                    SubthresholdFinding(
                        window, subject, family.p_value, family.level, share.estimate
                    )
                )
            slow = family.slow
            if slow is not None and slow.verdict == "drift" and not family.alarms:
                over_weeks = f"{subject} over the windows"
                findings.append(
                    SubthresholdFinding(
                        window,
                        over_weeks,
                        slow.p_value,
                        slow.level,
                        slow.drifted_share.estimate,
                    )
                )
        findings += [
            SubthresholdFinding(
                window,
                f"{column.side} {column.name}",
                column.adjusted_p_value,
                LEVEL,
                None,
                column.effect_size,
            )
            for column in figures.numeric_columns
            if column.adjusted_p_value <= LEVEL and not column.degraded
        ]
    return tuple(findings)
