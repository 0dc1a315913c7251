"""Every number of an exchange that is compared: of its prompt, of its response, and its metrics."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from monitor import descriptors as texts
from monitor.settings import Drift
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.format_conformance import Forms, broken_formats
from monitor.windows.comparison.metric_directions import Direction, direction_of
from monitor.windows.comparison.metrics import LEAST_VALUES, metric_names, metric_values
from monitor.windows.comparison.numeric_comparison import NumericColumn, Side

Column = NDArray[np.float64]

#: Of a text alone, with the direction of better. What can only be bad has one: the others say that
#: texts have changed, which may be for the better.
PROMPT: dict[str, tuple[Direction, Callable[[str], float]]] = {
    "length in tokens": (0, texts.token_count),
    "lines": (0, texts.line_count),
    "non-letter share": (0, texts.non_letter_share),
    "readability (LIX)": (0, texts.lix),
    "questions": (0, texts.question),
}
RESPONSE: dict[str, tuple[Direction, Callable[[str], float]]] = {
    "length in tokens": (0, texts.token_count),
    "non-letter share": (0, texts.non_letter_share),
    "readability (LIX)": (0, texts.lix),
    "repetition": (0, texts.compressible),
    "repeated phrases": (0, texts.repeated_phrases),
    "loop": (-1, texts.loop),
    "empty": (-1, texts.empty),
}

#: Share of the answers, on both sides, whose reason for the end is known: then that is believed.
MOSTLY_TOLD = 0.95

#: Share of the baseline's answers up to which the encoder tells the right prompt from others.
UNRELATED_SHARE = 0.05

#: A language is told by itself where it has so large a share of a side, and so many texts.
LANGUAGE_SHARE = 0.01
LANGUAGE_TEXTS = 5
MAX_LANGUAGES = 6


def numeric_columns_of(
    reference: Exchanges, current: Exchanges, drift: Drift, declared: Forms | None = None
) -> tuple[NumericColumn, ...]:
    """Return what is compared.

    What never varies is left out, and what too few exchanges of a side have.

    Args:
        reference: The baseline.
        current: The window.
        drift: Directions of metrics.
        declared: The form of each task type's answers, where it is declared; that of others is
            learned from the baseline.
    """
    windows = (reference, current)
    scalars = _of_texts("prompt", PROMPT, [one.prompts for one in windows])
    queued_in = [_languages(one.prompts) for one in windows]
    scalars += _of_languages("prompt", queued_in)
    # A window without a single answer is the worst of all, where the baseline has answers.
    if any(reference.responses):
        answered_in = [_languages(one.responses) for one in windows]
        scalars += _of_texts("response", RESPONSE, [one.responses for one in windows])
        scalars += _of_answers(windows, queued_in, answered_in)
        scalars.append(
            NumericColumn(
                "broken format", "response", -1, *broken_formats(reference, current, declared)
            )
        )
        scalars += _of_languages("response", answered_in)
    named = metric_names(reference.attributes, current.attributes)
    metrics = [
        NumericColumn(
            name,
            "metric",
            direction_of(name, drift),
            metric_values(reference.attributes, name),
            metric_values(current.attributes, name),
        )
        for name in named
    ]
    return (*(one for one in scalars if _is_told(one)), *metrics)


def _of_texts(
    side: Side,
    functions: dict[str, tuple[Direction, Callable[[str], float]]],
    sides: Sequence[Sequence[str]],
) -> list[NumericColumn]:
    return [
        NumericColumn(name, side, direction, *(texts.describe(one, function) for one in sides))
        for name, (direction, function) in functions.items()
    ]


def _of_answers(
    windows: tuple[Exchanges, Exchanges],
    queued_in: Sequence[Sequence[str]],
    answered_in: Sequence[Sequence[str]],
) -> list[NumericColumn]:
    """Return what takes more than the text of a response."""
    told = all(_tells_reasons(one) for one in windows)
    return [
        NumericColumn("refusal", "response", -1, *(_refused(one, told) for one in windows)),
        NumericColumn("cut off", "response", -1, *(_cut_off(one, told) for one in windows)),
        NumericColumn("error", "response", -1, *(_failed(one) for one in windows)),
        NumericColumn(
            "other language than the prompt",
            "response",
            -1,
            *(_other(*both) for both in zip(queued_in, answered_in, strict=True)),
        ),
        *_of_relevance(*windows),
    ]


def _languages(sides: Sequence[str]) -> list[str]:
    return texts.map_distinct(sides, texts.identify_language)


def _of_languages(side: Side, sides: Sequence[Sequence[str]]) -> list[NumericColumn]:
    """Return the share of each language but the baseline's commonest, whose change the others tell.

    Texts whose language can't be told are left out.
    """
    counts = [Counter(code for code in one if code) for one in sides]
    if not all(counts):
        return []
    commonest = counts[0].most_common(1)[0][0]
    told = {
        code: max(count[code] / count.total() for count in counts)
        for code in counts[0] | counts[1]
        if code != commonest and sum(count[code] for count in counts) >= LANGUAGE_TEXTS
    }
    largest = sorted(told, key=lambda code: (-told[code], code))[:MAX_LANGUAGES]
    return [
        NumericColumn(
            f"language: {code}",
            side,
            0,
            *(_column(float(known == code) if known else np.nan for known in one) for one in sides),
        )
        for code in largest
        if told[code] >= LANGUAGE_SHARE
    ]


def _tells_reasons(window: Exchanges) -> bool:
    answered = [row for row, text in enumerate(window.responses) if text.strip()]
    n_told = sum(bool(_reason(window, row)) for row in answered)
    return n_told >= MOSTLY_TOLD * max(len(answered), 1)


def _reason(window: Exchanges, row: int) -> str:
    reason = window.attributes[row].get("finish_reason")
    return reason if isinstance(reason, str) else ""


def _cut_off(window: Exchanges, told: bool) -> Column:
    """Return what ran into a limit: as the API says, where it does, else as the text looks."""
    if not told:
        return texts.describe(window.responses, texts.cut_off)
    reasons = (_reason(window, row) for row in range(len(window)))
    return _column(texts.stopped_by_limit(reason) if reason else np.nan for reason in reasons)


def _refused(window: Exchanges, told: bool) -> Column:
    """Return what declines: by its words, or as the API says."""
    refused = texts.describe(window.responses, texts.refusal)
    for row, attributes in enumerate(window.attributes):
        if attributes.get("refusal") is True or (
            told and texts.declined_by_api(_reason(window, row))
        ):
            refused[row] = 1.0
    return refused


def _failed(window: Exchanges) -> Column:
    """Return which calls ended with an error, as the formats tell: by its kind."""
    kinds = (attributes.get("error") for attributes in window.attributes)
    return _column(float(isinstance(kind, str) and bool(kind)) for kind in kinds)


def _other(queued_in: Sequence[str], answered_in: Sequence[str]) -> Column:
    """Return which answers are in another language than their prompts; NaN where one can't tell."""
    return _column(
        float(asked != answered) if asked and answered else np.nan
        for asked, answered in zip(queued_in, answered_in, strict=True)
    )


