"""Comparison of two files of exchanges, without a daemon or a database."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.descriptors import load_language_model
from monitor.embedding.cached_encoder import open_encoder
from monitor.embedding.vocabulary import Vocabulary, load_vocabulary
from monitor.input_files import InputSource, open_two
from monitor.settings import Settings
from monitor.store.traffic.exchange_columns import Exchanges, count_users
from monitor.store.windows.assessment import Assessment, Source
from monitor.store.windows.prompt_maps import PromptMap
from monitor.traffic.embedding import TextEncoder
from monitor.traffic.files.bad_lines import BadLine
from monitor.traffic.files.reading import FileContent
from monitor.traffic.files.shapes.column_rows import check_same_columns
from monitor.traffic.redaction import Redactor
from monitor.traffic.same_prompt import check_prompts
from monitor.windows.assessment.build import WindowContext, build_assessment
from monitor.windows.assessment.provenance import package_versions
from monitor.windows.comparison.declared_formats import load_declared_formats
from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.comparison.unread_texts import UnknownShares
from monitor.windows.comparison.window_comparison import MIN_END_USERS, compare_window
from monitor.windows.exchanges.own_descriptors import OwnDescriptor, compute_descriptors
from monitor.windows.findings.file_remarks import headline_of_copies, remarks_on_files
from monitor.windows.findings.findings import collect_findings
from monitor.windows.prompt_map.sampling import sample_map
from monitor.windows.reading.files import (
    FileSide,
    Progress,
    cap_times,
    embed_files,
    read_file,
    unembedded_files,
)
from monitor.windows.versions.reported_version import PartFindings, plan_parts, select_reported
from monitor.windows.versions.split import (
    Split,
    drop_version_field,
    split_by_version,
    version_from_attributes,
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
    reference_bad_lines: Sequence[BadLine]
    current_bad_lines: Sequence[BadLine]


def compare_files(
    reference: Path | InputSource,
    current: Path | InputSource,
    settings: Settings,
    progress: Progress,
    *,
    encoder: TextEncoder | None = None,
    draws_map: bool = True,
    descriptors: Sequence[OwnDescriptor] = (),
) -> FileComparison:
    """Compare the exchanges of two files.

    Without an encoder, the configured one is loaded where the sizes suffice. With ``draws_map`` the
    map of the prompts is laid out, which only a page shows. Of each exchange the ``descriptors``
    are metrics.

    Raises:
        InputError: A file cannot be read or has no exchange; the message lists its bad lines.
        ModelError: The encoder cannot be loaded.
    """
    sources = open_two(reference, current)
    contents = [read_file(source, settings) for source in sources]
    check_same_columns(
        [content.shape for content in contents], [source.label for source in sources]
    )
    for source, content in zip(sources, contents, strict=True):
        check_prompts(source.label, content.exchanges, settings.drift.max_same_prompt_share)
    contents = [
        compute_descriptors(content, descriptors, source.label)
        for source, content in zip(sources, contents, strict=True)
    ]
    now = datetime.now(UTC)
    sides, identity, vocabulary = _embed(sources, contents, settings, encoder, progress)
    progress("Comparing", 0, 1)
    described = [_source(side) for side in sides]
    split = _split(sides[1], settings, now)
    parts = _compare_parts(
        sides[0],
        sides[1],
        split,
        settings,
        digest=described[0].digest,
        with_responses=all(side.has_responses for side in sides),
        unknown_shares=None if vocabulary is None else vocabulary.unknown_shares,
    )
    reported = parts[select_reported(parts)]
    progress("Comparing", 1, 1)
    field, models = settings.model.version_field, sides[1].models
    result = build_assessment(
        parts,
        reported,
        WindowContext(
            model=next(iter(models)) if len(models) == 1 else "",
            drift=settings.drift,
            levels=settings.alarm_levels,
            alert_threshold=settings.monitoring.alert_threshold,
            seed=settings.drift.seed,
            end_users=sides[1].window.end_users,
            reference=described[0],
            current=described[1],
            encoder=identity,
            package_versions=package_versions(),
            n_withheld=contents[1].n_withheld,
            headline=headline_of_copies(sides, reported.findings.verdict),
            last_remarks=(*split.remarks, *remarks_on_files(sides, field=field, now=now)),
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
    return FileComparison(
        result.assessment,
        findings.columns,
        *compared,
        reported.plan.levels.input,
        prompt_map,
        contents[0].bad_lines,
        contents[1].bad_lines,
    )


def _embed(
    sources: Sequence[InputSource],
    contents: Sequence[FileContent],
    settings: Settings,
    encoder: TextEncoder | None,
    progress: Progress,
) -> tuple[list[FileSide], str, Vocabulary | None]:
    """Embed the files, unless a side is too small to be compared.

    Returns:
        The files, the identity of the encoder, and its vocabulary; without an encoder, neither.
    """
    sizes = [len(content.exchanges) for content in contents]
    n_end_users = [
        count_users([exchange.end_user for exchange in content.exchanges]) for content in contents
    ]
    if min(sizes) < settings.drift.min_samples or min(n_end_users) < MIN_END_USERS:
        return unembedded_files(sources, contents), "", None
    if encoder is None:
        progress("Loading the encoder", 0, 1)
        encoder = open_encoder(settings.embedding)
        progress("Loading the encoder", 1, 1)
    with ThreadPoolExecutor(1, "language-model") as executor:
        executor.submit(load_language_model)
        sides = embed_files(sources, contents, encoder, progress)
    return sides, encoder.identity, load_vocabulary(settings.embedding, encoder.identity)


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


def _compare_parts(
    reference_side: FileSide,
    current_side: FileSide,
    split: Split,
    settings: Settings,
    *,
    digest: str,
    with_responses: bool,
    unknown_shares: UnknownShares | None,
) -> list[PartFindings]:
    """Compare each version's exchanges of the current file with the whole reference file."""
    field = settings.model.version_field
    reference = drop_version_field(reference_side.window, field)
    current = drop_version_field(current_side.window, field)
    declared = load_declared_formats(settings.review.taxonomy).formats
    parts = []
    plans = plan_parts(
        split.parts,
        settings.alarm_levels,
        min_samples=settings.drift.min_samples,
        seed=settings.drift.seed,
    )
    for plan in plans:
        rows = current if len(split.parts) == 1 else current.take(plan.part.rows)
        comparison = compare_window(
            reference,
            rows,
            drift=settings.drift,
            levels=plan.levels,
            alert_threshold=settings.monitoring.alert_threshold,
            seed=plan.seed,
            declared=declared,
            unknown_shares=unknown_shares,
            with_responses=with_responses,
        )
        findings = collect_findings(comparison, redactor=Redactor(settings.redaction.patterns))
        parts.append(
            PartFindings(
                plan=plan,
                findings=findings,
                occurred_at=rows.occurred_at,
                baseline=digest,
                own_baseline=False,
            )
        )
    return parts


def _source(side: FileSide) -> Source:
    times = side.window.occurred_at
    return Source(
        name=side.name,
        digest=side.source.digest(),
        first=min(times, default=None),
        last=max(times, default=None),
    )
