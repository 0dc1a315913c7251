"""Comparison of a window of the stored traffic with its baselines, by version."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from monitor.embedding.vocabulary import load_vocabulary
from monitor.errors import ModelError
from monitor.rendering.commands import import_command
from monitor.rendering.excerpts import excerpt_of_version
from monitor.settings import Drift, Settings
from monitor.store.engine import transaction
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.training.versions.serving_periods import serving_periods
from monitor.store.windows.assessment import Assessment
from monitor.store.windows.slow_drift import WatchedSums
from monitor.traffic.redaction import Redactor
from monitor.traffic.sampling.rates import SamplingRates
from monitor.windows.comparison.slow_drift import SlowDriftTest, check_slow_drift
from monitor.windows.comparison.unread_texts import UnknownShares
from monitor.windows.comparison.window_comparison import compare_window
from monitor.windows.explanations.explained import explain_window
from monitor.windows.explanations.instructions import find_instruction_changes
from monitor.windows.findings.findings import collect_findings, uncompared_findings
from monitor.windows.findings.metric_remarks import remarks_on_unknown_metrics
from monitor.windows.findings.remarks import remarks_on_silent_days, withheld_remark
from monitor.windows.reading.baselines import Baselines, Reference
from monitor.windows.reading.declared_formats import DeclaredFormats
from monitor.windows.reading.formats_in_force import formats_in_force
from monitor.windows.reading.missing_traffic import (
    MissingTraffic,
    describe_no_traffic,
    find_missing_traffic,
    remarks_on_missing_traffic,
)
from monitor.windows.reading.reembedding import EncoderSource, encode
from monitor.windows.reading.stored_instructions import read_instructions
from monitor.windows.reading.stored_window import StoredWindow, read_window
from monitor.windows.versions.reported_version import (
    PartFindings,
    PartPlan,
    plan_parts,
    select_reported,
)
from monitor.windows.versions.split import (
    Split,
    assign_versions,
    drop_version_field,
    split_by_version,
)


@dataclass(frozen=True, kw_only=True)
class StoredPart(PartFindings):
    """The findings of a part of the stored traffic, with its exchanges and its baseline."""

    rows: Exchanges
    reference: Reference


@dataclass(frozen=True, kw_only=True)
class StoredComparison:
    """The findings of a window of the stored traffic."""

    window: StoredWindow
    parts: tuple[StoredPart, ...]
    #: Index of the reported part.
    reported_index: int
    split: Split
    missing: MissingTraffic
    #: The version of the taxonomy that declared output formats; empty where none did.
    taxonomy_version: str
    #: Sums for the test of slow drift; ``None`` where it was not tested.
    slow_drift_sums: WatchedSums | None

    @property
    def reported(self) -> StoredPart:
        """Return the part whose figures are those of the window."""
        return self.parts[self.reported_index]


@dataclass(frozen=True)
class _Comparison:
    """The common inputs of all parts of a window."""

    engine: Engine
    settings: Settings
    bounds: tuple[datetime, datetime]
    declared: DeclaredFormats
    earlier: Sequence[Assessment]
    is_split: bool
    unknown_shares: UnknownShares | None
    encoder: EncoderSource

    def encode(self, texts: Sequence[str], *, identity: str) -> NDArray[np.float16]:
        """Return the vectors of texts by the encoder of a window.

        Raises:
            ModelError: It cannot be loaded, or is not the configured one.
        """
        encoder = self.encoder()
        if encoder.identity != identity:
            raise ModelError(f"it is {encoder.identity}, the window's {identity}")
        return encode(texts, encoder)


def compare_stored_window(
    engine: Engine,
    settings: Settings,
    bounds: tuple[datetime, datetime],
    *,
    seed: int,
    now: datetime,
    encoder: EncoderSource,
    earlier: Sequence[Assessment] = (),
) -> StoredComparison:
    """Compare the traffic of the configured model in a window; no findings are written.

    The same seed and rows give the same figures to the last digit. A baseline that has to be
    embedded again is stored, at ``now``. ``earlier`` are the assessments of the windows before, the
    newest first.
    """
    model, field = settings.model.name, settings.model.version_field
    window = read_window(engine, model, bounds, encoder)
    with transaction(engine) as connection:
        periods = serving_periods(connection, model)
        missing = find_missing_traffic(
            connection, settings.kafka.topic, model, bounds, n_current=len(window.rows)
        )
    split = split_by_version(
        assign_versions(window.rows, periods, field=field),
        window.rows.occurred_at,
        field=field,
        span=bounds[1] - bounds[0],
        least=settings.drift.min_samples,
    )
    declared = formats_in_force(engine, settings)
    baselines = Baselines(engine, model, window.rows.encoder, encoder, now)
    # Slow drift is tested once a window, on a part that is chosen before anything is compared.
    serving = [part for part in split.parts if part.is_serving] or split.parts
    largest = max(serving, key=lambda part: len(part.rows))
    vocabulary = load_vocabulary(settings.embedding, window.rows.encoder)
    shared = _Comparison(
        engine,
        settings,
        bounds,
        declared,
        earlier,
        is_split=len(split.parts) > 1,
        unknown_shares=None if vocabulary is None else vocabulary.unknown_shares,
        encoder=encoder,
    )
    parts: list[StoredPart] = []
    sums: WatchedSums | None = None
    plans = plan_parts(
        split.parts,
        settings.alarm_levels,
        min_samples=settings.drift.min_samples,
        seed=seed,
    )
    for plan in plans:
        rows = window.rows.take(plan.part.rows) if shared.is_split else window.rows
        part, slow = _compare_part(
            plan,
            drop_version_field(rows, field),
            _without_version_field(baselines.of(plan.part.version), field),
            shared,
            tests_slow_drift=plan.part is largest,
        )
        parts.append(part)
        sums = slow.sums if slow is not None else sums
    return StoredComparison(
        window=window,
        parts=tuple(parts),
        reported_index=select_reported(parts),
        split=split,
        missing=missing,
        taxonomy_version=declared.version,
        slow_drift_sums=sums,
    )


def finding_without_traffic(comparison: StoredComparison, model: str) -> str:
    """Return the finding of a window without traffic; empty where there is some."""
    if comparison.window.withheld.n or len(comparison.window.rows):
        return ""
    return describe_no_traffic(model, comparison.missing)


def remarks_before(comparison: StoredComparison, model: str) -> tuple[str, ...]:
    """Return remarks on versions without a baseline of their own."""
    if len(comparison.parts) == 1:
        return ()
    return tuple(
        f"Version {excerpt_of_version(part.part.version)} has no baseline of its own and was "
        "compared with the model's newest: "
        f"`{import_command(model, part.part.version)}` imports one."
        for part in comparison.parts
        if part.part.is_serving
        and part.part.version
        and not part.own_baseline
        and " and " not in part.part.version
    )


def remarks_after(
    comparison: StoredComparison, bounds: tuple[datetime, datetime], drift: Drift
) -> tuple[str, ...]:
    """Return remarks on the window: silent days, encoders, missing traffic, versions, metrics."""
    window = comparison.window
    rows, withheld = window.rows, window.withheld
    silent_days = remarks_on_silent_days(rows.occurred_at, bounds)
    remarks = [
        *(silent_days if len(comparison.parts) > 1 else ()),
        *window.remarks,
        *remarks_on_missing_traffic(comparison.missing),
        *comparison.split.remarks,
        *remarks_on_unknown_metrics(
            [
                rows.attributes,
                *(
                    part.reference.rows.attributes
                    for part in comparison.parts
                    if part.reference.rows is not None
                ),
            ],
            drift,
            only_similar=True,
        ),
    ]
    if withheld.n:
        n_compared = float((1.0 / rows.inclusion_probability).sum())
        share = withheld.estimated_total / (withheld.estimated_total + n_compared)
        remarks.append(withheld_remark(withheld.n, share))
    return tuple(remarks)


def _compare_part(
    plan: PartPlan,
    rows: Exchanges,
    reference: Reference,
    shared: _Comparison,
    *,
    tests_slow_drift: bool,
) -> tuple[StoredPart, SlowDriftTest | None]:
    """Compare a version's exchanges with its baseline, and test slow drift on one version."""
    settings = shared.settings
    bounds = None if shared.is_split else shared.bounds
    baseline = reference.baseline
    slow: SlowDriftTest | None = None
    if reference.rows is None:
        findings = uncompared_findings(
            rows,
            reference.reason,
            reference.shortage,
            n_reference=0 if baseline is None else baseline.n_exchanges,
            bounds=bounds,
        )
    else:
        rates = SamplingRates(settings)
        comparison = compare_window(
            reference.rows,
            rows,
            drift=settings.drift,
            levels=plan.levels,
            alert_threshold=settings.monitoring.alert_threshold,
            seed=plan.seed,
            rate_for=lambda task_type: rates.rate_for(settings.model.name, task_type),
            declared=shared.declared.formats,
            unknown_shares=shared.unknown_shares,
            with_responses=not settings.traffic.prompts_only,
        )
        if tests_slow_drift and comparison.is_compared:
            slow = check_slow_drift(
                shared.engine,
                settings,
                shared.bounds,
                reference=reference.rows,
                current=comparison.current.compared,
            )
        findings = collect_findings(
            comparison,
            bounds=bounds,
            redactor=Redactor(settings.redaction.patterns),
            slow=None if slow is None else slow.result,
            earlier=shared.earlier,
            explained=explain_window(
                comparison,
                encode=partial(shared.encode, identity=rows.encoder),
                declared=shared.declared.formats,
            ),
            instructions=find_instruction_changes(
                read_instructions(shared.engine, reference.rows),
                read_instructions(shared.engine, rows),
            )
            if comparison.is_compared
            else (),
        )
    version = plan.part.version
    part = StoredPart(
        plan=plan,
        findings=findings,
        occurred_at=rows.occurred_at,
        baseline="" if baseline is None else baseline.digest,
        own_baseline=baseline is not None and baseline.model_version == version and version != "",
        rows=rows,
        reference=reference,
    )
    return part, slow


def _without_version_field(reference: Reference, field: str) -> Reference:
    if reference.rows is None:
        return reference
    return replace(reference, rows=drop_version_field(reference.rows, field))
