"""Copies: one text, or few texts, that make up a share of the texts."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from monitor.explanations.found_explanation import FoundExplanation
from monitor.explanations.share_changes import MIN_CANDIDATE_ROWS, Candidate, Shares
from monitor.explanations.templates.number_masks import mask_numbers
from monitor.explanations.templates.tree import TOKEN

#: Of the least difference: the part that each of several texts needs.
MIN_PART = 0.2


def find_copies(shares: Shares) -> list[FoundExplanation]:
    """Return the texts whose copies became more, or fewer, as one explanation.

    Copies are equal but for case, signs, spaces and numbers. Its text is the most frequent one.
    """
    keys = [_keys(side.texts) for side in (shares.reference, shares.current)]
    left = shares.reference_left, shares.current_left
    counts = [
        Counter(key for key, stays in zip(own, rows.tolist(), strict=True) if stays and key)
        for own, rows in zip(keys, left, strict=True)
    ]
    sizes = [max(int(rows.sum()), 1) for rows in left]
    frequent = [key for key, n in (counts[0] + counts[1]).items() if n >= MIN_CANDIDATE_ROWS]
    changes = {key: counts[1][key] / sizes[1] - counts[0][key] / sizes[0] for key in frequent}
    least = MIN_PART * shares.min_difference
    changed: dict[str, float] = {}
    for key, change in changes.items():
        if abs(change) < least:
            continue
        explained = shares.explain(
            "copies", _candidate(keys, {key}), n_candidates=len(frequent), min_difference=least
        )
        if explained is not None:
            changed[key] = change
    for sign in (1, -1):
        own = {key for key, change in changed.items() if sign * change > 0}
        if own:
            top = max(own, key=lambda key: abs(changed[key]))
            side, place = (shares.current, keys[1]) if sign > 0 else (shares.reference, keys[0])
            text = side.texts[place.index(top)].strip()
            combined = shares.explain("copies", _candidate(keys, own, text))
            if combined is not None:
                return [combined]
    return []


def _keys(texts: Sequence[str]) -> list[str]:
    known: dict[str, str] = {}
    return [
        known.setdefault(text, _key(text)) if text not in known else known[text] for text in texts
    ]


def _key(text: str) -> str:
    tokens = TOKEN.findall(mask_numbers(text).casefold())
    words = " ".join(token for token in tokens if token.isalnum())
    return words or text.strip()


def _candidate(keys: list[list[str]], wanted: set[str], text: str = "") -> Candidate:
    reference, current = (np.array([key in wanted for key in own], dtype=np.bool_) for own in keys)
    return Candidate((reference, current), text)
