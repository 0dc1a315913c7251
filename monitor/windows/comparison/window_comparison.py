"""Judge a window against its baseline: input, output given the input, characteristics, mix."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from monitor.drift import (
    Cluster,
    DriftResult,
    SampleDesign,
    compare,
    compare_given,
)
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Assessment, Basis, Source
from monitor.traffic.redaction import Redactor
from monitor.windows.assessment.families import build_family, novelty_of, untested
from monitor.windows.assessment.headline import (
    describe_small_comparison,
    describe_small_side,
    headline,
)
from monitor.windows.assessment.metric_remarks import metrics_not_compared
from monitor.windows.assessment.remarks import (
    incomparable_answers,
    missing_users,
    remarks_on,
    why_incomparable,
)
from monitor.windows.comparison.common_rate import comparable
from monitor.windows.comparison.format_conformance import Forms
from monitor.windows.comparison.numeric_columns import numeric_columns_of
from monitor.windows.comparison.numeric_comparison import NumericColumn, compare_numeric_columns
from monitor.windows.comparison.prompt_covariates import prompt_covariates
from monitor.windows.comparison.task_mix import compare_task_mix, mix_of
from monitor.windows.topics.builder import build_topics, topic_indices
from monitor.windows.topics.examples import BUILT_IN_FORMS, Quoter
from monitor.windows.topics.timeline import Timeline


@dataclass(frozen=True)
class Assessed:
    """An assessment, and a figure for each exchange of the window."""

    assessment: Assessment
    #: ``[n_current]``, in [0, 1]; higher is more foreign to the baseline.
    novelty: NDArray[np.float64]
    #: ``[n_current]``: index of the drifted topic, -1 for none.
    cluster: NDArray[np.int64]
    #: Characteristics and metrics with their values, for the report.
    scalars: tuple[NumericColumn, ...] = ()
    #: Remarks on metrics that only one side has; among those of the assessment too.
    metrics_not_compared: tuple[str, ...] = ()


def assess(
    reference: Exchanges,
    current: Exchanges,
    *,
    model: str,
    drift: Drift,
    alert_threshold: float,
    seed: int,
    bounds: tuple[datetime, datetime] | None = None,
    redactor: Redactor = BUILT_IN_FORMS,
    rate_for: Callable[[str], float] | None = None,
    declared: Forms | None = None,
) -> Assessed:
    """Assess a window.

    A family of tests alarms where it is significant *and* the drifted share is surely above the
    floor; a metric alarms where it is worse by the threshold, its interval excludes no change, and
    its p-value holds after correction for the number of characteristics. The mix of task types is
    compared to explain what moved; it never alarms by itself. Where a side has answers that could
    not be compared, and nothing alarms, it isn't known whether they drifted: not enough data.

    Args:
        reference: The baseline.
        current: The window.
        model: Its name.
        drift: Levels, floors and directions of metrics.
        alert_threshold: Relative loss of a metric that alarms.
        seed: The same seed and windows give the same figures to the last digit.
        bounds: First instant of the window and first after it, where it is a calendar window.
        redactor: Replaces personal data in what is quoted, whatever was done when it was stored.
        rate_of: The configured sampling rate of a task type.
        declared: The form of each task type's answers, where the taxonomy declares it.
    """
    least = drift.min_samples
    basis = Basis(
        seed=seed, settings=drift.model_dump(mode="json") | {"alert_threshold": alert_threshold}
    )
    decline = partial(
        unjudged,
        current=current,
        model=model,
        n_reference=len(reference),
        bounds=bounds,
        mix_reference=mix_of(reference),
        basis=basis,
    )
    if min(len(reference), len(current)) < least:
        return decline(describe_small_side(len(reference), len(current), least))
    rngs = [np.random.default_rng([seed, stream]) for stream in range(4)]
    design = comparable(reference, current, rate_for)
    asked = compare(
        reference.prompt_vectors,
        current.prompt_vectors,
        reference_groups=reference.end_users,
        current_groups=current.end_users,
        current_parts=current.days,
        alpha=drift.alpha,
        minimum_drifted_share=drift.min_drifted_share,
        minimum_samples=least,
        n_permutations=drift.n_permutations,
        rng=rngs[0],
        design=design,
    )
    if asked.verdict == "not_enough_data":
        return decline(describe_small_comparison(asked, design, least))
    scalars = numeric_columns_of(reference, current, drift, declared)
    answered = _compare_answers(
        reference, current, scalars=scalars, drift=drift, design=design, rng=rngs[1]
    )
    of_prompts, of_answers = _clusters(asked, answered, drift)
    timeline = Timeline.of(current, bounds)
    quoter = Quoter(reference, current, redactor)
    new = build_topics(of_prompts, "prompts", quoter, timeline, rngs[2])
    changed = build_topics(of_answers, "responses", quoter, timeline, rngs[2])
    numeric_columns = compare_numeric_columns(
        scalars, reference, current, drift=drift, alert_threshold=alert_threshold
    )
    cluster = topic_indices(len(current), [cluster for cluster, _ in (*new, *changed)])
    asked_about = [topic for _, topic in new]
    answered_about = [replace(topic, index=len(new) + topic.index) for _, topic in changed]
    families = (
        build_family(
            "input", asked, asked_about, alpha=drift.alpha, cluster=cluster, quoter=quoter
        ),
        build_family(
            "output", answered, answered_about, alpha=drift.alpha, cluster=cluster, quoter=quoter
        ),
    )
    mix = compare_task_mix(reference, current, design, rngs[3])
    incomparable: tuple[str, ...] = ()
    if families[1].verdict == "not_enough_data":
        because = why_incomparable(reference, current, least)
        families = families[0], replace(families[1], untested_reason=because)
        incomparable = incomparable_answers(because, reference, current, least)
    lost = metrics_not_compared(reference.attributes, current.attributes, drift)
    remarks = (
        *incomparable,
        *lost,
        *missing_users(reference, current, drift.min_drifted_share),
        *remarks_on(current, bounds),
        *_design_remark(reference, current, design),
    )
    alarm = any(one.alarm for one in families) or any(one.degraded for one in numeric_columns)
    assessment = Assessment(
        model=model,
        verdict="drift" if alarm else "not_enough_data" if incomparable else "no_drift",
        alarm=alarm,
        headline=headline(*families, numeric_columns),
        n_reference=len(reference),
        n_current=len(current),
        estimated_current=current.estimated_total,
        input=families[0],
        output=families[1],
        numeric_columns=numeric_columns,
        mix_current=mix_of(current),
        mix_reference=mix_of(reference),
        mix_p_value=None if mix is None else mix.p_value,
        mix_effect_size=None if mix is None else mix.effect_size,
        remarks=remarks,
        basis=replace(
            basis,
            reference=Source(n_end_users=asked.n_reference_groups),
            current=Source(n_end_users=asked.n_current_groups),
        ),
    )
    return Assessed(assessment, novelty_of(asked, answered, families), cluster, scalars, lost)


def _design_remark(
    reference: Exchanges, current: Exchanges, design: SampleDesign | None
) -> tuple[str, ...]:
    if design is None:
        return ()
    kept = int(design.current_comparable.sum()), int(design.reference_comparable.sum())
    remark = (
        "The exchanges were sampled at different rates: shares and means are weighted, and the "
        f"tests compare {kept[0]:,} of {len(current):,} exchanges with {kept[1]:,} of "
        f"{len(reference):,} of the baseline, as sampled at one rate."
    )
    return (remark,)


def unjudged(
    reason: str,
    current: Exchanges,
    *,
    model: str,
    n_reference: int,
    bounds: tuple[datetime, datetime] | None = None,
    mix_reference: dict[str, float] | None = None,
    basis: Basis | None = None,
) -> Assessed:
    """Return the assessment of a window that can't be judged, with the reason as its headline."""
    assessment = Assessment(
        model=model,
        verdict="not_enough_data",
        alarm=False,
        headline=reason,
        n_reference=n_reference,
        n_current=len(current),
        estimated_current=current.estimated_total,
        input=untested("input"),
        output=untested("output"),
        mix_current=mix_of(current),
        mix_reference=mix_reference or {},
        remarks=remarks_on(current, bounds),
        basis=basis,
    )
    n = len(current)
    return Assessed(assessment, np.zeros(n), np.full(n, -1, dtype=np.int64))


