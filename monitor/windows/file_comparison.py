"""Comparison of two files of exchanges, without a daemon or a database."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import numpy as np

from monitor.descriptors import are_withheld, load_language_model
from monitor.embedding.cached_encoder import open_encoder
from monitor.embedding.encoder import backend_of
from monitor.embedding.vocabulary import Vocabulary, load_vocabulary
from monitor.errors import InputError
from monitor.input_files import InputSource
from monitor.rendering.excerpts import version_from_attributes
from monitor.settings import Settings
from monitor.statistics.alarm_levels import AlarmLevels
from monitor.store.traffic.exchange_columns import Exchanges, count_users
from monitor.store.windows.assessment import Assessment, Segmentation, Source
from monitor.store.windows.map_points import PromptMap
from monitor.traffic.embedding import TextEncoder
from monitor.traffic.files.bad_lines import BadLine
from monitor.traffic.files.reading import FileContent
from monitor.traffic.redaction import Redactor
from monitor.windows.assessment.build import WindowContext, build_assessment
from monitor.windows.assessment.package_versions import package_versions
from monitor.windows.comparison.format_conformance import Formats
from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.comparison.unread_texts import UnknownShares
from monitor.windows.comparison.window_comparison import MIN_END_USERS, compare_window
from monitor.windows.exchanges.own_descriptors import OwnDescriptor, compute_descriptors
from monitor.windows.explanations.explained import explain_window
from monitor.windows.explanations.instructions import Instructions, find_instruction_changes
from monitor.windows.explanations.rest import Encode
from monitor.windows.findings.file_remarks import finding_of_copies, remarks_on_files
from monitor.windows.findings.findings import Findings, collect_findings
from monitor.windows.findings.metric_remarks import remarks_on_unknown_metrics
from monitor.windows.gate.guarded_metrics import require_metrics
from monitor.windows.gate.rule_results import check_rules
from monitor.windows.gate.segment_column import segment_labels
from monitor.windows.gate.segments import PARTS, SegmentedSide, compare_segments
from monitor.windows.prompt_map.sampling import sample_map
from monitor.windows.reading.declared_formats import load_declared_formats
from monitor.windows.reading.files import (
    FileSide,
    Progress,
    SavedVectors,
    cap_times,
    embed_files,
    unembedded_files,
)
from monitor.windows.reading.instructions import instructions_of_file
from monitor.windows.reading.reembedding import encode
from monitor.windows.reading.two_files import TwoFiles
from monitor.windows.reference_file.saved_reference import remarks_on_saved
from monitor.windows.versions.reported_version import PartFindings, plan_parts, select_reported
from monitor.windows.versions.split import (
    Split,
    drop_version_field,
    split_by_version,
)


@dataclass(frozen=True)
class FileComparison:
    """The assessment of two files, with everything that reports need."""

    assessment: Assessment
    #: Descriptors and metrics with their values; empty where nothing was compared.
    columns: tuple[NumericColumn, ...]
    #: The compared exchanges of each file.
    reference: Exchanges
    current: Exchanges
    #: Level of the test of the prompts.
    level: float
    #: ``None`` where nothing was compared, or none was asked for.
    prompt_map: PromptMap | None
    #: The whole reference side; without vectors where nothing was compared.
    reference_side: FileSide
    reference_bad_lines: Sequence[BadLine]
    current_bad_lines: Sequence[BadLine]


def compare_files(
    files: TwoFiles,
    settings: Settings,
    progress: Progress,
    *,
    encoder: TextEncoder | None = None,
    draws_map: bool = True,
    by: str | None = None,
    guarded: Sequence[str] = (),
    descriptors: Sequence[OwnDescriptor] = (),
) -> FileComparison:
    """Compare the exchanges of two files, and check the rules of the settings on the second.

    Without an encoder, the configured one is loaded where the sizes suffice. With ``draws_map`` the
    map of the prompts is laid out, which only a page shows. ``by`` names the column of segments. Of
    each exchange the ``descriptors`` are metrics.

    Raises:
        InputError: The column splits nothing, or neither side has a guarded metric.
        ModelError: The encoder cannot be loaded.
    """
    sources, saved = files.sources, files.saved
    contents = [
        compute_descriptors(content, descriptors, source.label)
        for source, content in zip(sources, files.contents, strict=True)
    ]
    exchanges = [content.exchanges for content in contents]
    require_metrics(guarded, exchanges)
    labels = None if by is None else segment_labels(exchanges, by)
    now = datetime.now(UTC)
    vectors = None if saved is None else saved.vectors
    sides, encoder, vocabulary = _embed(
        sources, contents, settings, encoder, progress, saved=vectors
    )
    progress("Comparing", 0, 1)
    described = [_source(side) for side in sides]
    split = _split(sides[1], settings, now)
    levels = settings.alarm_levels if by is None else settings.alarm_levels.share(PARTS)
    compare = _Comparing(
        settings,
        with_responses=all(side.has_responses for side in sides),
        unknown_shares=None if vocabulary is None else vocabulary.unknown_shares,
        declared=load_declared_formats(settings.review.taxonomy).formats,
        encode=None if encoder is None else partial(encode, encoder=encoder),
    )
    parts = _compare_parts(sides[0], sides[1], split, levels, compare, digest=described[0].digest)
    reported = parts[select_reported(parts)]
    progress("Comparing", 1, 1)
    field, models = settings.model.version_field, sides[1].models
    result = build_assessment(
        parts,
        reported,
        WindowContext(
            model=next(iter(models)) if len(models) == 1 else "",
            drift=settings.drift,
            levels=levels,
            alert_threshold=settings.monitoring.alert_threshold,
            seed=settings.drift.seed,
            end_users=sides[1].window.end_users,
            reference=described[0],
            current=described[1],
            encoder="" if encoder is None else encoder.identity,
            encoder_backend=backend_of(encoder),
            package_versions=package_versions(),
            n_withheld=contents[1].n_withheld,
            finding=finding_of_copies(sides, reported.findings.verdict),
            last_remarks=(
                *split.remarks,
                *remarks_on_files(sides, field=field, now=now),
                *remarks_on_saved(saved),
                *remarks_on_unknown_metrics(
                    [side.window.attributes for side in sides], settings.drift
                ),
            ),
        ),
    )
    findings = reported.findings
    prompt_map = None
    if draws_map and findings.has_map:
        prompt_map = sample_map(
            sides[0].window,
            sides[1].window.take(reported.part.rows),
            findings.topic_of,
            settings.drift.seed,
            change=findings.response_change,
        )
    compared = findings.compared or (sides[0].window, sides[1].window)
    segmentation: Segmentation | None = None
    if by is not None and labels is not None:
        segmented = [
            SegmentedSide(_without_fields(side.window, settings, by), names)
            for side, names in zip(sides, labels, strict=True)
        ]
        segmentation = compare_segments(
            segmented[0],
            segmented[1],
            by,
            levels=levels,
            min_samples=settings.drift.min_samples,
            seed=settings.drift.seed,
            compare=compare,
        )
    rules = check_rules(settings.drift.rules, sides[1].window, has_responses=sides[1].has_responses)
    assessment = msgspec.structs.replace(result.assessment, rules=rules, segmentation=segmentation)
    return FileComparison(
        assessment,
        findings.columns,
        *compared,
        reported.plan.levels.input,
        prompt_map,
        sides[0],
        contents[0].bad_lines,
        contents[1].bad_lines,
    )


def _embed(
    sources: Sequence[InputSource],
    contents: Sequence[FileContent],
    settings: Settings,
    encoder: TextEncoder | None,
    progress: Progress,
    *,
    saved: SavedVectors | None,
) -> tuple[list[FileSide], TextEncoder | None, Vocabulary | None]:
    """Embed the files, unless a side is too small to be compared.

    Return the files, the encoder, and its vocabulary; ``None`` for both where a side is too small.
    """
    sizes = [len(content.exchanges) for content in contents]
    n_end_users = [
        count_users([exchange.end_user for exchange in content.exchanges]) for content in contents
    ]
    if min(sizes) < settings.drift.min_samples or min(n_end_users) < MIN_END_USERS:
        return unembedded_files(sources, contents), None, None
    if encoder is None:
        progress("Loading the encoder", 0, 1)
        encoder = open_encoder(settings.embedding)
        progress("Loading the encoder", 1, 1)
    if saved is not None and saved.identity != encoder.identity:
        raise InputError(
            f"the reference file has vectors of {saved.identity}, and the encoder is "
            f"{encoder.identity}; set [embedding] as it was, or write the file anew by "
            "--save-reference",
            code="reference_encoder",
        )
    with ThreadPoolExecutor(1, "language-model") as executor:
        executor.submit(load_language_model)
        sides = embed_files(sources, contents, encoder, progress, saved=saved)
    return sides, encoder, load_vocabulary(settings.embedding, encoder.identity)


def _split(side: FileSide, settings: Settings, now: datetime) -> Split:
    """Split the exchanges of a file by version; times after ``now`` count as the last before it."""
    field, window = settings.model.version_field, side.window
    times = cap_times(window.occurred_at, now)
    return split_by_version(
        [version_from_attributes(attributes, field) for attributes in window.attributes],
        times,
        field=field,
        span=max(times) - min(times) if times else timedelta(),
        least=settings.drift.min_samples,
    )


@dataclass(frozen=True)
class _Comparing:
    """Comparison of parts of two files: settings and facts that all parts share."""

    settings: Settings
    with_responses: bool
    unknown_shares: UnknownShares | None
    declared: Formats
    encode: Encode | None

    def __call__(
        self,
        reference: Exchanges,
        current: Exchanges,
        levels: AlarmLevels,
        seed: int,
        instructions: tuple[Instructions, Instructions] | None = None,
    ) -> Findings:
        comparison = compare_window(
            reference,
            current,
            drift=self.settings.drift,
            levels=levels,
            alert_threshold=self.settings.monitoring.alert_threshold,
            seed=seed,
            declared=self.declared,
            unknown_shares=self.unknown_shares,
            with_responses=self.with_responses,
        )
        return collect_findings(
            comparison,
            redactor=Redactor(self.settings.redaction.patterns),
            explained=explain_window(comparison, encode=self.encode, declared=self.declared),
            instructions=find_instruction_changes(*instructions)
            if instructions is not None
            and comparison.is_compared
            and not are_withheld(reference.prompts)
            else (),
        )


def _compare_parts(
    reference_side: FileSide,
    current_side: FileSide,
    split: Split,
    levels: AlarmLevels,
    compare: _Comparing,
    *,
    digest: str,
) -> list[PartFindings]:
    """Compare each version's exchanges of the current file with the whole reference file."""
    settings = compare.settings
    field = settings.model.version_field
    reference = drop_version_field(reference_side.window, field)
    current = drop_version_field(current_side.window, field)
    all_rows = np.arange(len(reference), dtype=np.int64)
    parts = []
    plans = plan_parts(
        split.parts, levels, min_samples=settings.drift.min_samples, seed=settings.drift.seed
    )
    for plan in plans:
        rows = current if len(split.parts) == 1 else current.take(plan.part.rows)
        parts.append(
            PartFindings(
                plan=plan,
                findings=compare(
                    reference,
                    rows,
                    plan.levels,
                    plan.seed,
                    (
                        instructions_of_file(reference_side, all_rows),
                        instructions_of_file(current_side, plan.part.rows),
                    ),
                ),
                occurred_at=rows.occurred_at,
                baseline=digest,
                own_baseline=False,
            )
        )
    return parts


def _without_fields(rows: Exchanges, settings: Settings, by: str) -> Exchanges:
    """Return exchanges without what names their version or segment, whose numbers are no metric."""
    return drop_version_field(drop_version_field(rows, settings.model.version_field), by)


def _source(side: FileSide) -> Source:
    times = side.window.occurred_at
    return Source(
        name=side.name,
        digest=side.source.digest(),
        first=min(times, default=None),
        last=max(times, default=None),
    )
