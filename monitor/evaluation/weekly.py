"""The evaluation of a window: claimed, run and stored so that a rerun gives the same figures."""

import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np
import structlog
from sqlalchemy import Engine

from monitor.errors import DatabaseUnavailableError, LostOwnershipError
from monitor.evaluation.assess import Assessed, assess, unjudged
from monitor.evaluation.basis import with_provenance
from monitor.evaluation.evidently_report import render_evidently
from monitor.evaluation.final_sample import final_sample
from monitor.evaluation.remarks import withheld_remark
from monitor.evaluation.topic_history import WINDOWS_LOOKED_AT, with_history
from monitor.evaluation.window import Window
from monitor.evaluation.windows import due_windows
from monitor.settings import Settings
from monitor.store.baselines import BaselineRow, latest_baseline
from monitor.store.engine import snapshot, transaction
from monitor.store.evaluation_claims import (
    Claim,
    claim_evaluation,
    fail_evaluation,
    finish_evaluation,
)
from monitor.store.evaluations import assessments_before, done_windows
from monitor.store.exchanges import WindowRows, first_occurrence, load_baseline, load_window
from monitor.store.reports import save_report
from monitor.store.sample_scores import SampleScores
from monitor.store.withheld import Withheld, count_withheld, first_withheld
from monitor.traffic.rates import Rates
from monitor.traffic.redaction import Redactor

#: Packages that the figures depend on.
PACKAGES = ("driftwarden", "numpy", "scipy", "torch", "sentence-transformers", "evidently")

log = structlog.get_logger()


@dataclass(frozen=True)
class _Loaded:
    """Both sides of a comparison as they are stored."""

    rows: WindowRows
    baseline: BaselineRow | None
    #: Exchanges whose texts the source kept back.
    withheld: Withheld
    #: ``None`` where there is no baseline, or another encoder made its vectors.
    reference: WindowRows | None
    #: What the reader should know about the rows.
    remarks: tuple[str, ...]


def catch_up(
    engine: Engine, settings: Settings, now: datetime, *, until: datetime | None = None
) -> list[int]:
    """Evaluate every window that has ended and isn't evaluated yet, oldest first.

    Args:
        engine: The database.
        settings: The model, what counts as drift, and the seed.
        now: The time that is recorded.
        until: Windows that end later are left for a later call: their traffic may not all be
            stored. ``None``: until now.

    A window that fails is recorded, said in the log, and due again an hour later; those after it
    are evaluated all the same.

    Returns:
        The evaluations that this call ran.

    Raises:
        DatabaseUnavailableError: The database is away; call again later.
    """
    model = settings.model.name
    with transaction(engine) as connection:
        begins = (first_occurrence(connection, model), first_withheld(connection, model))
        done = done_windows(connection, model)
    first = min((begin for begin in begins if begin is not None), default=None)
    if first is None:
        return []
    ran = []
    for start, end in due_windows(first, until or now, settings.monitoring.drift_detection):
        if (start, end) in done:
            continue
        try:
            evaluation_id = evaluate_window(engine, settings, start, end, now)
        except DatabaseUnavailableError:
            raise
        except Exception:  # one window that can't be evaluated must not stop the watch
            log.exception("evaluation_failed", model=model, window_start=start.isoformat())
            continue
        if evaluation_id is not None:
            ran.append(evaluation_id)
    return ran


def evaluate_window(
    engine: Engine,
    settings: Settings,
    start: datetime,
    end: datetime,
    now: datetime,
    *,
    again: bool = False,
) -> int | None:
    """Evaluate the window ``[start, end)`` of the configured model and store what was found.

    Args:
        engine: The database.
        settings: The model, what counts as drift, and the seed.
        start: First instant of the window.
        end: First instant after it.
        now: The time that is recorded.
        again: Evaluate it even if that was done before: after a baseline was imported.

    Returns:
        The evaluation; ``None`` where it is done already or another process runs it. One that
        began over an hour ago and never ended is taken over.
    """
    model = settings.model.name
    seed = _seed(settings.drift.seed, model, start, end)
    with transaction(engine) as connection:
        claim = claim_evaluation(connection, model, start, end, seed=seed, now=now, again=again)
    if claim is None:
        return None
    log.info("evaluation_started", model=model, start=start.isoformat(), end=end.isoformat())
    try:
        _run(engine, settings, claim, (start, end), seed=seed, now=now)
    except LostOwnershipError as error:
        log.warning("evaluation_taken_over", evaluation=claim.evaluation_id, reason=str(error))
        return None
    except DatabaseUnavailableError:
        raise  # nothing can be recorded; the claim goes stale
    except Exception as error:
        with transaction(engine) as connection:
            fail_evaluation(connection, claim, f"{type(error).__name__}: {error}", now)
        raise
    return claim.evaluation_id


def _run(
    engine: Engine,
    settings: Settings,
    claim: Claim,
    bounds: tuple[datetime, datetime],
    *,
    seed: int,
    now: datetime,
) -> None:
    loaded = _load(engine, settings.model.name, bounds)
    assessed = _tell_withheld(_assess(loaded, settings, bounds, seed), loaded)
    assessed, reports = _render(assessed, loaded, seed)
    provenance = _provenance(loaded, settings)
    with transaction(engine) as connection:
        earlier = assessments_before(connection, settings.model.name, bounds[0], WINDOWS_LOOKED_AT)
    assessment = with_history(with_provenance(assessed.assessment, provenance), earlier)
    with transaction(engine) as connection:
        finish_evaluation(
            connection,
            claim,
            assessment=assessment,
            scores=SampleScores(
                loaded.rows.ids,
                assessed.novelty,
                assessed.cluster,
                loaded.rows.inclusion_probability,
            ),
            baseline_id=None if loaded.baseline is None else loaded.baseline.id,
            provenance=provenance,
            now=now,
        )
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


