"""Numeric columns that are compared: descriptors of prompts and responses, and metrics."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from monitor import descriptors as texts
from monitor.descriptors.catalogue import descriptors_of
from monitor.settings import Drift
from monitor.settings.metrics.directions import direction_of
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.context_columns import context_columns_of
from monitor.windows.comparison.format_conformance import Formats, broken_formats
from monitor.windows.comparison.metrics import MIN_VALUES, metric_names, metric_values
from monitor.windows.comparison.numeric_comparison import NumericColumn, Side

Column = NDArray[np.float64]

#: Share of responses with a finish reason, on both sides, from which on finish reasons are used.
MIN_REASON_SHARE = 0.95

#: Name of the descriptor of responses that are as far from their prompts as from others.
UNRELATED = "unrelated to the prompt"
#: Largest share of unrelated responses in the baseline with which the descriptor is compared.
UNRELATED_SHARE = 0.05

#: Least share of a side and number of texts of a language that is a column of its own.
LANGUAGE_SHARE = 0.01
LANGUAGE_TEXTS = 5
MAX_LANGUAGES = 6


def numeric_columns_of(
    reference: Exchanges, current: Exchanges, drift: Drift, declared: Formats | None = None
) -> tuple[NumericColumn, ...]:
    """Return the numeric columns of both sides: descriptors of the texts, and metrics.

    ``declared`` is as for :func:`text_columns_of`.
    """
    return (
        *text_columns_of(reference, current, declared),
        *metric_columns_of(reference, current, drift),
    )


def text_columns_of(
    reference: Exchanges,
    current: Exchanges,
    declared: Formats | None = None,
    *,
    with_responses: bool = True,
) -> tuple[NumericColumn, ...]:
    """Return the descriptors of both sides.

    Columns that never vary, or that too few exchanges of a side have, are omitted.

    Output formats that are not ``declared`` for a task type are learned from the baseline. With
    ``with_responses`` both sides have responses, if only empty ones.
    """
    windows = (reference, current)
    columns = _of_texts("prompt", [side.prompts for side in windows])
    prompt_languages = [_languages(side.prompts) for side in windows]
    columns += _of_languages("prompt", prompt_languages)
    # A window of empty responses is the worst case where the baseline has others.
    if with_responses and any(reference.responses):
        response_languages = [_languages(side.responses) for side in windows]
        columns += _of_texts("response", [side.responses for side in windows])
        columns += _of_responses(windows, prompt_languages, response_languages)
        if not texts.are_withheld(reference.responses):  # formats are learned from texts
            columns.append(
                NumericColumn(
                    "broken format", "response", -1, *broken_formats(reference, current, declared)
                )
            )
        columns += _of_languages("response", response_languages)
    return tuple(column for column in columns if _is_informative(column))


def metric_columns_of(
    reference: Exchanges, current: Exchanges, drift: Drift
) -> tuple[NumericColumn, ...]:
    """Return the metrics of both sides, those of retrieved contexts last, with their directions."""
    names = metric_names(reference.attributes, current.attributes)
    sides = [metric_values(side.attributes, names) for side in (reference, current)]
    return tuple(
        NumericColumn(
            name,
            "metric",
            direction_of(name, drift),
            *(of_side[name] for of_side in sides),
            unit=drift.units.get(name, ""),
        )
        for name in names
    ) + context_columns_of(reference, current, drift)


def _of_texts(
    side: Literal["prompt", "response"], sides: Sequence[Sequence[str]]
) -> list[NumericColumn]:
    return [
        NumericColumn(
            descriptor.name,
            side,
            descriptor.direction,
            *(texts.describe(side_texts, descriptor.function) for side_texts in sides),
        )
        for descriptor in descriptors_of(side)
    ]


def _of_responses(
    windows: tuple[Exchanges, Exchanges],
    prompt_languages: Sequence[Sequence[str]],
    response_languages: Sequence[Sequence[str]],
) -> list[NumericColumn]:
    """Return descriptors that need more than the text of a response."""
    has_reasons = all(_has_finish_reasons(side) for side in windows)
    return [
        NumericColumn(
            "refusal", "response", -1, *(_refused(side, has_reasons) for side in windows)
        ),
        NumericColumn(
            "cut off", "response", -1, *(_cut_off(side, has_reasons) for side in windows)
        ),
        NumericColumn("error", "response", -1, *(_failed(side) for side in windows)),
        NumericColumn(
            "other language than the prompt",
            "response",
            -1,
            *(
                _language_differs(*languages)
                for languages in zip(prompt_languages, response_languages, strict=True)
            ),
        ),
        *_of_relevance(*windows),
    ]


def faults_of(window: Exchanges) -> Mapping[str, Callable[[], Column]]:
    """Return the descriptors of responses that need more than their text, of one side alone."""
    has_reasons = _has_finish_reasons(window)
    return {
        "refusal": lambda: _refused(window, has_reasons),
        "cut off": lambda: _cut_off(window, has_reasons),
        "error": lambda: _failed(window),
        "other language than the prompt": lambda: _language_differs(
            _languages(window.prompts), _languages(window.responses)
        ),
    }


def _languages(sides: Sequence[str]) -> list[str]:
    return texts.map_distinct(sides, texts.identify_language)


def _of_languages(side: Side, sides: Sequence[Sequence[str]]) -> list[NumericColumn]:
    """Return the share of each language but the baseline's commonest, which the others determine.

    Texts of unknown language are omitted.
    """
    counts = [Counter(code for code in codes if code) for codes in sides]
    if not all(counts):
        return []
    commonest = counts[0].most_common(1)[0][0]
    shares = {
        code: max(count[code] / count.total() for count in counts)
        for code in counts[0] | counts[1]
        if code != commonest and sum(count[code] for count in counts) >= LANGUAGE_TEXTS
    }
    largest = sorted(shares, key=lambda code: (-shares[code], code))[:MAX_LANGUAGES]
    return [
        NumericColumn(
            f"language: {code}",
            side,
            0,
            *(
                _column(float(known == code) if known else np.nan for known in codes)
                for codes in sides
            ),
        )
        for code in largest
        if shares[code] >= LANGUAGE_SHARE
    ]


def _has_finish_reasons(window: Exchanges) -> bool:
    n_responses = n_reasons = 0
    for text, attributes in zip(window.responses, window.attributes, strict=True):
        if text.strip():
            n_responses += 1
            n_reasons += bool(_reason(attributes))
    return n_reasons >= MIN_REASON_SHARE * max(n_responses, 1)


def _reason(attributes: Mapping[str, Any]) -> str:
    reason = attributes.get("finish_reason")
    return reason if isinstance(reason, str) else ""


def _cut_off(window: Exchanges, has_reasons: bool) -> Column:
    """Return truncated responses: by the API's finish reason, else by the end of the text."""
    if not has_reasons:
        return texts.describe(window.responses, texts.cut_off)
    reasons = map(_reason, window.attributes)
    return _column(texts.stopped_by_limit(reason) if reason else np.nan for reason in reasons)


