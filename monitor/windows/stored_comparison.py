"""Judge a window of the stored traffic: read, split by version, each compared with its baseline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from sqlalchemy import Engine

from monitor.rendering.excerpts import excerpt_of_version
from monitor.settings import Drift, Settings
from monitor.store.engine import transaction
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.training.serving_periods import serving_periods
from monitor.store.windows.assessment import VersionAssessment
from monitor.store.windows.slow_drift import WatchedSums
from monitor.traffic.redaction import Redactor
from monitor.traffic.sampling.rates import SamplingRates
from monitor.windows.assessment.remarks import silent_days, withheld_remark
from monitor.windows.comparison.declared_formats import declared_forms
from monitor.windows.comparison.large_users import assess_all_users
from monitor.windows.comparison.slow_drift import watch_window
from monitor.windows.comparison.window_comparison import Assessed, unjudged
from monitor.windows.reading.baselines import Reference, References
from monitor.windows.reading.missing_traffic import (
    Silence,
    find_missing_traffic,
    headline_without_traffic,
    remarks_on_silence,
)
from monitor.windows.reading.reembedding import EncoderSource
from monitor.windows.reading.stored_window import StoredWindow, read_window
from monitor.windows.versions.reported_version import Judged, judge_versions
from monitor.windows.versions.split import (
    Part,
    assign_versions,
    drop_version_field,
    split_by_version,
)


@dataclass(frozen=True)
class JudgedPart(Judged):
    """A part of the stored traffic of a window with what was found."""

    rows: Exchanges
    reference: Reference
    #: What was compared of both sides, the baseline first; ``None`` where nothing was.
    compared: tuple[Exchanges, Exchanges] | None


@dataclass(frozen=True)
class JudgedWindow:
    """What was found in a window, and in what."""

    window: StoredWindow
    #: The version whose figures are those of the window.
    speaker: JudgedPart
    assessed: Assessed
    #: The version of the taxonomy that declared the forms of answers; empty where none did.
    taxonomy_version: str
    #: What the watch for slow drift keeps; ``None`` where the window isn't watched.
    watched: WatchedSums | None


def judge_window(
    engine: Engine,
    settings: Settings,
    bounds: tuple[datetime, datetime],
    *,
    seed: int,
    now: datetime,
    encoder: EncoderSource,
) -> JudgedWindow:
    """Judge the traffic of the configured model in a window; nothing is written of the findings.

    Args:
        engine: The database.
        settings: The model, and what counts as drift.
        bounds: First instant of the window and first after it.
        seed: The same seed and rows give the same figures to the last digit.
        now: When a baseline that had to be embedded again is stored.
        encoder: Called where texts are to be embedded again.
    """
    model, field = settings.model.name, settings.model.version_field
    window = read_window(engine, model, bounds, encoder)
    with transaction(engine) as connection:
        periods = serving_periods(connection, model)
        silence = find_missing_traffic(
            connection, settings.kafka.topic, model, bounds, n_current=len(window.rows)
        )
    split = split_by_version(
        assign_versions(window.rows, periods, field=field),
        window.rows.occurred_at,
        field=field,
        span=bounds[1] - bounds[0],
        least=settings.drift.min_samples,
    )
    declared = declared_forms(settings.review.taxonomy)
    references = References(engine, model, window.rows.encoder, encoder, now)
    watched: WatchedSums | None = None

    # Chosen before anything is known of it, so that the watch has one chance a window.
    serving = [part for part in split.parts if part.is_serving] or split.parts
    largest = max(serving, key=lambda part: len(part.rows))

    def judge(part: Part, drift: Drift, seed: int) -> JudgedPart:
        nonlocal watched
        whole = len(split.parts) == 1
        rows = window.rows if whole else window.rows.take(part.rows)
        rows = drop_version_field(rows, field)
        reference = references.of(part.version)
        if reference.rows is not None:
            reference = replace(reference, rows=drop_version_field(reference.rows, field))
        current = rows
        compared: tuple[Exchanges, Exchanges] | None = None
        if reference.rows is None:
            n_reference = 0 if reference.baseline is None else reference.baseline.n_exchanges
            assessed = unjudged(
                reference.reason,
                current,
                model=model,
                n_reference=n_reference,
                bounds=bounds if whole else None,
            )
        else:
            rates = SamplingRates(settings)
            assessed, *sides = assess_all_users(
                reference.rows,
                current,
                model=model,
                drift=drift,
                alert_threshold=settings.monitoring.alert_threshold,
                seed=seed,
                bounds=bounds if whole else None,
                redactor=Redactor(settings.redaction.patterns),
                rate_for=lambda task_type: rates.rate_for(model, task_type),
                declared=declared.forms,
            )
            compared = sides[0], sides[1]
            if part is largest:
                assessed, watched = watch_window(
                    engine,
                    settings,
                    bounds,
                    reference=reference.rows,
                    current=compared[1],
                    assessed=assessed,
                )
        baseline = reference.baseline
        return JudgedPart(
            part,
            rows.occurred_at,
            assessed,
            baseline="" if baseline is None else baseline.digest,
            own_baseline=baseline is not None
            and baseline.model_version == part.version
            and part.version != "",
            rows=rows,
            reference=reference,
            compared=compared,
        )

    speaker, assessed = judge_versions(
        split.parts, judge, drift=settings.drift, seed=seed, users=window.rows.end_users
    )
    days = silent_days(window.rows.occurred_at, bounds) if len(split.parts) > 1 else ()
    remarks = (*days, *window.remarks, *remarks_on_silence(silence), *split.remarks)
    lacking = _own_baselines(assessed.assessment.versions)
    completed = _complete(assessed, window, silence, before=lacking, after=remarks)
    return JudgedWindow(window, speaker, completed, declared.version, watched)


def _complete(
    assessed: Assessed,
    window: StoredWindow,
    silence: Silence,
    *,
    before: tuple[str, ...],
    after: tuple[str, ...],
) -> Assessed:
    """Add what the reader should know beside the figures."""
    assessment = assessed.assessment
    headline, withheld = assessment.headline, window.withheld
    if withheld.n:
        compared = float((1.0 / window.rows.inclusion_probability).sum())
        share = withheld.estimated_total / (withheld.estimated_total + compared)
        after = (*after, withheld_remark(withheld.n, share))
    elif not len(window.rows):
        headline = headline_without_traffic(assessment.model, silence)
    completed = msgspec.structs.replace(
        assessment,
        headline=headline,
        n_withheld=withheld.n,
        remarks=(*before, *assessment.remarks, *after),
    )
    return replace(assessed, assessment=completed)


def _own_baselines(versions: Sequence[VersionAssessment]) -> tuple[str, ...]:
    lacking = [
        one.version for one in versions if one.is_serving and one.version and not one.own_baseline
    ]
    return tuple(
        f"Version {excerpt_of_version(version)} has no baseline of its own and was compared with "
        "the model's newest: "
        f"`driftwarden baseline import FILE --model-version {version!r}` gives it one."
        for version in lacking
        if " and " not in version
    )
