"""The evaluation of a window: claimed, run and stored so that a rerun gives the same figures."""

import zlib
from dataclasses import replace
from datetime import datetime
from functools import cache

import msgspec
import numpy as np
import structlog
from sqlalchemy import Connection, Engine
from threadpoolctl import threadpool_limits

from monitor.embedding.encoder import load_encoder
from monitor.errors import DatabaseUnavailableError, LostOwnershipError
from monitor.settings import Settings
from monitor.store.engine import transaction
from monitor.store.traffic.baselines import first_baseline_at
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.exchanges import first_exchange_at
from monitor.store.traffic.withheld import first_withheld_day
from monitor.store.windows.claims import (
    EvaluationClaim,
    claim_drift_evaluation,
    fail_drift_evaluation,
    finish_drift_evaluation,
)
from monitor.store.windows.drift_evaluations import assessments_before, evaluated_windows
from monitor.store.windows.reports import save_report
from monitor.store.windows.sample_scores import SampleScores
from monitor.store.windows.slow_drift import save_slow_drift_window
from monitor.windows.assessment.basis import with_provenance
from monitor.windows.assessment.provenance import build_provenance
from monitor.windows.comparison.window_comparison import Assessed
from monitor.windows.prompt_map.sampling import sample_map
from monitor.windows.reading.reembedding import EncoderSource
from monitor.windows.report.evidently import render_evidently
from monitor.windows.schedule import due_windows
from monitor.windows.stored_comparison import JudgedWindow, judge_window
from monitor.windows.topics.history import WINDOWS_LOOKED_AT, with_history

log = structlog.get_logger()


def evaluate_due_windows(
    engine: Engine,
    settings: Settings,
    now: datetime,
    *,
    until: datetime | None = None,
    encoder: EncoderSource | None = None,
) -> list[int]:
    """Evaluate every window that has ended and isn't evaluated yet, oldest first.

    The first is that of the first traffic, or of the first baseline: from then on, no traffic is
    an answer that is given.

    Args:
        engine: The database.
        settings: The model, what counts as drift, and the seed.
        now: The time that is recorded.
        until: Windows that end later are left for a later call: their traffic may not all be
            stored. ``None``: until now.
        encoder: Called where texts are to be embedded again; without it, the configured one is
            loaded then.

    A window that fails is recorded, said in the log, and due again an hour later; those after it
    are evaluated all the same.

    Returns:
        The evaluations that this call ran.

    Raises:
        DatabaseUnavailableError: The database is away; call again later.
    """
    model = settings.model.name
    with transaction(engine) as connection:
        first = monitoring_start(connection, model)
        done = evaluated_windows(connection, model)
    if first is None:
        return []
    ran = []
    encoder = encoder or cache(lambda: load_encoder(settings.embedding))
    for start, end in due_windows(first, until or now, settings.monitoring.drift_detection):
        if (start, end) in done:
            continue
        try:
            evaluation_id = evaluate_window(engine, settings, start, end, now, encoder=encoder)
        except DatabaseUnavailableError:
            raise
        except Exception:  # one window that can't be evaluated must not stop the watch
            log.exception("evaluation_failed", model=model, window_start=start.isoformat())
            continue
        if evaluation_id is not None:
            ran.append(evaluation_id)
    return ran


def monitoring_start(connection: Connection, model: str) -> datetime | None:
    """Return the time of a model's first traffic or baseline; ``None`` where it has neither."""
    begins = (
        first_exchange_at(connection, model),
        first_withheld_day(connection, model),
        first_baseline_at(connection, model),
    )
    return min((begin for begin in begins if begin is not None), default=None)


