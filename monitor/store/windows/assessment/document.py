"""The whole document: the verdict on a window, and all figures behind it."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from monitor.statistics.alarm_levels import AlarmLevels
from monitor.store.windows.assessment.families import FamilyAssessment
from monitor.store.windows.assessment.measures import (
    CoverageKind,
    DetectableShare,
    FallenCoverage,
    NumericAssessment,
    RuleResult,
)
from monitor.store.windows.assessment.parts import Segmentation, VersionAssessment
from monitor.store.windows.assessment.values import ShareEstimate, Verdict

#: Why a window could not be compared. Sides: fewer than ``drift.min_samples`` exchanges, or too few
#: end users, of which the sentence of the headline has the numbers.
Shortage = Literal[
    "no_traffic", "no_baseline", "other_encoder", "small_window", "small_baseline", "few_end_users"
]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The source of one side of a comparison."""

    #: A file, or which baseline or window.
    name: str = ""
    #: Of the content; empty where it is unknown.
    digest: str = ""
    #: End users or sessions; an exchange without one counts by itself. ``None`` where no exchange
    #: names one.
    n_end_users: int | None = None
    #: First and last exchange; ``None`` where times are unknown.
    first: datetime | None = None
    last: datetime | None = None


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to reproduce the figures from the same exchanges."""

    #: Of the whole window; the seed of each version is derived from it and stands in ``versions``.
    seed: int
    #: ``[drift]`` of the settings, and ``alert_threshold``.
    settings: dict[str, Any]
    #: The levels of the tests of the window, from ``false_alarms_a_year``; those that its versions
    #: share stand in ``versions``.
    levels: AlarmLevels
    #: Model, revision and truncation of the embeddings; empty where they are unknown.
    encoder: str = ""
    #: ``onnx`` or ``torch``: what runs the encoder here, which changes an embedding by rounding at
    #: most. Empty: it can't be loaded here, or is a function of the caller.
    encoder_backend: str = ""
    #: With several versions, what the reported version was compared with.
    reference: Source = Source()
    #: The whole window.
    current: Source = Source()
    #: Of driftwarden and of the packages that the figures depend on.
    versions: dict[str, str] = {}


class OtherTaskTypes(msgspec.Struct, frozen=True, kw_only=True):
    """The task types without a share of their own, summed."""

    #: Task types of both sides together.
    n_task_types: int
    #: Their share of the baseline, and of the window; ``None`` for a side that names none.
    reference: float | None
    current: float | None


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """A window compared with its baseline: the verdict and all figures behind it."""

    schema_version: Literal[1] = 1
    model: str
    #: ``not_enough_data`` also where nothing alarms and a tenth or more of the serving versions'
    #: exchanges, or prompts, or responses could not be compared, or the coverage of a guarded
    #: metric, a field or a task type has fallen: then the rest may have figures.
    verdict: Verdict
    #: An alarm of a family, of slow drift, or of an event, or a degraded metric.
    alarm: bool
    #: What a reader must know, in at most 30 words.
    headline: str
    #: The findings, a sentence each, the most important first; the headline says the first ones.
    findings: tuple[str, ...] = ()
    #: What each is about: ``input``, ``output``, ``event:KIND``, ``metric:NAME``, ``unchanged``;
    #: empty: none of these. No kinds: the findings are of an earlier release.
    finding_kinds: tuple[str, ...] = ()
    n_reference: int
    #: Sampled exchanges.
    n_current: int
    #: The estimated number of exchanges in the traffic; ``None`` where they are not a sample.
    estimated_current: float | None = None
    #: Sampled exchanges whose texts the source withheld; not part of ``n_current``.
    n_withheld: int = 0
    #: Exchanges whose prompts were compared, where fewer than all are comparable: without the
    #: surplus of a large end user, and thinned to one sampling rate. ``None`` where all are.
    n_comparable_reference: int | None = None
    n_comparable_current: int | None = None
    input: FamilyAssessment
    output: FamilyAssessment
    #: What the windows could have shown of drift of the prompts. Where the verdict is ``no_drift``,
    #: or it was simulated.
    detectable_shares: tuple[DetectableShare, ...] = ()
    #: Descriptors of prompts and responses, and metrics.
    numeric_columns: tuple[NumericAssessment, ...] = ()
    #: Share of each task type in the window and in the baseline, of the same 50 task types at most:
    #: those that changed most and the largest. Empty for a side that names none.
    mix_current: dict[str, float] = {}
    mix_reference: dict[str, float] = {}
    #: The sum of all further task types; ``None`` where there are none.
    mix_other: OtherTaskTypes | None = None
    #: Of the test whether the mix changed, by end user; ``None`` where there was nothing to test.
    #: A change of the mix never alarms: other tasks may be handled as well as before, and new ones
    #: are input drift.
    mix_p_value: float | None = None
    #: Total variation distance of the mixes of both samples, in [0, 1]. It is larger than 0 by
    #: chance alone, the more so the more task types there are.
    mix_effect_size: float | None = None
    #: The share of the traffic that moved between task types: an estimate of that distance without
    #: the part of chance. Its interval contains 0 where the test does not reject at 5%. ``None``
    #: where there was nothing to test.
    mix_moved_share: ShareEstimate | None = None
    #: Of the serving versions. A window whose verdict is ``not_enough_data`` for it is not
    #: comparable.
    fallen_coverage: tuple[FallenCoverage, ...] = ()
    #: Why nothing could be compared; empty where something was.
    shortages: tuple[Shortage, ...] = ()
    #: Limitations of the data: a day without traffic, one end user with half of the window.
    remarks: tuple[str, ...] = ()
    #: The window by version, where several responded; the last one to respond comes last.
    versions: tuple[VersionAssessment, ...] = ()
    #: Fixed rules, of ``drift.rules`` or the command; they raise no alarm.
    rules: tuple[RuleResult, ...] = ()
    #: The window by a column; ``None`` where none was named. Its segments raise no alarm of the
    #: whole window.
    segmentation: Segmentation | None = None
    #: ``None`` where there was nothing to compare with.
    basis: Basis | None = None

    @property
    def reported_version(self) -> VersionAssessment | None:
        """Return the version that the figures are those of, where several responded."""
        return next((version for version in self.versions if version.is_reported), None)

    @property
    def metrics_level(self) -> float | None:
        """Return the largest adjusted p-value with which a metric alarms; ``None``: unknown.

        P-values are two-sided and a metric alarms in one direction.
        """
        version = self.reported_version
        if version is not None:
            return 2.0 * version.levels.metrics
        return None if self.basis is None else 2.0 * self.basis.levels.metrics

    @property
    def missing_names(self) -> frozenset[tuple[CoverageKind, str]]:
        """Return what the window lacks."""
        return frozenset((item.kind, item.name) for item in self.fallen_coverage)

    @property
    def is_not_comparable(self) -> bool:
        """Return whether nothing alarms, and the verdict is unknown for want of coverage."""
        return self.verdict == "not_enough_data" and bool(self.fallen_coverage)

    @property
    def is_compared(self) -> bool:
        """Return whether prompts were compared, or could not be by a reason of their own."""
        return self.input.verdict != "not_enough_data" or self.input.untested_reason is not None

    @property
    def current_count(self) -> str:
        """Return the number of exchanges and, for a sample, the estimated number behind it."""
        estimated = self.estimated_current
        if estimated is None or round(estimated) <= self.n_current:
            return f"{self.n_current:,}"
        return f"{self.n_current:,} sampled of about {float(f'{estimated:.3g}'):,.0f}"
