"""Figures of an evaluated window, without texts, scores and reports."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from monitor.store.windows.assessment import (
    PValue,
    ShareEstimate,
    SlowDrift,
    Verdict,
    changed_share,
)


class ExplanationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of :class:`monitor.store.windows.assessment.Explanation`."""

    reference: ShareEstimate
    current: ShareEstimate
    alarm: bool = False


class FamilyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of :class:`monitor.store.windows.assessment.FamilyAssessment`."""

    verdict: Verdict
    alarm: bool
    p_value: PValue
    level: float | None = None
    drifted_share: ShareEstimate | None
    comparable_share: float | None = None
    moved_share: ShareEstimate | None = None
    is_mix: bool = False
    shift: ShareEstimate | None = None
    is_shift: bool = False
    explanations: tuple[ExplanationFigures, ...] = ()
    slow: SlowDrift | None = None

    @property
    def alarms(self) -> bool:
        """Return whether the window alarms, by itself, by slow drift or by an event."""
        slow_alarm = self.slow is not None and self.slow.alarm
        return self.alarm or slow_alarm or any(event.alarm for event in self.explanations)

    @property
    def significant_share(self) -> float:
        """Return the largest changed share: of the window by itself, its slow drift, or an event.

        A share that isn't significant counts as 0.
        """
        changed = changed_share(self.drifted_share, self.shift if self.is_shift else None)
        own = changed if self.verdict == "drift" else 0.0
        slow = self.slow
        grown = slow.drifted_share.estimate if slow is not None and slow.alarm else 0.0
        rises = (
            event.current.estimate - event.reference.estimate
            for event in self.explanations
            if event.alarm
        )
        return max(own, grown, *rises)


class NumericColumnFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of :class:`monitor.store.windows.assessment.NumericAssessment`."""

    name: str
    side: Literal["prompt", "response", "metric"]
    unit: str = ""
    reference_mean: float
    current_mean: float
    effect_size: float
    relative_change: float | None
    adjusted_p_value: float
    degraded: bool


class FallenFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The name of a :class:`monitor.store.windows.assessment.FallenCoverage`."""

    name: str


class VersionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The size of a :class:`monitor.store.windows.assessment.VersionAssessment`."""

    version: str
    n_current: int
    #: Whether the figures of the window are those of this version.
    is_reported: bool


class AssessmentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The part of an assessment that the digest shows."""

    verdict: Verdict
    alarm: bool
    headline: str
    n_current: int
    input: FamilyFigures
    output: FamilyFigures
    numeric_columns: tuple[NumericColumnFigures, ...] = ()
    fallen_coverage: tuple[FallenFigures, ...] = ()
    #: Where several versions responded.
    versions: tuple[VersionFigures, ...] = ()

    @property
    def is_not_comparable(self) -> bool:
        """Return whether nothing alarms, and the verdict is unknown for want of coverage."""
        return self.verdict == "not_enough_data" and bool(self.fallen_coverage)


@dataclass(frozen=True)
class WindowFigures:
    """A window; ``figures`` is ``None`` where its evaluation isn't done."""

    evaluation_id: int
    start: datetime
    end: datetime
    #: ``running``, ``done`` or ``failed``.
    status: str
    figures: AssessmentFigures | None
