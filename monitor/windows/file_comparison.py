"""Drift between two files of exchanges: no daemon, no database."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import msgspec

from monitor.embedding.encoder import load_encoder
from monitor.settings import Drift, Settings
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import Source
from monitor.store.windows.prompt_maps import PromptMap
from monitor.traffic.file_source import BadLine, file_source_name
from monitor.traffic.redaction import Redactor
from monitor.windows.assessment.basis import with_basis
from monitor.windows.assessment.file_remarks import remarks_on_files
from monitor.windows.assessment.provenance import PACKAGES
from monitor.windows.comparison.declared_formats import declared_forms
from monitor.windows.comparison.large_users import assess_all_users
from monitor.windows.comparison.window_comparison import Assessed
from monitor.windows.prompt_map.sampling import sample_map
from monitor.windows.reading.files import (
    FileSide,
    Progress,
    embed_files,
    read_file,
    up_to_the_clock,
)
from monitor.windows.versions.reported_version import Judged, judge_versions
from monitor.windows.versions.split import (
    Part,
    drop_version_field,
    split_by_version,
    version_from_attributes,
)


@dataclass(frozen=True)
class Comparison:
    """What was found, in which exchanges, and which lines were left out."""

    assessed: Assessed
    reference: Exchanges
    current: Exchanges
    #: Of what was compared; ``None`` where nothing was.
    prompt_map: PromptMap | None
    reference_bad_lines: Sequence[BadLine]
    current_bad_lines: Sequence[BadLine]


@dataclass(frozen=True)
class _JudgedAnswers(Judged):
    """The answers of a version with what was found."""

    #: What was compared of both sides, the reference first.
    compared: tuple[Exchanges, Exchanges]


def compare_files(
    reference: Path, current: Path, settings: Settings, progress: Progress
) -> Comparison:
    """Compare the exchanges of two files.

    Args:
        reference: The file that is taken as normal.
        current: The file that is judged.
        settings: Format, encoder, what counts as drift, and the seed.
        progress: Told how far it is.

    Raises:
        InputError: A file can't be read or holds no exchange; the message names its bad lines.
        ModelError: The encoder can't be loaded.
    """
    paths = (reference, current)
    contents = [read_file(path, settings) for path in paths]
    now = datetime.now(UTC)
    progress("Loading the encoder", 0, 1)
    encoder = load_encoder(settings.embedding)
    progress("Loading the encoder", 1, 1)
    sides = embed_files(paths, contents, encoder, progress)
    progress("Comparing", 0, 1)
    sources = [_source(side) for side in sides]
    speaker, assessed, remarks = _judge(sides[0], sides[1], settings, now, digest=sources[0].digest)
    progress("Comparing", 1, 1)
    assessment = msgspec.structs.replace(
        assessed.assessment,
        n_withheld=contents[1].n_withheld,
        remarks=(
            *assessed.assessment.remarks,
            *remarks,
            *remarks_on_files(sides, field=settings.model.version_field, now=now),
        ),
    )
    assessment = with_basis(
        assessment,
        reference=sources[0],
        current=sources[1],
        encoder=encoder.identity,
        versions={name: version(name) for name in PACKAGES},
    )
    return Comparison(
        replace(assessed, assessment=assessment),
        speaker.compared[0],
        speaker.compared[1],
        sample_map(
            speaker.assessed,
            sides[0].window,
            sides[1].window.take(speaker.part.rows),
            settings.drift.seed,
        ),
        contents[0].bad_lines,
        contents[1].bad_lines,
    )


def _judge(
    normal: FileSide, judged: FileSide, settings: Settings, now: datetime, *, digest: str
) -> tuple[_JudgedAnswers, Assessed, tuple[str, ...]]:
    """Judge each version's answers in the current file against the whole reference.

    Args:
        normal: The file that is taken as normal.
        judged: The file that is judged.
        settings: As for :func:`compare_files`.
        now: What is later counts as now, to tell what still serves.
        digest: Of the file that is taken as normal; empty where it isn't known.

    Returns:
        The version that speaks for the file, the assessment of the file, and remarks on how it was
        split.
    """
    reference, current = normal.window, judged.window
    models = judged.models
    field = settings.model.version_field
    declared = declared_forms(settings.review.taxonomy).forms
    times = up_to_the_clock(current.occurred_at, now)
    split = split_by_version(
        [version_from_attributes(attributes, field) for attributes in current.attributes],
        times,
        field=field,
        span=max(times) - min(times) if times else timedelta(),
        least=settings.drift.min_samples,
    )
    reference, current = drop_version_field(reference, field), drop_version_field(current, field)

    def judge(part: Part, drift: Drift, seed: int) -> _JudgedAnswers:
        own = current if len(split.parts) == 1 else current.take(part.rows)
        assessed, *compared = assess_all_users(
            reference,
            own,
            model=next(iter(models)) if len(models) == 1 else "",
            drift=drift,
            alert_threshold=settings.monitoring.alert_threshold,
            seed=seed,
            redactor=Redactor(settings.redaction.patterns),
            declared=declared,
        )
        return _JudgedAnswers(
            part,
            own.occurred_at,
            assessed,
            baseline=digest,
            own_baseline=False,
            compared=(compared[0], compared[1]),
        )

    speaker, assessed = judge_versions(
        split.parts,
        judge,
        drift=settings.drift,
        seed=settings.drift.seed,
        users=current.end_users,
    )
    return speaker, assessed, split.remarks


def _source(side: FileSide) -> Source:
    times = side.window.occurred_at
    return Source(
        name=side.path.name,
        # A pipe can be read once only.
        digest=file_source_name(side.path).removeprefix("file:") if side.path.is_file() else "",
        first=min(times, default=None),
        last=max(times, default=None),
    )
