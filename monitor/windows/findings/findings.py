"""Findings of one comparison: what an assessment reports of it, and arrays per exchange."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.drift import MixComparison
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges, count_users
from monitor.store.windows.assessment import (
    Assessment,
    Explanation,
    FallenCoverage,
    FamilyAssessment,
    NumericAssessment,
    Shortage,
    SlowDrift,
    UntestedReason,
    Verdict,
)
from monitor.traffic.redaction import Redactor
from monitor.windows.alarm_rule import family_alarms, window_alarms, window_verdict
from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.comparison.task_mix import TaskMix, mix_of
from monitor.windows.comparison.window_comparison import TOPIC_STREAM, WindowComparison
from monitor.windows.explanations.explained import Explained, unexplained
from monitor.windows.findings.explanations import join_explanations, state_events, state_matches
from monitor.windows.findings.fallen_coverage import find_fallen_coverage
from monitor.windows.findings.families import build_family, untested_family
from monitor.windows.findings.metric_remarks import metrics_not_compared, metrics_without_direction
from monitor.windows.findings.rarer_topics import state_rarer_topics
from monitor.windows.findings.remarks import (
    remark_on_design,
    remarks_on_copies,
    remarks_on_large_users,
    remarks_on_matched_days,
    remarks_on_missing_users,
    remarks_on_pairs,
    remarks_on_silent_days,
    remarks_on_topic_names,
    remarks_on_untested_responses,
    untested_reason,
)
from monitor.windows.findings.sentences.headline import describe_findings
from monitor.windows.findings.sentences.metrics import is_notable
from monitor.windows.findings.sentences.missing_data import (
    describe_fallen_coverage,
    describe_few_end_users,
    describe_small_side,
)
from monitor.windows.findings.unread_texts import (
    is_mostly_unread,
    remarks_on_same_prompts,
    remarks_on_unread_texts,
    untested_prompts,
    untested_responses,
)
from monitor.windows.topics.builder import build_topics, topic_indices
from monitor.windows.topics.examples import BUILT_IN_FORMS, Quoter
from monitor.windows.topics.timeline import Timeline


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Sizes and task mix of the whole sides."""

    n_reference: int
    n_current: int
    #: The estimated number of exchanges in the traffic; ``None`` where they are not a sample.
    estimated_current: float | None
    mix: TaskMix
    #: Exchanges whose prompts were compared, where fewer than all are comparable.
    n_comparable_reference: int | None = None
    n_comparable_current: int | None = None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The findings of a window, or of one version's part of it."""

    input: FamilyAssessment
    output: FamilyAssessment
    #: Why nothing was compared; empty where the prompts were.
    reason: str = ""
    shortages: tuple[Shortage, ...] = ()
    #: Directions of metrics, and the least effects of findings.
    drift: Drift = field(default_factory=Drift)
    numeric_columns: tuple[NumericAssessment, ...] = ()
    mix: MixComparison | None = None
    sides: Sides
    #: End users that were compared; ``None`` where nothing was, or no exchange names one.
    n_reference_end_users: int | None = None
    n_current_end_users: int | None = None
    remarks: tuple[str, ...] = ()
    #: What the baseline has and the window lacks.
    fallen_coverage: tuple[FallenCoverage, ...] = ()
    #: Remarks on metrics that only one side has; also among ``remarks``.
    metric_remarks: tuple[str, ...] = ()
    #: float64 ``[n_current]``, in [0, 1]; higher is less like the baseline.
    novelty: NDArray[np.float64]
    #: int64 ``[n_current]``: index of the drifted topic, -1 for none.
    topic_of: NDArray[np.int64]
    #: float64 ``[n_current]``, in [0, 1]: how unlike the baseline's responses to similar prompts a
    #: response is, NaN where it wasn't compared; ``None`` without a significant change.
    response_change: NDArray[np.float64] | None = None
    #: Descriptors and metrics with their values, for Evidently.
    columns: tuple[NumericColumn, ...] = ()
    #: The compared exchanges, the baseline first; ``None`` where there was no baseline.
    compared: tuple[Exchanges, Exchanges] | None = None

    @property
    def is_compared(self) -> bool:
        """Return whether anything was compared."""
        return not self.reason

    @property
    def has_map(self) -> bool:
        """Return whether a map of the prompts has a meaning: not of prompts that are unread."""
        return self.is_compared and self.input.untested_reason is None

    @property
    def verdict(self) -> Verdict:
        """Return the verdict by the alarm rule."""
        if self.reason:
            return "not_enough_data"
        return window_verdict((self.input, self.output), self.numeric_columns, self.fallen_coverage)

    @property
    def is_not_comparable(self) -> bool:
        """Return whether nothing alarms, and the window lacks what the baseline has."""
        return bool(self.fallen_coverage) and not self.alarm

    @property
    def alarm(self) -> bool:
        """Return whether it alarms by the alarm rule."""
        return window_alarms((self.input, self.output), self.numeric_columns)

    @cached_property
    def sentences(self) -> dict[str, str]:
        """Return the findings, a sentence each, with their kinds, the most important first."""
        if self.reason:
            return {self.reason: ""}
        # Another mean may be of which exchanges still have a value; a degraded metric is named.
        fallen = {item.name for item in self.fallen_coverage if item.kind == "metric"}
        columns = [
            item for item in self.numeric_columns if item.degraded or item.name not in fallen
        ]
        return describe_findings(
            self.input,
            self.output,
            columns,
            drift=self.drift,
            mix=self.mix,
            fallen=describe_fallen_coverage(self.fallen_coverage),
        )


