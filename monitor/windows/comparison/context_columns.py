"""Numeric columns of the retrieved context, which is compared as a text of its own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor import descriptors as texts
from monitor.descriptors.context import CONTEXT, read_context, share_in_context
from monitor.descriptors.surface import token_count
from monitor.settings import Drift
from monitor.settings.metrics.directions import direction_of
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.metrics import MIN_VALUES
from monitor.windows.comparison.numeric_comparison import NumericColumn

Column = NDArray[np.float64]

TOKENS = "context tokens"
WITHOUT = "without context"
OTHER_LANGUAGE = "context in another language"
SHARE = "response words in the context"
NAMES = (TOKENS, WITHOUT, OTHER_LANGUAGE, SHARE)


def context_columns_of(
    reference: Exchanges, current: Exchanges, drift: Drift
) -> tuple[NumericColumn, ...]:
    """Return length, absence and language of the contexts, and what responses share with them.

    There are none where fewer than 20 exchanges of a side have a context. They are metrics, whose
    directions the settings name.
    """
    sides = [_contexts(side) for side in (reference, current)]
    if min(sum(map(bool, side)) for side in sides) < MIN_VALUES:
        return ()
    values = [
        _values(side, contexts) for side, contexts in zip((reference, current), sides, strict=True)
    ]
    return tuple(
        NumericColumn(name, "metric", direction_of(name, drift), *(side[name] for side in values))
        for name in NAMES
        if all(np.isfinite(side[name]).sum() >= MIN_VALUES for side in values)
    )


def _contexts(window: Exchanges) -> list[str]:
    return [read_context(attributes.get(CONTEXT)) for attributes in window.attributes]


def _values(window: Exchanges, contexts: Sequence[str]) -> dict[str, Column]:
    """Return the columns of a side; NaN where an exchange has no context, or no language."""
    languages = zip(
        texts.map_distinct(window.prompts, texts.identify_language),
        texts.map_distinct(contexts, texts.identify_language),
        strict=True,
    )
    pairs = zip(window.responses, contexts, strict=True)
    rows = {
        TOKENS: (token_count(context) if context else np.nan for context in contexts),
        WITHOUT: (float(not context) for context in contexts),
        OTHER_LANGUAGE: (
            float(prompt != context) if prompt and context else np.nan
            for prompt, context in languages
        ),
        SHARE: (
            share_in_context(response, context) if context else np.nan
            for response, context in pairs
        ),
    }
    return {name: np.fromiter(row, dtype=np.float64) for name, row in rows.items()}
