"""Drift evaluation of a window: claimed, run and stored, reproducible to the last digit."""

import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import structlog
from sqlalchemy import Connection, Engine
from threadpoolctl import threadpool_limits

from monitor.alerts.repeated_evaluations import describe_result
from monitor.embedding.encoder import load_encoder
from monitor.errors import DatabaseUnavailableError, LostOwnershipError
from monitor.settings import Settings
from monitor.store.audit_log import SYSTEM
from monitor.store.engine import transaction
from monitor.store.traffic.baselines import first_baseline_at
from monitor.store.traffic.exchanges import first_exchange_at, record_ranges
from monitor.store.traffic.withheld import first_withheld_day
from monitor.store.windows.assessment import Source
from monitor.store.windows.claims import (
    EvaluationClaim,
    claim_drift_evaluation,
    fail_drift_evaluation,
    finish_drift_evaluation,
)
from monitor.store.windows.drift_evaluations import (
    assessments_before,
    drift_evaluation_by_id,
    newest_evaluated_end,
)
from monitor.store.windows.pauses import pauses_of
from monitor.store.windows.repetitions import first_inputs, record_repetition
from monitor.store.windows.reports import save_report
from monitor.store.windows.sample_scores import SampleScores
from monitor.store.windows.slow_drift import save_slow_drift_window
from monitor.windows.assessment.build import WindowContext, build_assessment
from monitor.windows.assessment.provenance import baseline_source, build_provenance
from monitor.windows.prompt_map.sampling import sample_map
from monitor.windows.reading.reembedding import EncoderSource
from monitor.windows.report.evidently import render_evidently
from monitor.windows.schedule import window_of
from monitor.windows.stored_comparison import (
    StoredComparison,
    StoredPart,
    compare_stored_window,
    finding_without_traffic,
    remarks_after,
    remarks_before,
)
from monitor.windows.topics.history import WINDOWS_SEARCHED

#: Time of a claim beyond the time limit of the evaluation, for starting and stopping its process.
LEASE_MARGIN = timedelta(minutes=10)
#: HTML of further reports by kind, and remarks on those that failed.
Reports = tuple[Mapping[str, str], tuple[str, ...]]

log = structlog.get_logger()


def monitoring_start(connection: Connection, model: str) -> datetime | None:
    """Return the time of a model's first traffic or baseline; ``None`` where it has neither."""
    begins = (
        first_exchange_at(connection, model),
        first_withheld_day(connection, model),
        first_baseline_at(connection, model),
    )
    return min((begin for begin in begins if begin is not None), default=None)


def evaluated_until(connection: Connection, settings: Settings) -> datetime | None:
    """Return the time until which no window of a model is missing, but those that failed.

    It is ``None`` where there is neither traffic nor a baseline.
    """
    model, cadence = settings.model.name, settings.monitoring.drift_detection
    first = monitoring_start(connection, model)
    if first is None:
        return None
    # A window that ends in a pause is never evaluated.
    resumed = (pause.resumed_at for pause in pauses_of(connection, model))
    start, _ = window_of(max([first, *filter(None, resumed)]), cadence)
    return max(newest_evaluated_end(connection, model) or start, start)


def evaluate_window(
    engine: Engine,
    settings: Settings,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    again: bool = False,
    by: str = SYSTEM,
    encoder: EncoderSource | None = None,
    evidently: bool = True,
) -> int | None:
    """Evaluate the window ``[start, end)`` of the configured model, and store the assessment.

    With ``again`` it is evaluated even if it was before, such as after a baseline import: the audit
    log says by whom, and the result that no longer counts. Without an encoder, the configured one
    is loaded where texts are to be embedded again. With ``evidently`` Evidently's report is
    rendered and stored. The result is the evaluation's id; ``None`` where it is done, or another
    process runs it.
    """
    claim = claim_window(engine, settings, (start, end), now, again=again, by=by)
    if claim is None:
        return None
    encoder = encoder or cache(lambda: load_encoder(settings.embedding))
    done = evaluate_claimed(
        engine, settings, claim, (start, end), now, encoder=encoder, evidently=evidently
    )
    return claim.evaluation_id if done else None


def claim_window(
    engine: Engine,
    settings: Settings,
    bounds: tuple[datetime, datetime],
    now: datetime,
    *,
    again: bool = False,
    by: str = SYSTEM,
) -> EvaluationClaim | None:
    """Claim a window for as long as its evaluation may take; ``None``: there is nothing to do.

    The claim of a process that died ends :data:`LEASE_MARGIN` after the time limit; the window is
    then claimed again.
    """
    with transaction(engine) as connection:
        claim = claim_drift_evaluation(
            connection,
            settings.model.name,
            *bounds,
            seed=_seed(settings.drift.seed, settings.model.name, *bounds),
            now=now,
            again=again,
            lease=settings.monitoring.max_evaluation_time + LEASE_MARGIN,
        )
        if claim is not None and again:
            evaluation = drift_evaluation_by_id(connection, claim.evaluation_id)
            drifted = describe_result(evaluation.assessment)
            record_repetition(connection, evaluation, drifted=drifted, by=by, now=now)
        return claim