def _refused(window: Exchanges, has_reasons: bool) -> Column:
    """Return refusals: by their words, or by the API's finish reason."""
    refused = texts.describe(window.responses, texts.refusal)
    for row, attributes in enumerate(window.attributes):
        if attributes.get("refusal") is True or (
            has_reasons and texts.declined_by_api(_reason(attributes))
        ):
            refused[row] = 1.0
    return refused


def _failed(window: Exchanges) -> Column:
    """Return calls that ended with an error, as the traffic format reports it."""
    kinds = (attributes.get("error") for attributes in window.attributes)
    return _column(float(isinstance(kind, str) and bool(kind)) for kind in kinds)


def _language_differs(prompt_languages: Sequence[str], languages: Sequence[str]) -> Column:
    """Return responses in another language than their prompts; NaN where one is unknown."""
    return _column(
        float(prompt != response) if prompt and response else np.nan
        for prompt, response in zip(prompt_languages, languages, strict=True)
    )


def _of_relevance(reference: Exchanges, current: Exchanges) -> list[NumericColumn]:
    """Return the relevance of responses to their prompts, and which are unrelated to them.

    Relevance has no direction: short responses, and tasks such as classification, are as good at a
    lower one. Unrelated responses are as far as responses to other prompts; they are compared where
    the encoder can distinguish them: where hardly any response of the baseline is unrelated.
    """
    sides = [_relevance(reference), _relevance(current)]
    columns = [NumericColumn("relevance to the prompt", "response", 0, *sides)]
    responded = np.flatnonzero(np.isfinite(sides[0]))
    if len(responded) < MIN_VALUES:
        return columns
    threshold = texts.unrelated_threshold(
        reference.prompt_vectors[responded], reference.response_vectors[responded]
    )
    unrelated = [np.where(np.isfinite(side), side < threshold, np.nan) for side in sides]
    if np.nanmean(unrelated[0]) <= UNRELATED_SHARE:
        columns.append(NumericColumn(UNRELATED, "response", -1, *unrelated))
    return columns


def _relevance(window: Exchanges) -> Column:
    cosine = texts.relevance(window.prompt_vectors, window.response_vectors)
    cosine[[not text.strip() for text in window.responses]] = np.nan
    return cosine


def _column(values: Iterable[float]) -> Column:
    return np.fromiter(values, dtype=np.float64)


def _is_informative(column: NumericColumn) -> bool:
    """Return whether enough exchanges of each side have a value, and values differ."""
    known = [side[np.isfinite(side)] for side in (column.reference, column.current)]
    return min(map(len, known)) >= MIN_VALUES and bool(np.ptp(np.concatenate(known)) > 0)
