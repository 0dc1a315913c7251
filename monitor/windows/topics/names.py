"""Names of clusters: the words that distinguish their texts from the reference."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from monitor.windows.topics.segmenters import (
    blank_function_words,
    extend,
    is_sequence,
    overlap,
)
from monitor.windows.topics.words import stop_words_of, words_of

#: End users who must write a word of a name.
MIN_USERS = 2
#: Beginning of the name of a topic whose texts share no word.
MIXED = "various: "


@dataclass(frozen=True)
class WordCounts:
    """The number of end users who write each word."""

    counts: Counter[str]
    #: All end users; a text without one counts by itself.
    n_users: int

    @classmethod
    def of(
        cls,
        texts: Iterable[str],
        users: Iterable[str],
        vocabulary: Set[str] | None = None,
    ) -> "WordCounts":
        """Count the words of texts once for each end user.

        A string that one end user writes in many prompts, such as an id or a signature, counts
        once, like the prompts of one end user in a cluster.

        Without a vocabulary all words are counted.
        """
        counts: Counter[str] = Counter()
        written: dict[str, set[str]] = {}
        n_unknown = 0
        for text, user in zip(texts, users, strict=True):
            words = words_of(text)
            if vocabulary is not None:
                words &= vocabulary
            if not user:
                n_unknown += 1
            else:
                own = written.setdefault(user, set())
                words -= own
                own |= words
            counts.update(words)
        return cls(counts, len(written) + n_unknown)


def name_topic(
    texts: Sequence[str],
    users: Sequence[str],
    own: WordCounts,
    reference: WordCounts,
    n_words: int = 4,
) -> str:
    r"""Name a cluster by the words that distinguish it from the reference (class-based TF-IDF).

    With p the share of the cluster's end users who write a word and q its share of the reference's
    end users, both smoothed, a word weighs p log(p / q): it must be common here *and* rare there.
    Two end users must write a word, words that name nothing in a language of the texts are left
    out, and an inflected form of a chosen word (``card``, ``cards``) is skipped.

    The words are in order of weight, joined by commas; empty where none is distinctive. Where even
    the first word is written by less than a sixth of the end users, they have no common topic, and
    the name begins with "various".

    Reference:
        Grootendorst 2022, BERTopic (arXiv 2203.05794), section 3.3.
    """
    weights: dict[str, float] = {}
    for word, count in own.counts.items():
        here = count / own.n_users
        there = (reference.counts[word] + 0.5) / (reference.n_users + 1)
        if count >= MIN_USERS and here > there:
            weights[word] = here * math.log(here / there)
    if not weights:
        return ""
    stop_words = stop_words_of(texts)
    chosen: list[str] = []
    first = ""
    split: list[str] = []
    for word in sorted(weights, key=lambda word: (-weights[word], word)):
        if word in stop_words or any(_same_stem(word, taken) for taken in chosen):
            continue
        # After two words only words of enough weight: a rare fourth word misleads.
        if len(chosen) >= 2 and weights[word] < 0.2 * weights[first]:
            break
        first = first or word
        if is_sequence(word):
            split = split or [blank_function_words(text) for text in texts]
            longer = extend(word, split, users)
            if not any(overlap(longer, taken) for taken in chosen):
                chosen.append(longer)
        else:
            chosen.append(word)
        if len(chosen) == n_words:
            break
    name = ", ".join(chosen)
    mixed = bool(chosen) and own.counts[first] < own.n_users / 6
    return f"{MIXED}{name}" if mixed else name


def _same_stem(first: str, second: str) -> bool:
    """Return whether one word is the other with a suffix of at most three characters."""
    shorter, longer = sorted((first, second), key=len)
    stem = shorter[:-1] if len(shorter) > 4 and shorter[-1] in "ey" else shorter
    return len(stem) >= 3 and longer.startswith(stem) and len(longer) - len(stem) <= 3