def _compare_answers(
    reference: Exchanges,
    current: Exchanges,
    *,
    scalars: Sequence[NumericColumn],
    drift: Drift,
    design: SampleDesign | None,
    rng: np.random.Generator,
) -> DriftResult | None:
    """Compare answers given the prompts; ``None`` where a side has hardly any answers.

    Prompts are alike that say alike and have alike form and task: an embedding tells little of the
    form, and a task may be known to the caller only.
    """
    if min(reference.n_responses, current.n_responses) < drift.min_samples:
        return None
    covariates = prompt_covariates(reference, current, scalars)
    # Empty answers count where they are the exception: then they are something that drifts.
    return compare_given(
        reference.prompt_vectors,
        reference.response_vectors,
        current.prompt_vectors,
        current.response_vectors,
        reference_covariates=covariates[0],
        current_covariates=covariates[1],
        reference_groups=reference.end_users,
        current_groups=current.end_users,
        alpha=drift.alpha,
        minimum_drifted_share=drift.min_drifted_share,
        minimum_samples=drift.min_samples,
        n_permutations=drift.n_permutations,
        rng=rng,
        design=design,
    )


def _clusters(
    asked: DriftResult, answered: DriftResult | None, drift: Drift
) -> tuple[tuple[Cluster, ...], tuple[Cluster, ...]]:
    """Return the clusters of each family whose test is significant.

    A cluster of answers to new questions is told with the questions: what is left under the output
    are answers that changed to questions that did not.
    """
    of_prompts = asked.clusters if asked.p_value <= drift.alpha else ()
    if answered is None or answered.p_value > drift.alpha:
        return of_prompts, ()
    new = np.zeros(asked.n_current, dtype=bool)
    for cluster in of_prompts:
        new[cluster.members] = True
    return of_prompts, tuple(one for one in answered.clusters if new[one.members].mean() < 0.5)
