"""Names of clusters: the words that distinguish their texts from the reference."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from monitor.rendering.excerpts import CHARACTERS_READ

WORD = re.compile(r"[^\W\d_][\w'’-]*", re.UNICODE)  # noqa: RUF001 - the apostrophe people type
MAX_WORD_CHARACTERS = 24

STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any anybody anyone anything are aren't as
    at be because been before being below between both but by can can't cannot could couldn't did
    didn't do does doesn't doing don't down during each even ever every few for from further get
    gets getting give given go goes going gonna got had hadn't has hasn't have haven't having he
    hello her here here's hers herself hey hi him himself his how how's however i i'd i'll i'm i've
    if in into is isn't it it's its itself just kindly know let let's like make makes many may me
    might more most much must mustn't my myself need needs no nor not now of off ok okay on once
    one only or other ought our ours ourselves out over own please quite really same shall she
    should shouldn't so some somebody someone something such sure take tell than thank thanks that
    that's the their theirs them themselves then there there's these they they'd they'll they're
    they've thing things this those through to too try under until up upon us use using very want
    wanna wants was wasn't way we we'd we'll we're we've well were weren't what what's when when's
    where where's whether which while who who's whom whose why why's will with without won't would
    wouldn't yes yet you you'd you'll you're you've your yours yourself yourselves
    """.split()  # noqa: SIM905 - a list of 200 quoted words is worse to read and to mend
)


def words_of(text: str) -> set[str]:
    """Return the distinct words of a text that may name a topic, in lower case."""
    words = (word.strip("'’-").lower() for word in WORD.findall(text[:CHARACTERS_READ]))  # noqa: RUF001
    return {
        word.replace("’", "'")  # noqa: RUF001
        for word in words
        if 2 < len(word) <= MAX_WORD_CHARACTERS or (len(word) > 1 and not word.isascii())
    } - STOP_WORDS


def document_frequencies(texts: Iterable[str]) -> Counter[str]:
    """Count in how many texts each word occurs."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(words_of(text))
    return counts


def name_topic(
    texts: Sequence[str], reference: Counter[str], n_reference: int, n_words: int = 4
) -> str:
    r"""Name a cluster by the words that distinguish it from the reference (class-based TF-IDF).

    With p the share of the cluster's texts that contain a word and q its share of the reference's
    texts, both smoothed, a word weighs p log(p / q): it must be common here *and* rare there.
    A word must occur in two texts of a cluster of four or more, and an inflected form of a chosen
    word (``card``, ``cards``) is skipped.

    Args:
        texts: The cluster's texts.
        reference: Document frequencies of the reference, by :func:`document_frequencies`.
        n_reference: Number of texts behind ``reference``.
        n_words: Most words in the name.

    Returns:
        Words in order of weight, joined by commas; empty where no word is distinctive. Where even
        the first word occurs in less than a sixth of the texts, they have no common topic, and the
        name begins with "various".

    Reference:
        Grootendorst 2022, BERTopic (arXiv 2203.05794), section 3.3.
    """
    counts = document_frequencies(texts)
    least = 2 if len(texts) >= 4 else 1
    weights: dict[str, float] = {}
    for word, count in counts.items():
        here = count / len(texts)
        there = (reference[word] + 0.5) / (n_reference + 1)
        if count >= least and here > there:
            weights[word] = here * math.log(here / there)
    chosen: list[str] = []
    for word in sorted(weights, key=lambda word: (-weights[word], word)):
        if any(_same_stem(word, taken) for taken in chosen):
            continue
        # After two words only words of enough weight: a rare fourth word misleads.
        if len(chosen) >= 2 and weights[word] < 0.2 * weights[chosen[0]]:
            break
        chosen.append(word)
        if len(chosen) == n_words:
            break
    name = ", ".join(chosen)
    mixed = bool(chosen) and counts[chosen[0]] < len(texts) / 6
    return f"various: {name}" if mixed else name


def _same_stem(first: str, second: str) -> bool:
    """Return whether one word is the other with a suffix of at most three characters."""
    shorter, longer = sorted((first, second), key=len)
    stem = shorter[:-1] if len(shorter) > 4 and shorter[-1] in "ey" else shorter
    return len(stem) >= 3 and longer.startswith(stem) and len(longer) - len(stem) <= 3
