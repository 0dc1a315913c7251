"""Drift between two files of exchanges: no daemon, no database."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from monitor.embedding.encoder import Encoder, load_encoder
from monitor.errors import InputError
from monitor.evaluation.assess import Assessed
from monitor.evaluation.basis import with_basis
from monitor.evaluation.declared_forms import declared_forms
from monitor.evaluation.large_users import assess_all_users
from monitor.evaluation.prompt_map import STREAM, draw_map
from monitor.evaluation.provenance import PACKAGES
from monitor.evaluation.remarks import withheld_remark
from monitor.evaluation.versions import MAX_VERSIONS, version_told, without_version
from monitor.evaluation.window import Window
from monitor.settings import Settings
from monitor.store.assessment import Source
from monitor.store.prompt_maps import PromptMap
from monitor.traffic.exchange import Exchange
from monitor.traffic.file_source import (
    BadLine,
    FileContent,
    file_source_name,
    read_exchanges,
)
from monitor.traffic.redaction import Redactor, make_redactor

#: Texts encoded between two reports of progress.
CHUNK = 256

#: Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Comparison:
    """What was found, in which exchanges, and which lines were left out."""

    assessed: Assessed
    reference: Window
    current: Window
    #: Of what was compared; ``None`` where nothing was.
    prompt_map: PromptMap | None
    reference_bad_lines: Sequence[BadLine]
    current_bad_lines: Sequence[BadLine]


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
    started = datetime.now(UTC)
    paths = (reference, current)
    contents = [_read(path, settings) for path in paths]
    progress("Loading the encoder", 0, 1)
    encoder = load_encoder(settings.embedding)
    progress("Loading the encoder", 1, 1)
    windows = [
        without_version(_with_times(window, started), settings.model.version_field)
        for window in _windows([content.exchanges for content in contents], encoder, progress)
    ]
    progress("Comparing", 0, 1)
    assessed, *compared = assess_all_users(
        *windows,
        model="",
        drift=settings.drift,
        alert_threshold=settings.monitoring.alert_threshold,
        seed=settings.drift.seed,
        redactor=Redactor(settings.redaction.patterns),
        declared=declared_forms(settings.review.taxonomy).forms,
    )
    progress("Comparing", 1, 1)
    assessment = msgspec.structs.replace(
        assessed.assessment,
        n_withheld=contents[1].n_withheld,
        remarks=(
            *assessed.assessment.remarks,
            *_versions(current, contents[1], settings.model.version_field),
            *_remarks(paths, contents),
        ),
    )
    sources = [_source(path, window) for path, window in zip(paths, windows, strict=True)]
    assessment = with_basis(
        assessment,
        reference=sources[0],
        current=sources[1],
        encoder=encoder.identity,
        versions={name: version(name) for name in PACKAGES},
    )
    return Comparison(
        replace(assessed, assessment=assessment),
        compared[0],
        compared[1],
        _map(windows[0], windows[1], assessed, settings.drift.seed),
        contents[0].bad_lines,
        contents[1].bad_lines,
    )


def _map(reference: Window, current: Window, assessed: Assessed, seed: int) -> PromptMap | None:
    if assessed.assessment.verdict == "not_enough_data":
        return None
    return draw_map(
        reference.prompt_vectors,
        current.prompt_vectors,
        assessed.cluster,
        np.random.default_rng([seed, STREAM]),
    )


def _with_times(window: Window, started: datetime) -> Window:
    """Leave the times out where lines have none: those are the time of reading, which says nothing.

    One such line is enough: it would lengthen the window until today.
    """
    timed = all(at < started for at in window.occurred_at)
    return window if timed else replace(window, occurred_at=())


def _source(path: Path, window: Window) -> Source:
    times = window.occurred_at
    return Source(
        name=path.name,
        # A pipe can be read once only.
        digest=file_source_name(path).removeprefix("file:") if path.is_file() else "",
        first=min(times, default=None),
        last=max(times, default=None),
    )


def _remarks(paths: Sequence[Path], contents: Sequence[FileContent]) -> list[str]:
    both = list(zip(paths, contents, strict=True))
    return [
        f"{len(content.bad_lines):,} {'line' if len(content.bad_lines) == 1 else 'lines'} of "
        f"{path.name} could not be read; left out."
        for path, content in both
        if content.bad_lines
    ] + [
        f"{path.name}: {withheld_remark(content.n_withheld, len(content.exchanges))}"
        for path, content in both
        if content.n_withheld
    ]


def _versions(path: Path, content: FileContent, field: str) -> list[str]:
    """Say where several versions answered in one file: the figures are those of all together."""
    told = Counter(version_told(one.attributes, field) or "unknown" for one in content.exchanges)
    if len(told) < 2:
        return []
    named = ", ".join(f"{version} ({n:,})" for version, n in told.most_common(MAX_VERSIONS))
    left = len(told) - MAX_VERSIONS
    more = f" and {left:,} more" if left > 0 else ""
    remark = (
        f"{path.name} holds answers of {len(told):,} versions of the model, compared as one: "
        f"{named}{more}. A file for each version tells them apart."
    )
    return [remark]


def _read(path: Path, settings: Settings) -> FileContent:
    content = read_exchanges(
        path,
        settings.traffic,
        default_model=settings.model.name,
        redactor=make_redactor(settings.redaction),
    )
    if content.exchanges:
        return content
    if not content.bad_lines and content.n_withheld:
        raise InputError(f"{path}: all {content.n_withheld:,} exchanges have their texts withheld")
    if not content.bad_lines:
        raise InputError(f"{path}: the file is empty")
    shown = "\n".join(f"  {bad}" for bad in content.bad_lines[:10])
    left = len(content.bad_lines) - 10
    more = f"\n  and {left:,} more" if left > 0 else ""
    raise InputError(
        f"{path}: no line is an exchange; each needs at least a `prompt`:\n{shown}{more}"
    )


def _windows(
    sides: Sequence[Sequence[Exchange]], encoder: Encoder, progress: Progress
) -> list[Window]:
    """Embed both files at once: a text that occurs in both is encoded once."""
    texts = {exchange.prompt: 0 for side in sides for exchange in side}
    texts.update({exchange.response: 0 for side in sides for exchange in side})
    # Long texts first, of about one length together: less padding, and no surprise at the end.
    ordered = sorted(texts, key=lambda text: (-len(text), text))
    vectors: NDArray[np.float16] = np.empty((len(ordered), encoder.dimension), dtype=np.float16)
    progress("Embedding", 0, len(ordered))
    for first in range(0, len(ordered), CHUNK):
        chunk = ordered[first : first + CHUNK]
        vectors[first : first + len(chunk)] = encoder.encode(chunk)
        progress("Embedding", first + len(chunk), len(ordered))
    row = {text: index for index, text in enumerate(ordered)}
    return [
        Window(
            prompts=[exchange.prompt for exchange in side],
            responses=[exchange.response for exchange in side],
            users=[exchange.user for exchange in side],
            task_types=[exchange.task_type for exchange in side],
            occurred_at=[exchange.occurred_at for exchange in side],
            attributes=[exchange.attributes for exchange in side],
            prompt_vectors=vectors[[row[exchange.prompt] for exchange in side]],
            response_vectors=vectors[[row[exchange.response] for exchange in side]],
        )
        for side in sides
    ]
