"""Markup of texts: Markdown and HTML, by the elements that texts have."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.explanations.found_explanation import FoundExplanation
from monitor.explanations.share_changes import Candidate, Mask, Shares, least_natural

ELEMENTS = {
    "bullet lists": r"^[ \t]*[-*•][ \t]+\S",
    "numbered lists": r"^[ \t]*\d{1,3}[.)][ \t]+\S",
    "headings (#)": r"^#{1,6}[ \t]+\S",
    "bold or italics": (
        r"(?<![\w*])\*{1,3}[^\s*][^*\n]*\*{1,3}(?![\w*])|(?<!\w)__[^\s_][^_\n]*__(?!\w)"
    ),
    "code fences": r"^[ \t]*```",
    "inline code": r"(?<!`)`[^`\n]+`(?!`)",
    "tables": r"^[ \t]*\|.*\|[ \t]*$",
    "quotes (>)": r"^[ \t]*>[ \t]*\S",
    "links": r"\[[^\]\n]+\]\([^)\s]+\)",
    "HTML": r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>",
}
_PATTERNS = {name: re.compile(pattern, re.MULTILINE) for name, pattern in ELEMENTS.items()}
#: Signs that every element has one of.
_SIGNS = re.compile(r"[-*•#_`|>\]<]|\d[.)]")
_UNDONE = re.compile(
    r"```[\w+#.-]*|</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>|^[ \t]*(?:[-*•#>|]+|\d{1,3}[.)])[ \t]+"
    r"|[*_]{2,}|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)|`",
    re.MULTILINE,
)


def find_markup(shares: Shares) -> list[FoundExplanation]:
    """Return the elements that more texts have than before, or fewer, as one explanation."""
    values = shares.map(_elements)
    candidates = {
        name: Candidate((_has(values[0], place), _has(values[1], place)), name)
        for place, name in enumerate(ELEMENTS)
    }
    frequent = [name for name, candidate in candidates.items() if candidate.is_frequent]
    changes: dict[str, float] = {}
    for name in frequent:
        candidate = candidates[name]
        change = shares.change(*candidate.rows)
        if change is None:
            continue
        least = least_natural(change.reference.mean, change.current.mean, shares.min_difference)
        if shares.explain("markup", candidate, n_candidates=len(frequent), min_difference=least):
            changes[name] = change.difference.mean
    if not changes:
        return []
    top = max(changes, key=lambda name: abs(changes[name]))
    together = sorted(
        (name for name, change in changes.items() if change * changes[top] > 0),
        key=lambda name: -abs(changes[name]),
    )
    explanation = shares.explain(
        "markup",
        Candidate(
            (_any(candidates, together, 0), _any(candidates, together, 1)),
            text=", ".join(together),
            reduce=without_markup,
        ),
    )
    return [] if explanation is None else [explanation]


def _has(elements: NDArray[Any], place: int) -> Mask:
    return (elements.astype(np.int64) >> place & 1).astype(np.bool_)


def _any(candidates: dict[str, Candidate], names: list[str], side: int) -> Mask:
    return np.asarray(np.logical_or.reduce([candidates[name].rows[side] for name in names]))


def _elements(text: str) -> int:
    if not _SIGNS.search(text):
        return 0
    return sum(
        1 << place for place, pattern in enumerate(_PATTERNS.values()) if pattern.search(text)
    )


def without_markup(text: str) -> str:
    r"""Return the words of a text without Markdown and HTML around them.

    Example:
        >>> without_markup("# Steps\n- **Open** it")
        'Steps\nOpen it'
    """
    if not _SIGNS.search(text):
        return text
    # Tags divide words, signs of Markdown don't.
    return _UNDONE.sub(lambda found: " " if found[0].startswith("<") else "", text).strip()
