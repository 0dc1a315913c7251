"""Conformance of responses with the output format of their task type."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from monitor.descriptors import OutputFormat, learn_format
from monitor.descriptors.output_format import FORMAT_SHARE, MIN_RESPONSES, Label
from monitor.store.traffic.exchange_columns import Exchanges

#: Task type -> its output format; ``None`` where it has none.
Formats = Mapping[str, OutputFormat | None]


def broken_formats(
    reference: Exchanges, current: Exchanges, declared: Formats | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 1 for each response that breaks its format; NaN without a format or a response.

    Formats that are not declared are learned from the baseline, in two halves of its end users. The
    responses of a half, on both sides, are checked against the format of the other half: so no
    response is checked against itself, and both sides are checked alike.
    """
    formats = [{**learned, **(declared or {})} for learned in _learn(reference, _halves(reference))]
    return _check(reference, formats), _check(current, formats)


def _learn(reference: Exchanges, half: NDArray[np.int64]) -> list[Formats]:
    """Return the formats that each half is checked against: those of the other half."""
    learned: list[Formats] = []
    for other in (1, 0):
        responses: dict[str, list[str]] = {}
        for row in np.flatnonzero(half == other).tolist():
            responses.setdefault(reference.task_types[row], []).append(reference.responses[row])
        whole = learn_format([text for texts in responses.values() for text in texts])
        learned.append(
            {
                task_type: learn_format(texts) or _shared(whole, texts)
                for task_type, texts in responses.items()
            }
        )
    return learned


def _shared(whole: OutputFormat | None, responses: Sequence[str]) -> OutputFormat | None:
    """Return the format of all task types, where too few responses of one show its own.

    Labels of others are none of its own.
    """
    texts = [text for text in responses if text.strip()]
    if whole is None or isinstance(whole, Label) or len(texts) >= MIN_RESPONSES:
        return None
    return whole if sum(map(whole.admits, texts)) >= FORMAT_SHARE * len(texts) else None


def _check(window: Exchanges, formats: Sequence[Formats]) -> NDArray[np.float64]:
    broken = np.full(len(window), np.nan)
    half = _halves(window).tolist()
    for row, (task_type, response) in enumerate(
        zip(window.task_types, window.responses, strict=True)
    ):
        output_format = formats[half[row]].get(task_type)
        if output_format is not None and response.strip():
            broken[row] = not output_format.admits(response)
    return broken


def _halves(window: Exchanges) -> NDArray[np.int64]:
    """Return 0 or 1 for each exchange, the same for all exchanges of an end user."""
    if not len(window.end_users):
        return np.arange(len(window)) & 1
    return np.array(
        [
            xxh3_64_intdigest(user.encode("utf-8", "replace")) & 1 if user else row & 1
            for row, user in enumerate(window.end_users)
        ],
        dtype=np.int64,
    )
