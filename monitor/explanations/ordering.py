"""Order of explanations: what hurts users first, then what is large, then what causes the rest."""

from monitor.store.windows.assessment import ExplanationKind

#: Events hurt users; they come before every change of form.
EVENTS: tuple[ExplanationKind, ...] = ("error", "empty", "refusal", "broken_format", "cut_off")
#: Of two changes of like size, what may cause the other comes first.
CHANGES: tuple[ExplanationKind, ...] = (
    "system_message",
    "tools",
    "prefix",
    "suffix",
    "encoding",
    "language",
    "script",
    "one_user",
    "copies",
    "letter_case",
    "punctuation",
    "markup",
    "rarer_topic",
)
#: Least changes of a share, in either direction, that make it large, or of middle size.
SIZES = (0.5, 0.1)


def importance(kind: ExplanationKind, difference: float) -> tuple[int, int, float]:
    """Return the sort key of an explanation; the smallest comes first.

    The difference is of the shares of both sides.

    Example:
        >>> changes = [("prefix", 0.02), ("markup", -0.9), ("empty", 0.01)]
        >>> sorted(changes, key=lambda change: importance(*change))
        [('empty', 0.01), ('markup', -0.9), ('prefix', 0.02)]
    """
    if kind in EVENTS:
        return -1, EVENTS.index(kind), -abs(difference)
    size = sum(abs(difference) < least for least in SIZES)
    return size, CHANGES.index(kind), -abs(difference)
