"""Names of metrics in the settings that no exchange has, such as mistyped ones."""

import difflib
from collections.abc import Collection

from monitor.settings.drift import Drift


def unknown_metrics(drift: Drift, known: Collection[str]) -> dict[str, str]:
    """Return the names with a direction that are not known, each with the most similar known one.

    It is empty where none is similar.

    Example:
        >>> unknown_metrics(Drift(higher_is_better=("csta", "rating")), ["csat", "cost"])
        {'csta': 'csat', 'rating': ''}
    """
    names = dict.fromkeys((*drift.higher_is_better, *drift.lower_is_better))
    return {
        name: next(iter(difflib.get_close_matches(name, known, n=1)), "")
        for name in names
        if name not in known
    }


def list_unknown(unknown: dict[str, str]) -> str:
    """Return unknown names as a sentence lists them, with what may be meant.

    Example:
        >>> list_unknown({"csta": "csat", "rating": ""})
        '`csta` (did you mean `csat`?), `rating`'
    """
    return ", ".join(
        f"`{name}`{f' (did you mean `{close}`?)' * bool(close)}" for name, close in unknown.items()
    )
