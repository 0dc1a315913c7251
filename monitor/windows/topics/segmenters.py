"""Words of scripts without spaces: optional segmenters, and sequences of characters without them.

Chinese is segmented by jieba (``pip install 'driftwarden[chinese]'``), Thai by PyThaiNLP
(``driftwarden[thai]``). Both carry their dictionaries; nothing is downloaded. Japanese needs no
package: its nouns are runs of ideographs or of katakana between particles in hiragana. Every other
script, and Chinese or Thai without the package, gives overlapping sequences of characters, of which
:mod:`monitor.windows.topics.names` joins those that occur together.
"""

import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from monitor.descriptors.function_words import CONTINUOUS_WORDS

#: Kind of script -> package and extra.
PACKAGES = {"chinese": ("jieba", "chinese"), "thai": ("pythainlp", "thai")}

THAI = re.compile("[\u0e01-\u0e3a\u0e40-\u0e4e]+")  # without digits and signs
KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
IDEOGRAPHS = re.compile("[\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f]+")
#: Letters and signs of other scripts without spaces: Lao, Myanmar, Khmer.
OTHER = re.compile("[\u0e81-\u0ece\u1000-\u103f\u1050-\u108f\u1780-\u17d3]+")
#: Vowel signs and tone marks of Thai, after which no word ends.
THAI_MARKS = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
LEADING_VOWELS = frozenset("\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4")
#: Single ideographs that end no word; most are part of other words.
FREE_IDEOGRAPHS = frozenset("的了吗嗎呢吧啊我你您他她是和")

#: Characters of a sequence where words are not known.
IDEOGRAPHS_PER_SEQUENCE = 2
CLUSTERS_PER_SEQUENCE = 3
#: Longest run of ideographs in Japanese that is one word.
MAX_JAPANESE_CHARACTERS = 6

#: Share of the end users who write a sequence that write its neighbour, too, and longest result.
SHARED = 0.8
MAX_EXTENDED_CHARACTERS = 16

Segmenter = Callable[[str], list[str]]


def is_japanese(text: str) -> bool:
    """Return whether a text is Japanese: a tenth of its characters are kana."""
    n_kana = len(KANA.findall(text))
    return n_kana > 0 and 9 * n_kana >= sum(len(run) for run in IDEOGRAPHS.findall(text))


def segment(run: str, *, japanese: bool) -> Iterator[str]:
    """Yield the words of a run of characters of scripts without spaces, or sequences of it.

    The run has no other characters; ``japanese`` is by :func:`is_japanese`.
    """
    if japanese:
        yield from _japanese(run)
        return
    for match in IDEOGRAPHS.finditer(run):
        yield from _words(match.group(), "chinese", IDEOGRAPHS_PER_SEQUENCE)
    for match in THAI.finditer(run):
        yield from _words(match.group(), "thai", CLUSTERS_PER_SEQUENCE)
    for match in OTHER.finditer(run):
        yield from sequences(match.group(), CLUSTERS_PER_SEQUENCE)


def missing_segmenter(text: str) -> str:
    """Return the missing extra that would name words of a topic's name and examples, or nothing."""
    if IDEOGRAPHS.search(text) and not is_japanese(text) and segmenter("chinese") is None:
        return "chinese"
    if THAI.search(text) and segmenter("thai") is None:
        return "thai"
    return ""


@cache
def segmenter(kind: str) -> Segmenter | None:
    """Return the segmenter of a kind of script; ``None`` where its package is not installed."""
    package = PACKAGES[kind][0]
    if find_spec(package) is None:
        return None
    with warnings.catch_warnings():  # of their own deprecated imports
        warnings.simplefilter("ignore")
        if kind == "chinese":
            tokenizer = import_module("jieba").Tokenizer()
            # As its own `initialize`, without a cache in the folder of temporary files, where any
            # local user could have put one.
            tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
            tokenizer.initialized = True
            return lambda run: list(tokenizer.lcut(run))
        tokenize = import_module("pythainlp.tokenize").word_tokenize
        return lambda run: list(tokenize(run, engine="newmm", keep_whitespace=False))


