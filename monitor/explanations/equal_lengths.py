"""Texts cut off at one length, in characters, bytes or words."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from monitor.explanations.found_explanation import FoundExplanation
from monitor.explanations.share_changes import MIN_CANDIDATE_ROWS, Candidate, Shares
from monitor.explanations.templates.number_masks import mask_numbers


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
#: A text of fewer units may have a frequent length by chance.
MIN_LENGTH = 10
#: A pile has so many times the texts of the lengths around it, at most so far away.
MIN_PILE = 3.0
REACH = 3


def find_cut_off(shares: Shares) -> list[FoundExplanation]:
    """Return the length that many different texts of the window have exactly."""
    # Copies have one length without being cut off.
    left = np.flatnonzero(shares.current_left).tolist()
    distinct = list({mask_numbers(shares.current.texts[row]): row for row in left}.values())
    for unit, (measure, first) in MEASURES.items():
        reference, current = (own.astype(np.int64) for own in shares.map(measure))
        counts = np.bincount(current[distinct], minlength=1)
        length = _pile(counts)
        rows = reference == length, current == length
        # Where the baseline has none as long, nothing was there to cut off.
        if (
            length < MIN_LENGTH
            or (unit == "words" and length < len(counts) - 1)
            or counts[length] < MIN_CANDIDATE_ROWS
            or not (reference > length).any()
        ):
            continue
        candidate = Candidate(rows, text=f"at {length:,} {unit}", reduce=partial(first, n=length))
        n_candidates = int((counts > 0).sum())
        explanation = shares.explain("cut_off", candidate, n_candidates=n_candidates)
        if explanation is not None and explanation.difference.mean > 0:
            return [explanation]
    return []


def _pile(counts: NDArray[np.int64]) -> int:
    """Return the length with the most texts above those around it; 0 where there is no pile."""
    around = np.ones(2 * REACH + 1)
    around[REACH] = 0.0
    mean = np.convolve(np.pad(counts, REACH), around, "valid") / (2 * REACH)
    excess = np.where(counts >= MIN_PILE * mean, counts - mean, 0.0)
    return int(excess.argmax())