def evaluate_window(
    engine: Engine,
    settings: Settings,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    again: bool = False,
    encoder: EncoderSource | None = None,
) -> int | None:
    """Evaluate the window ``[start, end)`` of the configured model and store what was found.

    Args:
        engine: The database.
        settings: The model, what counts as drift, and the seed.
        start: First instant of the window.
        end: First instant after it.
        now: The time that is recorded.
        again: Evaluate it even if that was done before: after a baseline was imported.
        encoder: As for :func:`evaluate_due_windows`.

    Returns:
        The evaluation; ``None`` where it is done already or another process runs it. One that
        began over an hour ago and never ended is taken over.
    """
    model = settings.model.name
    seed = _seed(settings.drift.seed, model, start, end)
    with transaction(engine) as connection:
        claim = claim_drift_evaluation(
            connection, model, start, end, seed=seed, now=now, again=again
        )
    if claim is None:
        return None
    log.info("evaluation_started", model=model, start=start.isoformat(), end=end.isoformat())
    try:
        # Sums that are split over threads differ in their last digits by the number of cores.
        with threadpool_limits(1, user_api="blas"):
            judged = judge_window(
                engine,
                settings,
                (start, end),
                seed=seed,
                now=now,
                encoder=encoder or cache(lambda: load_encoder(settings.embedding)),
            )
            _store(engine, settings, claim, judged, (start, end), seed=seed, now=now)
    except LostOwnershipError as error:
        log.warning("evaluation_taken_over", evaluation=claim.evaluation_id, reason=str(error))
        return None
    except DatabaseUnavailableError:
        raise  # nothing can be recorded; the claim goes stale
    except Exception as error:
        with transaction(engine) as connection:
            fail_drift_evaluation(connection, claim, f"{type(error).__name__}: {error}", now)
        raise
    return claim.evaluation_id


def _store(
    engine: Engine,
    settings: Settings,
    claim: EvaluationClaim,
    judged: JudgedWindow,
    bounds: tuple[datetime, datetime],
    *,
    seed: int,
    now: datetime,
) -> None:
    assessed, reports = _render(judged.assessed, judged.speaker.compared, seed)
    speaker, rows = judged.speaker, judged.window.rows
    baseline, reference = speaker.reference.baseline, speaker.reference.rows
    drawn = (
        None if reference is None else sample_map(speaker.assessed, reference, speaker.rows, seed)
    )
    provenance = build_provenance(
        judged.window,
        speaker.reference,
        settings,
        seed=seed,
        taxonomy_version=judged.taxonomy_version,
    )
    with transaction(engine) as connection:
        earlier = assessments_before(connection, settings.model.name, bounds[0], WINDOWS_LOOKED_AT)
    assessment = with_history(with_provenance(assessed.assessment, provenance), earlier)
    with transaction(engine) as connection:
        finish_drift_evaluation(
            connection,
            claim,
            assessment=assessment,
            scores=SampleScores(
                rows.ids, assessed.novelty, assessed.cluster, rows.inclusion_probability
            ),
            baseline_id=None if baseline is None else baseline.id,
            provenance=provenance,
            now=now,
            prompt_map=drawn,
        )
        save_slow_drift_window(connection, claim.evaluation_id, judged.watched)
        for kind, html in reports.items():
            save_report(connection, claim.evaluation_id, kind, html, now)
    log.info(
        "evaluation_done",
        evaluation=claim.evaluation_id,
        verdict=assessment.verdict,
        alarm=assessment.alarm,
        headline=assessment.headline,
        n_current=assessment.n_current,
    )


def _render(
    assessed: Assessed, compared: tuple[Exchanges, Exchanges] | None, seed: int
) -> tuple[Assessed, dict[str, str]]:
    """Render the reports. One that fails is said and left out: the evaluation stands."""
    reports: dict[str, str] = {}
    if assessed.scalars and compared is not None:
        reference, current = compared
        try:
            reports["evidently"] = render_evidently(
                assessed.scalars,
                reference.task_types,
                current.task_types,
                np.random.default_rng([seed, 1]),
                current_weights=current.weights,
            )
        except Exception:  # whatever Evidently raises
            log.exception("report_failed", kind="evidently")
            remark = "Evidently could not render its report; see the log."
            remarks = (*assessed.assessment.remarks, remark)
            remarked = msgspec.structs.replace(assessed.assessment, remarks=remarks)
            assessed = replace(assessed, assessment=remarked)
    return assessed, reports


def _seed(seed: int, model: str, start: datetime, end: datetime) -> int:
    """Derive a window's seed: the same window, the same figures; other windows, other draws."""
    entropy = [seed, zlib.crc32(model.encode()), int(start.timestamp()), int(end.timestamp())]
    return int(np.random.SeedSequence([abs(part) for part in entropy]).generate_state(1)[0])
