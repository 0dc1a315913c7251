"""Construction of the assessment from the findings of a window: in one place, once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.drift import MixComparison
from monitor.rendering.remedies import remedies
from monitor.settings import Drift
from monitor.statistics.alarm_levels import AlarmLevels
from monitor.store.traffic.exchange_columns import count_users
from monitor.store.windows.assessment import (
    Assessment,
    Basis,
    DetectableShare,
    ShareEstimate,
    Shortage,
    Source,
)
from monitor.windows.assessment.detectable_shares import stored_shares
from monitor.windows.findings.sentences.headline import compose_headline
from monitor.windows.versions.reported_version import (
    PartFindings,
    assess_version,
    conclude,
    remark_on_version,
)


@dataclass(frozen=True, kw_only=True)
class WindowContext:
    """Everything that an assessment contains besides findings."""

    model: str
    drift: Drift
    levels: AlarmLevels
    alert_threshold: float
    seed: int
    #: The end user of each exchange of the window, ``[n]``.
    end_users: Sequence[str]
    reference: Source
    current: Source
    encoder: str = ""
    encoder_backend: str = ""
    package_versions: dict[str, str] = field(default_factory=dict)
    n_withheld: int = 0
    #: Replaces all findings, for a window without traffic; empty: it does not.
    finding: str = ""
    #: Why nothing was compared, where that isn't known of the findings.
    shortages: tuple[Shortage, ...] = ()
    #: Remarks before and after those of the findings.
    first_remarks: tuple[str, ...] = ()
    last_remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class WindowResult:
    """The assessment of a window, and figures for each of its exchanges."""

    assessment: Assessment
    #: float64 ``[n]``, in [0, 1]; higher is less like the baseline.
    novelty: NDArray[np.float64]
    #: int64 ``[n]``: index of the drifted topic, -1 for none.
    topic_of: NDArray[np.int64]


def build_assessment(
    parts: Sequence[PartFindings], reported: PartFindings, context: WindowContext
) -> WindowResult:
    """Build the assessment of a window.

    The figures of the part ``reported`` are those of the window.
    """
    n_window = len(context.end_users)
    findings = reported.findings
    verdict, sentences = conclude(parts, reported, n_window)
    if context.finding:
        sentences = {context.finding: ""}
    estimates = [part.findings.sides.estimated_current for part in parts]
    is_split = len(parts) > 1
    serving = (part.findings.fallen_coverage for part in parts if part.part.is_serving)
    fallen = tuple(dict.fromkeys(chain.from_iterable(serving)))
    shortages = context.shortages or findings.shortages
    versions = tuple(
        assess_version(part, context.end_users, is_reported=part is reported)
        for part in parts
        if is_split
    )
    assessment = Assessment(
        model=context.model,
        verdict=verdict,
        alarm=findings.alarm,
        headline=compose_headline(sentences),
        findings=tuple(sentences),
        finding_kinds=tuple(sentences.values()),
        n_reference=findings.sides.n_reference,
        n_current=n_window,
        estimated_current=None if None in estimates else sum(filter(None, estimates)),
        n_withheld=context.n_withheld,
        n_comparable_reference=findings.sides.n_comparable_reference,
        n_comparable_current=findings.sides.n_comparable_current,
        input=findings.input,
        output=findings.output,
        detectable_shares=_detectable_shares(reported, context) if verdict == "no_drift" else (),
        numeric_columns=findings.numeric_columns,
        mix_current=findings.sides.mix.current,
        mix_reference=findings.sides.mix.reference,
        mix_other=findings.sides.mix.other,
        mix_p_value=_defined(None if findings.mix is None else findings.mix.p_value),
        mix_effect_size=None if findings.mix is None else findings.mix.effect_size,
        mix_moved_share=_moved_share(findings.mix),
        fallen_coverage=fallen,
        shortages=shortages,
        remarks=(
            *remedies(shortages, fallen, model=context.model),
            *context.first_remarks,
            *(remark_on_version(part) for part in parts if part is not reported),
            *findings.remarks,
            *context.last_remarks,
        ),
        versions=versions,
        basis=None if findings.compared is None else _basis(parts, reported, context),
    )
    novelty = np.zeros(n_window)
    topic_of = np.full(n_window, -1, dtype=np.int64)
    for part in parts:
        novelty[part.part.rows] = part.findings.novelty
    topic_of[reported.part.rows] = findings.topic_of  # only the reported version has topics
    return WindowResult(assessment, novelty, topic_of)


def _defined(p_value: float | None) -> float | None:
    return None if p_value is None or math.isnan(p_value) else p_value


def _moved_share(mix: MixComparison | None) -> ShareEstimate | None:
    if mix is None or math.isnan(mix.moved_share):
        return None
    return ShareEstimate.of(mix.moved_share, mix.moved_share_interval)


def _detectable_shares(
    reported: PartFindings, context: WindowContext
) -> tuple[DetectableShare, ...]:
    compared = reported.findings.compared
    if compared is None:
        return ()
    return stored_shares(
        *compared,
        level=reported.plan.levels.input,
        min_drifted_share=context.drift.min_drifted_share,
    )


def _basis(parts: Sequence[PartFindings], reported: PartFindings, context: WindowContext) -> Basis:
    findings = reported.findings
    n_current = findings.n_current_end_users
    if len(parts) > 1:
        n_current = count_users(context.end_users) if any(context.end_users) else None
    settings = context.drift.model_dump(mode="json") | {"alert_threshold": context.alert_threshold}
    return Basis(
        seed=context.seed,
        settings=settings,
        levels=context.levels,
        encoder=context.encoder,
        encoder_backend=context.encoder_backend,
        reference=_counted(context.reference, findings.n_reference_end_users),
        current=_counted(context.current, n_current),
        versions=context.package_versions,
    )


def _counted(source: Source, n_end_users: int | None) -> Source:
    return msgspec.structs.replace(source, n_end_users=n_end_users)
