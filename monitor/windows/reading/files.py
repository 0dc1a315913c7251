"""Files of exchanges as windows: reading, redaction, embedding."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from monitor.errors import InputError
from monitor.input_files import InputSource
from monitor.settings import Settings
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.traffic.spool import MAX_UNPACKED_ROWS, spooled_array, take_rows
from monitor.traffic.embedding import TextEncoder
from monitor.traffic.exchange import Exchange
from monitor.traffic.files.bad_lines import summarize_bad_lines
from monitor.traffic.files.reading import FileContent, read_exchanges
from monitor.traffic.redaction import build_redactor
from monitor.traffic.rows import content_row

#: Texts encoded between two progress reports.
CHUNK = 256

#: Problems of lines that an error quotes.
PROBLEMS_QUOTED = 10

#: Called with the step, the amount done, and the total.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SavedVectors:
    """The vectors of a file of exchanges that was embedded before, ``[n, d]``."""

    #: Of the encoder.
    identity: str
    prompts: NDArray[np.float16]
    responses: NDArray[np.float16]


@dataclass(frozen=True)
class FileSide:
    """A file of exchanges as one side of a comparison."""

    source: InputSource
    content: FileContent
    #: Its exchanges, in the order of the file; without times where a line has none.
    window: Exchanges

    @property
    def name(self) -> str:
        """The file's name."""
        return self.source.name

    @property
    def n_missing_responses(self) -> int:
        """Return the number of exchanges without a response, not even an empty one."""
        return sum(not exchange.has_response for exchange in self.content.exchanges)

    @property
    def has_responses(self) -> bool:
        """Return whether any exchange has a response, if only an empty one."""
        return self.n_missing_responses < len(self.content.exchanges)

    @property
    def models(self) -> Counter[str]:
        """Return the models in the lines, with their numbers of exchanges."""
        return Counter(exchange.model for exchange in self.content.exchanges if exchange.model)


def read_file(source: InputSource, settings: Settings) -> FileContent:
    """Read the exchanges of a file. A line without a model has none.

    Raises:
        InputError: It cannot be read or has no exchange; the message lists its bad lines.
    """
    content = read_exchanges(
        source,
        settings.traffic,
        default_model="",
        redactor=build_redactor(settings.redaction),
    )
    if content.exchanges:
        return content
    if not content.bad_lines and content.n_withheld:
        raise InputError(
            f"{source.label}: the texts of all {content.n_withheld:,} exchanges are withheld; "
            "write a file with texts"
        )
    if not content.bad_lines:
        raise InputError(
            f"{source.label}: the file is empty; write one exchange a line or row",
            code="empty_file",
        )
    problems = summarize_bad_lines(content.bad_lines, PROBLEMS_QUOTED)
    raise InputError(
        "\n  ".join(
            [
                f"{source.label}: no {source.unit} is an exchange; each needs at least a `prompt`:",
                *problems,
            ]
        )
    )


def unembedded_files(
    sources: Sequence[InputSource], contents: Sequence[FileContent]
) -> list[FileSide]:
    """Return files without vectors, for a comparison that has too little data anyway."""
    return [
        _side(source, content, Exchanges.from_rows([content_row(row) for row in content.exchanges]))
        for source, content in zip(sources, contents, strict=True)
    ]


def embed_files(
    sources: Sequence[InputSource],
    contents: Sequence[FileContent],
    encoder: TextEncoder,
    progress: Progress,
    *,
    saved: SavedVectors | None = None,
) -> list[FileSide]:
    """Embed two files; a text that occurs several times is encoded once.

    ``saved`` has the vectors of the first file, where it is one of :mod:`.reference_file`.
    """
    windows = _windows([content.exchanges for content in contents], encoder, progress, saved)
    return [_side(*side) for side in zip(sources, contents, windows, strict=True)]


def _side(source: InputSource, content: FileContent, window: Exchanges) -> FileSide:
    is_timed = all(exchange.has_timestamp for exchange in content.exchanges)
    return FileSide(source, content, window if is_timed else replace(window, occurred_at=()))


def cap_times(occurred_at: Sequence[datetime], now: datetime) -> Sequence[datetime]:
    """Return times, those after ``now`` replaced by the last one before it.

    A time a year ahead would make its version the only one that still serves. Where all times are
    ahead, the clock is wrong, and times are unchanged.
    """
    last = max((at for at in occurred_at if at <= now), default=None)
    return occurred_at if last is None else [min(at, last) for at in occurred_at]


def _windows(
    sides: Sequence[Sequence[Exchange]],
    encoder: TextEncoder,
    progress: Progress,
    saved: SavedVectors | None,
) -> list[Exchanges]:
    # The second side's batches don't depend on whether the first one is embedded or read.
    first = _by_length(sides[0], {})
    groups = [first, _by_length(sides[1], first)]
    row = {text: index for index, text in enumerate((*groups[0], *groups[1]))}
    # Not after the vectors, beside which the rows would be in memory at once.
    windows = [
        Exchanges.from_rows([content_row(exchange, with_messages=False) for exchange in side])
        for side in sides
    ]
    shape = len(row), encoder.dimension
    is_spooled = len(row) > MAX_UNPACKED_ROWS
    vectors: NDArray[np.float16] = (spooled_array if is_spooled else np.empty)(shape, np.float16)
    start = 0
    if saved is not None:
        vectors[_rows(windows[0].prompts, row)] = saved.prompts
        vectors[_rows(windows[0].responses, row)] = saved.responses
        start = len(groups.pop(0))
    progress("Embedding", start, len(row))
    for texts in map(list, groups):
        for offset in range(0, len(texts), CHUNK):
            chunk = texts[offset : offset + CHUNK]
            vectors[start : start + len(chunk)] = encoder.encode(chunk)
            start += len(chunk)
            progress("Embedding", start, len(row))
    return [
        replace(
            window,
            prompt_vectors=take_rows(vectors, _rows(window.prompts, row)),
            response_vectors=take_rows(vectors, _rows(window.responses, row)),
            encoder=encoder.identity,
        )
        for window in windows
    ]


def _by_length(side: Sequence[Exchange], known: Collection[str]) -> dict[str, None]:
    """Return the texts that aren't known, longest first.

    Texts of similar length together: less padding, and a steady progress bar.
    """
    texts = {exchange.prompt for exchange in side} | {exchange.response for exchange in side}
    ordered = sorted(texts.difference(known), key=lambda text: (-len(text), text))
    return dict.fromkeys(ordered)


def _rows(texts: Sequence[str], row: Mapping[str, int]) -> NDArray[np.int64]:
    return np.fromiter((row[text] for text in texts), dtype=np.int64, count=len(texts))