def uncompared_findings(
    current: Exchanges,
    reason: str,
    shortage: Shortage,
    *,
    n_reference: int,
    bounds: tuple[datetime, datetime] | None = None,
) -> Findings:
    """Return the findings of a window without a baseline to compare with.

    ``reason``, why it could not be compared, is the only finding.
    """
    return Findings(
        input=untested_family("input"),
        output=untested_family("output"),
        reason=reason,
        shortages=(shortage,),
        sides=Sides(
            n_reference=n_reference,
            n_current=len(current),
            estimated_current=current.estimated_total,
            mix=mix_of(None, current),
        ),
        remarks=remarks_on_silent_days(current.occurred_at, bounds),
        novelty=np.zeros(len(current)),
        topic_of=np.full(len(current), -1, dtype=np.int64),
    )


def collect_findings(
    comparison: WindowComparison,
    *,
    bounds: tuple[datetime, datetime] | None = None,
    redactor: Redactor = BUILT_IN_FORMS,
    slow: SlowDrift | None = None,
    earlier: Sequence[Assessment] = (),
    explained: Explained | None = None,
    instructions: Sequence[Explanation] = (),
) -> Findings:
    """Collect the findings of a comparison: explanations, named topics, examples, remarks.

    Quotes are redacted, whatever was redacted when the exchanges were stored. ``earlier`` are the
    assessments of the windows before, the newest first. ``instructions`` are changes of system
    messages and tools. Topics, outliers and novelty are of what the explanations leave.
    """
    reference, current = comparison.reference.compared, comparison.current.compared
    whole = comparison.current.whole
    sides = Sides(
        n_reference=len(comparison.reference.whole),
        n_current=len(whole),
        estimated_current=whole.estimated_total,
        mix=mix_of(comparison.reference.whole, whole),
        **_comparable(comparison),
    )
    large_users = remarks_on_large_users(comparison.reference, comparison.current)
    silent_days = (
        *remarks_on_matched_days(comparison.matched_days, len(whole)),
        *remarks_on_silent_days(current.occurred_at, bounds),
    )
    prompts, responses, drift = comparison.prompts, comparison.responses, comparison.drift
    if not comparison.is_compared or prompts is None:
        reason, shortages = _reason(comparison)
        return Findings(
            input=untested_family("input"),
            output=untested_family("output"),
            reason=reason,
            shortages=shortages,
            remarks=(*large_users, *silent_days),
            novelty=np.zeros(len(whole)),
            topic_of=np.full(len(whole), -1, dtype=np.int64),
            sides=sides,
            compared=(reference, current),
        )
    # An alarm stands, unless most texts of both sides are unread: it would be about the rest.
    prompts_reason = untested_prompts(comparison)
    if prompts_reason is not None and not is_mostly_unread(comparison.unread_prompts):
        slow_alarm = slow is not None and slow.alarm
        prompts_reason = None if family_alarms(prompts) or slow_alarm else prompts_reason
    responses_reason = _untested_reason_of_responses(comparison)
    explained = explained or unexplained(comparison)
    own, output = explained.input, explained.output
    rng = np.random.default_rng([comparison.seed, TOPIC_STREAM])
    timeline = Timeline.of(current, bounds)
    quoter = Quoter(reference, current, redactor)
    input_topics = build_topics(
        own.clusters if prompts_reason is None else (),
        "prompts",
        replace(quoter, named=own.named),
        timeline,
        rng,
        novelty=own.novelty,
        earlier=[assessment.input for assessment in earlier],
    )
    output_topics = build_topics(
        output.clusters if output is not None and responses_reason is None else (),
        "responses",
        quoter if output is None else replace(quoter, named=output.named),
        timeline,
        rng,
        novelty=own.novelty if output is None else output.novelty,
        first_index=len(input_topics),
        earlier=[assessment.output for assessment in earlier],
    )
    topic_of = topic_indices(
        len(current), [cluster for cluster, _ in (*input_topics, *output_topics)]
    )
    # What instructs the model explains its responses first.
    is_output = responses_reason is None and comparison.responses_changed
    of_input, of_output = ((), instructions) if is_output else (instructions, ())
    if prompts_reason is None:
        input_family = build_family(
            "input",
            prompts,
            [topic for _, topic in input_topics],
            alpha=comparison.levels.input,
            topic_of=topic_of,
            quoter=quoter,
            slow=slow,
            unread=comparison.unread_prompts,
            explained=own,
            explanations=join_explanations(
                (
                    *of_input,
                    *state_matches(own, "prompt", explained.window),
                    *state_rarer_topics(own, replace(quoter, named=own.named), rng),
                ),
                redactor,
            ),
        )
    else:
        input_family = untested_family(
            "input",
            prompts_reason,
            comparison.unread_prompts,
            explanations=join_explanations(of_input, redactor),
        )
    untested_remarks: tuple[str, ...] = ()
    if output is None or responses is None or responses_reason is not None:
        output_family = untested_family(
            "output",
            responses_reason,
            comparison.unread_responses,
            explained=output,
            explanations=join_explanations(comparison.significant_events, redactor),
        )
        if output is None or output.rest_result is None:
            untested_remarks = remarks_on_untested_responses(
                responses_reason, reference, current, drift.min_samples
            )
    else:
        output_family = build_family(
            "output",
            responses,
            [topic for _, topic in output_topics],
            alpha=comparison.levels.output,
            topic_of=topic_of,
            quoter=quoter,
            unread=comparison.unread_responses,
            columns=comparison.columns,
            explained=output,
            explanations=join_explanations(
                (
                    *state_events(comparison.significant_events, output),
                    *of_output,
                    *state_matches(output, "response", explained.window),
                ),
                redactor,
            ),
        )
    fallen = find_fallen_coverage(comparison)
    metric_remarks = metrics_not_compared(
        reference.attributes, current.attributes, drift, gone=[item.name for item in fallen]
    )
    rows = comparison.current.rows
    novelty = np.zeros(len(whole))
    topics = np.full(len(whole), -1, dtype=np.int64)
    topics[rows] = topic_of
    novelty[rows] = own.novelty
    if output is not None and output_family.alarm:
        # By what alarms: the prompt, the response, or the more novel of both.
        novelty[rows] = (
            np.maximum(own.novelty, output.novelty) if input_family.alarm else output.novelty
        )
    response_change: NDArray[np.float64] | None = None
    if output is not None and output_family.verdict == "drift":
        response_change = np.full(len(whole), np.nan)
        sampled = comparison.response_rows
        known = np.arange(len(rows)) if sampled is None else sampled
        response_change[rows[known]] = output.novelty[known]
    return Findings(
        input=input_family,
        output=output_family,
        numeric_columns=comparison.numeric_columns,
        drift=drift,
        fallen_coverage=fallen,
        mix=comparison.mix,
        n_reference_end_users=prompts.n_reference_groups if any(reference.end_users) else None,
        n_current_end_users=prompts.n_current_groups if any(current.end_users) else None,
        remarks=(
            *large_users,
            *remarks_on_pairs(comparison),
            *remarks_on_same_prompts(comparison, redactor),
            *remarks_on_unread_texts((input_family, output_family), comparison),
            *untested_remarks,
            *metric_remarks,
            *metrics_without_direction(
                [column for column in comparison.numeric_columns if not is_notable(column, drift)],
                drift,
            ),
            *remarks_on_copies(reference, current),
            *remarks_on_missing_users(reference, current, drift.min_drifted_share),
            *silent_days,
            *remark_on_design(reference, current, comparison.design),
            *remarks_on_topic_names((*input_family.topics, *output_family.topics)),
            *explained.remarks,
        ),
        metric_remarks=metric_remarks,
        novelty=novelty,
        topic_of=topics,
        response_change=response_change,
        columns=comparison.columns,
        sides=sides,
        compared=(reference, current),
    )


