"""Unread texts: texts that the encoder doesn't tell from others.

A text is unread where most of its characters are in no token of the encoder's vocabulary, or where
at least five different texts have its vector: they differ only in characters that the encoder
doesn't know, or beyond the tokens that it reads. No test on vectors detects a change of such texts.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift import group_near_copies

#: Returns the share of each text's characters that the encoder doesn't know, ``[n]``.
UnknownShares = Callable[[Sequence[str]], NDArray[np.float64]]

#: Texts of a side that are examined: a share of .1 then has a standard error of .01.
TEXTS_EXAMINED = 1000
#: A text with this share of unknown characters is unread.
UNKNOWN_SHARE = 0.5
#: So many different texts of one vector are unread: two may be spellings of one.
ALIKE_TEXTS = 5


@dataclass(frozen=True)
class UnreadShares:
    """The shares of unread texts on both sides."""

    reference: float
    current: float
    #: Whether most of them are unread because their characters are unknown.
    is_vocabulary: bool


@dataclass(frozen=True)
class _Sample:
    texts: list[str]
    vectors: NDArray[np.floating]

    @classmethod
    def of(cls, texts: Sequence[str], vectors: NDArray[np.floating]) -> "_Sample":
        rows = list(range(len(texts)))
        if len(texts) > TEXTS_EXAMINED:
            # Always the same rows of as many texts. Not evenly spaced: logs may repeat in turn.
            rng = np.random.default_rng(0)
            rows = rng.choice(len(texts), TEXTS_EXAMINED, replace=False).tolist()
        return cls([texts[row] for row in rows], vectors[rows])


def measure_unread(
    reference: tuple[Sequence[str], NDArray[np.floating]],
    current: tuple[Sequence[str], NDArray[np.floating]],
    unknown_shares: UnknownShares | None,
) -> UnreadShares | None:
    """Return the shares of unread texts, measured on a fixed sample of each side.

    Each side is its texts and their vectors, ``[n, d]``. ``unknown_shares`` are by the encoder's
    vocabulary, where it is known. The result is ``None`` where a side has no text.
    """
    if not len(reference[0]) or not len(current[0]):
        return None
    samples = [_Sample.of(*side) for side in (reference, current)]
    texts = [text for sample in samples for text in sample.texts]
    alike = _alike(texts, np.concatenate([sample.vectors for sample in samples]))
    unknown = np.zeros(len(texts), dtype=np.bool_)
    if unknown_shares is not None:
        unknown = unknown_shares(texts) >= UNKNOWN_SHARE
    unread = alike | unknown
    n = len(samples[0].texts)
    return UnreadShares(
        float(unread[:n].mean()),
        float(unread[n:].mean()),
        is_vocabulary=bool(2 * unknown.sum() >= unread.sum()),
    )


def _alike(texts: Sequence[str], vectors: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which texts have the vector of many others, bool ``[n]``; not the commonest text."""
    rows_of: defaultdict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(group_near_copies(vectors).tolist()):
        rows_of[group].append(row)
    alike = np.zeros(len(texts), dtype=np.bool_)
    for rows in rows_of.values():
        if len({texts[row] for row in rows}) < ALIKE_TEXTS:
            continue
        spelled = [_normalize(texts[row]) for row in rows]
        counts = Counter(spelled)
        if len(counts) < ALIKE_TEXTS:
            continue
        commonest = counts.most_common(1)[0][0]
        alike[[row for row, text in zip(rows, spelled, strict=True) if text != commonest]] = True
    return alike


def _normalize(text: str) -> str:
    """Return a text without case, accents, format characters and surplus spaces."""
    if not text.isascii():
        text = "".join(
            character
            for character in unicodedata.normalize("NFKD", text)
            if unicodedata.category(character) not in {"Mn", "Cf"}
        )
    return " ".join(text.casefold().split())