def _load(engine: Engine, model: str, bounds: tuple[datetime, datetime]) -> _Loaded:
    with snapshot(engine) as connection:  # rows and vectors may be moved meanwhile
        stored = load_window(connection, model, *bounds)
        baseline = latest_baseline(connection, model)
        comparable = baseline is not None and stored.encoder in {"", baseline.encoder}
        reference = load_baseline(connection, baseline.id) if baseline and comparable else None
        withheld = count_withheld(connection, model, *bounds)
    sample = final_sample(stored, bounds)
    remarks = [sample.remark] if sample.remark else []
    if stored.n_other_encoder:
        remarks.append(
            f"{stored.n_other_encoder:,} exchanges of the window were embedded by another encoder "
            "and are left out."
        )
    return _Loaded(sample.rows, baseline, withheld, reference, tuple(remarks))


def _assess(
    loaded: _Loaded, settings: Settings, bounds: tuple[datetime, datetime], seed: int
) -> Assessed:
    model, current = settings.model.name, Window.from_rows(loaded.rows)
    rates = Rates(settings)
    if loaded.baseline is None:
        return unjudged(
            f"Not enough data to judge: the model {model} has no baseline. "
            "`driftwarden baseline import FILE` gives it one.",
            current,
            model=model,
            n_reference=0,
            bounds=bounds,
        )
    if loaded.reference is None:
        return unjudged(
            f"Not judged: the baseline's vectors were made by the encoder "
            f"{loaded.baseline.encoder}, the window's by {loaded.rows.encoder}. Import the "
            "baseline again with this encoder: `driftwarden baseline import FILE`.",
            current,
            model=model,
            n_reference=loaded.baseline.n_exchanges,
            bounds=bounds,
        )
    assessed = assess(
        Window.from_rows(loaded.reference),
        current,
        model=model,
        drift=settings.drift,
        alert_threshold=settings.monitoring.alert_threshold,
        seed=seed,
        bounds=bounds,
        redactor=Redactor(settings.redaction.patterns),
        rate_of=lambda task_type: rates.rate_of(model, task_type),
    )
    return _remark(assessed, *loaded.remarks)


def _render(assessed: Assessed, loaded: _Loaded, seed: int) -> tuple[Assessed, dict[str, str]]:
    """Render the reports. One that fails is said and left out: the evaluation stands."""
    reports: dict[str, str] = {}
    if assessed.scalars and loaded.reference is not None:
        try:
            reports["evidently"] = render_evidently(
                assessed.scalars,
                loaded.reference.task_types,
                loaded.rows.task_types,
                np.random.default_rng([seed, 1]),
                current_weights=Window.from_rows(loaded.rows).weights,
            )
        except Exception:  # whatever Evidently raises
            log.exception("report_failed", kind="evidently")
            assessed = _remark(assessed, "Evidently could not render its report; see the log.")
    return assessed, reports


def _tell_withheld(assessed: Assessed, loaded: _Loaded) -> Assessed:
    withheld = loaded.withheld
    if not withheld.n:
        return assessed
    counted = msgspec.structs.replace(assessed.assessment, n_withheld=withheld.n)
    compared = float((1.0 / loaded.rows.inclusion_probability).sum())
    share = withheld.estimated_total / (withheld.estimated_total + compared)
    return _remark(replace(assessed, assessment=counted), withheld_remark(withheld.n, share))


def _remark(assessed: Assessed, *remarks: str) -> Assessed:
    assessment = assessed.assessment
    remarked = msgspec.structs.replace(assessment, remarks=(*assessment.remarks, *remarks))
    return replace(assessed, assessment=remarked)


def _provenance(loaded: _Loaded, settings: Settings) -> dict[str, Any]:
    baseline: dict[str, Any] | None = None
    if loaded.baseline is not None:
        occurred = loaded.reference.occurred_at if loaded.reference else []
        created = loaded.baseline.created_at
        baseline = {
            "digest": loaded.baseline.digest,
            "n_exchanges": loaded.baseline.n_exchanges,
            "encoder": loaded.baseline.encoder,
            "first": min(occurred, default=created).isoformat(),
            "last": max(occurred, default=created).isoformat(),
        }
    return {
        "drift": settings.drift.model_dump(mode="json"),
        "alert_threshold": settings.monitoring.alert_threshold,
        "encoder": loaded.rows.encoder,
        "n_other_encoder": loaded.rows.n_other_encoder,
        "baseline": baseline,
        "versions": {name: version(name) for name in PACKAGES},
    }


def _seed(seed: int, model: str, start: datetime, end: datetime) -> int:
    """Derive a window's seed: the same window, the same figures; other windows, other draws."""
    entropy = [seed, zlib.crc32(model.encode()), int(start.timestamp()), int(end.timestamp())]
    return int(np.random.SeedSequence([abs(part) for part in entropy]).generate_state(1)[0])