def evaluate_claimed(
    engine: Engine,
    settings: Settings,
    claim: EvaluationClaim,
    bounds: tuple[datetime, datetime],
    now: datetime,
    *,
    encoder: EncoderSource,
    evidently: bool = True,
) -> bool:
    """Evaluate a claimed window, and store the assessment, or the failure with its reason.

    Return whether it was stored: not where another process has taken the evaluation over.
    """
    model, seed = settings.model.name, _seed(settings.drift.seed, settings.model.name, *bounds)
    start, end = bounds
    facts = {"evaluation": claim.evaluation_id, "model": model}
    log.info(
        "evaluation_started",
        **facts,
        window_start=start.isoformat(),
        window_end=end.isoformat(),
    )
    try:
        # Sums that are split over threads differ in their last digits by the number of cores.
        with threadpool_limits(1, user_api="blas"):
            with transaction(engine) as connection:
                earlier = assessments_before(connection, model, start, WINDOWS_SEARCHED)
                log.info("window_read", **facts, records=record_ranges(connection, model, *bounds))
            comparison = compare_stored_window(
                engine, settings, bounds, seed=seed, now=now, encoder=encoder, earlier=earlier
            )
            reports = _render_reports(comparison.reported, seed) if evidently else ({}, ())
            _store(
                engine, settings, claim, comparison, bounds, rendered=reports, seed=seed, now=now
            )
    except LostOwnershipError as error:
        log.warning("evaluation_taken_over", evaluation=claim.evaluation_id, reason=str(error))
        return False
    except DatabaseUnavailableError:
        raise  # nothing can be recorded; the claim expires
    except Exception as error:
        with transaction(engine) as connection:
            fail_drift_evaluation(connection, claim, f"{type(error).__name__}: {error}", now)
        raise
    return True


def _store(
    engine: Engine,
    settings: Settings,
    claim: EvaluationClaim,
    comparison: StoredComparison,
    bounds: tuple[datetime, datetime],
    *,
    rendered: Reports,
    seed: int,
    now: datetime,
) -> None:
    """Build the assessment, and store it with the reports in one transaction."""
    window, reported = comparison.window, comparison.reported
    findings, baseline = reported.findings, reported.reference.baseline
    reports, report_remarks = rendered
    finding = finding_without_traffic(comparison, settings.model.name)
    provenance = build_provenance(
        window,
        reported.reference,
        settings,
        seed=seed,
        taxonomy_version=comparison.taxonomy_version,
    )
    result = build_assessment(
        comparison.parts,
        reported,
        WindowContext(
            model=settings.model.name,
            drift=settings.drift,
            levels=settings.alarm_levels,
            alert_threshold=settings.monitoring.alert_threshold,
            seed=seed,
            end_users=window.rows.end_users,
            reference=baseline_source(provenance),
            current=Source(digest=provenance["window"]["digest"]),
            encoder=provenance["encoder"],
            encoder_backend=provenance["encoder_backend"],
            package_versions=provenance["versions"],
            n_withheld=window.withheld.n,
            finding=finding,
            shortages=("no_traffic",) if finding else (),
            first_remarks=remarks_before(comparison, settings.model.name),
            last_remarks=(*remarks_after(comparison, bounds, settings.drift), *report_remarks),
        ),
    )
    prompt_map = None
    if reported.reference.rows is not None and findings.has_map:
        prompt_map = sample_map(
            reported.reference.rows,
            reported.rows,
            findings.topic_of,
            seed,
            change=findings.response_change,
        )
    rows, assessment = window.rows, result.assessment
    with transaction(engine) as connection:
        before = drift_evaluation_by_id(connection, claim.evaluation_id)
        provenance |= first_inputs(before.provenance, provenance)
        finish_drift_evaluation(
            connection,
            claim,
            assessment=assessment,
            scores=SampleScores(
                rows.ids, result.novelty, result.topic_of, rows.inclusion_probability
            ),
            baseline_id=None if baseline is None else baseline.id,
            provenance=provenance,
            now=now,
            prompt_map=prompt_map,
        )
        save_slow_drift_window(connection, claim.evaluation_id, comparison.slow_drift_sums)
        for kind, html in reports.items():
            save_report(connection, claim.evaluation_id, kind, html, now)
    log.info(
        "evaluation_done",
        evaluation=claim.evaluation_id,
        verdict=assessment.verdict,
        alarm=assessment.alarm,
        n_current=assessment.n_current,
    )


def _render_reports(reported: StoredPart, seed: int) -> Reports:
    """Render the reports; where one fails, return a remark instead: the evaluation stands."""
    findings = reported.findings
    if not findings.columns or findings.compared is None:
        return {}, ()
    reference, current = findings.compared
    try:
        html = render_evidently(
            findings.columns,
            reference.task_types,
            current.task_types,
            np.random.default_rng([seed, 1]),
            current_weights=current.weights,
        )
    except Exception:  # whatever Evidently raises
        log.exception("report_failed", kind="evidently")
        return {}, ("Evidently's report could not be rendered; see the log.",)
    return {"evidently": html}, ()


def _seed(seed: int, model: str, start: datetime, end: datetime) -> int:
    """Derive a window's seed: the same for the same window, different for others."""
    entropy = [seed, zlib.crc32(model.encode()), int(start.timestamp()), int(end.timestamp())]
    return int(np.random.SeedSequence([abs(part) for part in entropy]).generate_state(1)[0])