def sequences(run: str, size: int) -> Iterator[str]:
    """Yield the sequences of characters with their marks, between words that name nothing."""
    for part in _function_words().split(run):
        clusters = _clusters(part)
        if 1 < len(clusters) <= size:
            yield "".join(clusters)
        for first in range(len(clusters) - size + 1 if len(clusters) > size else 0):
            yield "".join(clusters[first : first + size])


def is_sequence(word: str) -> bool:
    """Return whether a word is a sequence of characters of which the words are not known."""
    first = word[0]
    if IDEOGRAPHS.match(first):
        return segmenter("chinese") is None
    if THAI.match(first):
        return segmenter("thai") is None
    return OTHER.match(first) is not None


def blank_function_words(text: str) -> str:
    """Return a text with a space for each word of scripts without spaces that names nothing."""
    return _function_words().sub(" ", text)


def overlap(first: str, second: str) -> bool:
    """Return whether two joined sequences have a sequence in common."""
    size = IDEOGRAPHS_PER_SEQUENCE if IDEOGRAPHS.match(first) else CLUSTERS_PER_SEQUENCE
    return not set(sequences(first, size)).isdisjoint(sequences(second, size))


def extend(sequence: str, texts: Sequence[str], users: Sequence[str]) -> str:
    """Return a sequence with the adjacent characters that most end users who write it share.

    The words of the sequence's characters are not known. The texts of the cluster are by
    :func:`blank_function_words`.
    """
    while len(sequence) < MAX_EXTENDED_CHARACTERS:
        longer = _extend_once(sequence, texts, users)
        if longer == sequence:
            break
        sequence = longer
    return sequence


def _extend_once(sequence: str, texts: Sequence[str], users: Sequence[str]) -> str:
    writers: set[str] = set()
    neighbours: dict[str, set[str]] = {}
    for row, (text, user) in enumerate(zip(texts, users, strict=True)):
        at = text.find(sequence)
        if at < 0:
            continue
        writer = user or f"\n{row}"
        writers.add(writer)
        before = _clusters(text[max(0, at - 4) : at])[-1:]
        rest = text[at + len(sequence) :]
        after = _clusters(rest[:4])[:1]
        for neighbour, longer in (
            (before, "".join(before) + sequence),
            (after, sequence + "".join(after)),
        ):
            if neighbour and _extends(neighbour[0]):
                neighbours.setdefault(longer, set()).add(writer)
    shared = [longer for longer, own in neighbours.items() if len(own) >= SHARED * len(writers) > 1]
    return max(shared, key=lambda longer: (len(neighbours[longer]), longer), default=sequence)


def _extends(cluster: str) -> bool:
    known = any(pattern.match(cluster) for pattern in (IDEOGRAPHS, THAI, OTHER))
    return known and cluster not in FREE_IDEOGRAPHS


def _words(run: str, kind: str, size: int) -> Iterator[str]:
    split = segmenter(kind)
    if split is None:
        yield from sequences(run, size)
        return
    yield from (word for word in split(run) if len(_clusters(word)) > 1)


def _japanese(run: str) -> Iterator[str]:
    for pattern in (IDEOGRAPHS, KATAKANA):
        for match in pattern.finditer(run):
            if (
                1
                < len(match.group())
                <= (
                    MAX_JAPANESE_CHARACTERS
                    if pattern is IDEOGRAPHS
                    else 2 * MAX_JAPANESE_CHARACTERS
                )
            ):
                yield match.group()


def _clusters(text: str) -> list[str]:
    """Return the characters of a text, each with its vowel signs and marks.

    Vowels of Thai and Lao that are written before their consonant belong to it.
    """
    clusters: list[str] = []
    for character in text:
        if clusters and (
            unicodedata.category(character)[0] == "M" or clusters[-1] in LEADING_VOWELS
        ):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


@cache
def _function_words() -> re.Pattern[str]:
    free = [word for word in CONTINUOUS_WORDS if len(word) > 1 or word in FREE_IDEOGRAPHS]
    ordered = sorted(free, key=lambda word: (-len(word), word))
    return re.compile(f"(?:{'|'.join(map(re.escape, ordered))})(?![{THAI_MARKS}])")
