"""Texts cut off at one length, in characters, bytes or words."""

from collections.abc import Callable
from functools import partial

import numpy as np

from monitor.explanations.found_explanation import FoundExplanation
from monitor.explanations.share_changes import MIN_CANDIDATE_ROWS, Candidate, Shares


def _first_bytes(text: str, n: int) -> str:
    return text.encode("utf-8", "replace")[:n].decode("utf-8", "ignore")


def _first_words(text: str, n: int) -> str:
    return " ".join(text.split()[:n])


#: Of each unit: the length of a text, and its beginning of a length.
MEASURES: dict[str, tuple[Callable[[str], int], Callable[..., str]]] = {
    "characters": (len, lambda text, n: text[:n]),
    "bytes": (lambda text: len(text.encode("utf-8", "replace")), _first_bytes),
    "words": (lambda text: len(text.split()), _first_words),
}
#: A text of fewer units may have the greatest length by chance.
MIN_LENGTH = 10


def find_cut_off(shares: Shares) -> list[FoundExplanation]:
    """Return the greatest length of the window, where many different texts have exactly that."""
    sides = (shares.reference, shares.current)
    left = np.flatnonzero(shares.current_left)
    for unit, (measure, first) in MEASURES.items():
        lengths = [np.fromiter(map(measure, side.texts), np.int64, len(side)) for side in sides]
        longest = int(lengths[1][left].max(initial=0))
        rows = [own == longest for own in lengths]
        distinct = {shares.current.texts[row] for row in np.flatnonzero(rows[1]).tolist()}
        # Where the baseline has none as long, nothing was there to cut off.
        if (
            longest < MIN_LENGTH
            or len(distinct) < MIN_CANDIDATE_ROWS
            or not (lengths[0] > longest).any()
        ):
            continue
        candidate = Candidate(
            (rows[0], rows[1]), text=f"at {longest:,} {unit}", reduce=partial(first, n=longest)
        )
        explanation = shares.explain("cut_off", candidate, n_candidates=len(MEASURES))
        if explanation is not None and explanation.difference.mean > 0:
            return [explanation]
    return []