def _comparable(comparison: WindowComparison) -> dict[str, int]:
    """Return the sizes of the sides whose prompts were compared; none where all are comparable."""
    sides, design = (comparison.reference, comparison.current), comparison.design
    if not comparison.is_compared:
        return {}
    n_compared = [len(side.compared) for side in sides]
    if design is not None:
        n_compared = [
            int(design.reference_comparable.sum()),
            int(design.current_comparable.sum()),
        ]
    if n_compared == [len(side.whole) for side in sides]:
        return {}
    return {"n_comparable_reference": n_compared[0], "n_comparable_current": n_compared[1]}


def _untested_reason_of_responses(comparison: WindowComparison) -> UntestedReason | None:
    """Return why responses were not tested, or why their test can't say "no drift"."""
    responses, drift = comparison.responses, comparison.drift
    if responses is None or responses.verdict == "not_enough_data":
        sides = comparison.reference.compared, comparison.current.compared
        return untested_reason(*sides, drift.min_samples, with_responses=comparison.with_responses)
    reason = untested_responses(comparison)
    if family_alarms(responses) and not is_mostly_unread(comparison.unread_responses):
        return None
    return reason


def _reason(comparison: WindowComparison) -> tuple[str, tuple[Shortage, ...]]:
    """Return the finding of a comparison with too little data, and what there is too little of."""
    sides = (comparison.reference, comparison.current)
    n_left = [len(side.compared) for side in sides]
    least, design = comparison.drift.min_samples, comparison.design
    thinned = ""
    if min(n_left) >= least and design is not None:
        n_left = [int(design.reference_comparable.sum()), int(design.current_comparable.sum())]
        thinned = " These are left after thinning task types that were sampled at different rates."
    if any(len(side.compared) < min(least, len(side.whole)) for side in sides):
        thinned = " These are left after thinning an end user with over a quarter of the exchanges."
    if min(n_left) < least:
        small: tuple[tuple[Shortage, int], ...] = (
            ("small_window", n_left[1]),
            ("small_baseline", n_left[0]),
        )
        shortages = tuple(shortage for shortage, n in small if n < least)
        return f"{describe_small_side(n_left[0], n_left[1], least)}{thinned}", shortages
    n_users = [count_users(side.compared.end_users) for side in sides]
    if comparison.prompts is not None:
        n_users = [comparison.prompts.n_reference_groups, comparison.prompts.n_current_groups]
    return describe_few_end_users(n_users[0], n_users[1]), ("few_end_users",)