def _of_relevance(reference: Exchanges, current: Exchanges) -> list[NumericColumn]:
    """Return how near answers are to their prompts, and which are as far as those to others.

    The first has no direction: short answers, and tasks such as naming a label, are farther from
    their prompts and as good. The second is compared where the encoder can tell: where hardly any
    answer of the baseline is so far.
    """
    sides = [_relevance(reference), _relevance(current)]
    scalars = [NumericColumn("relevance to the prompt", "response", 0, *sides)]
    answered = np.flatnonzero(np.isfinite(sides[0]))
    if len(answered) < LEAST_VALUES:
        return scalars
    threshold = texts.unrelated_threshold(
        reference.prompt_vectors[answered], reference.response_vectors[answered]
    )
    far = [np.where(np.isfinite(one), one < threshold, np.nan) for one in sides]
    if np.nanmean(far[0]) <= UNRELATED_SHARE:
        scalars.append(NumericColumn("unrelated to the prompt", "response", -1, *far))
    return scalars


def _relevance(window: Exchanges) -> Column:
    cosine = texts.relevance(window.prompt_vectors, window.response_vectors)
    cosine[[not text.strip() for text in window.responses]] = np.nan
    return cosine


def _column(values: Iterable[float]) -> Column:
    return np.fromiter(values, dtype=np.float64)


def _is_told(scalar: NumericColumn) -> bool:
    """Tell whether enough exchanges of each side have the number, and not all the same."""
    known = [side[np.isfinite(side)] for side in (scalar.reference, scalar.current)]
    return min(map(len, known)) >= LEAST_VALUES and bool(np.ptp(np.concatenate(known)) > 0)
