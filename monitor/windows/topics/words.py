"""Words of a text that may name a topic, in scripts with and without spaces between words."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

from monitor.descriptors.function_words import CONTINUOUS_WORDS, SPACED_WORDS
from monitor.rendering.excerpts import CHARACTERS_READ
from monitor.windows.topics.segmenters import is_japanese, segment

MAX_WORD_CHARACTERS = 24

#: Runs of scripts without spaces between words: Thai and Lao, Myanmar, Khmer, kana, ideographs.
CONTINUOUS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3041-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+"
)
#: Words that are left out in any language: of English, which every traffic has some of, and of
#: other scripts than the Latin.
ALWAYS = SPACED_WORDS["en"] | frozenset(
    word for words in SPACED_WORDS.values() for word in words if word[0] > "\u036f"
)

#: Texts of a cluster, and characters of each, that tell its languages.
TEXTS_OF_LANGUAGE = 500
CHARACTERS_OF_LANGUAGE = 500

#: Placeholders of redacted data.
REDACTED = re.compile(r"\[[A-Z][A-Z0-9_]+\]")
#: Joiners and soft hyphens are part of a word and invisible; a zero-width space separates words.
INVISIBLE = {0x00AD: None, 0x200C: None, 0x200D: None, 0x2060: None, 0xFEFF: None, 0x200B: " "}
APOSTROPHES = "'’"  # noqa: RUF001 - the apostrophe people type


def words_of(text: str) -> set[str]:
    """Return the distinct words of a text that may name a topic, in lower case.

    Words of English, and of scripts without spaces, that name nothing are left out; those of other
    languages depend on the language of the cluster: "die" names something in English.
    """
    head = unicodedata.normalize("NFC", text[:CHARACTERS_READ]).translate(INVISIBLE)
    head = REDACTED.sub(" ", head)
    words = {word for word in _spaced_words(CONTINUOUS.sub(" ", head)) if _may_name(word)}
    words -= ALWAYS
    japanese = is_japanese(head)
    for match in CONTINUOUS.finditer(head):
        words.update(segment(match.group(), japanese=japanese))
    return words - CONTINUOUS_WORDS


def stop_words_of(texts: Sequence[str]) -> frozenset[str]:
    """Return the words that name nothing in the languages of some texts.

    A language is one of theirs if it has the most of its words in them all, or five of its words
    and the most in a twentieth of them: few words say little, since "van" is Dutch for "of".
    """
    totals: Counter[str] = Counter()
    wins: Counter[str] = Counter()
    distinct: dict[str, set[str]] = {code: set() for code in SPACED_WORDS}
    step = -(-len(texts) // TEXTS_OF_LANGUAGE) if texts else 1
    read = texts[::step]
    for text in read:
        words = set(_spaced_words(unicodedata.normalize("NFC", text[:CHARACTERS_OF_LANGUAGE])))
        hits = {code: words & own for code, own in SPACED_WORDS.items()}
        most = max(map(len, hits.values()))
        if len(hits["en"]) == most:  # "is" and "van" of an English text are Dutch, too
            hits = {"en": hits["en"]}
        for code, own in hits.items():
            totals[code] += len(own)
            distinct[code] |= own
            if len(own) == most >= 2:
                wins[code] += 1
    largest = max(totals.values(), default=0)
    codes = [
        code
        for code in SPACED_WORDS
        if (totals[code] == largest and len(distinct[code]) >= 3)
        or (wins[code] >= max(2.0, len(read) / 20) and len(distinct[code]) >= 5)
    ]
    return frozenset().union(*(SPACED_WORDS[code] for code in codes))


def _spaced_words(text: str) -> Iterator[str]:
    for word in _word().findall(text):
        yield word.strip(f"{APOSTROPHES}-").lower().replace("’", "'")  # noqa: RUF001


def _may_name(word: str) -> bool:
    return 2 < len(word) <= MAX_WORD_CHARACTERS or (len(word) > 1 and not word.isascii())


@cache
def _word() -> re.Pattern[str]:
    """Return the pattern of a word, with its vowel signs and accents."""
    marks = [code for code in range(0x10000) if unicodedata.category(chr(code)) in {"Mn", "Mc"}]
    ranges: list[list[int]] = []
    for code in marks:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    signs = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    return re.compile(rf"[^\W\d_][\w{APOSTROPHES}{signs}-]*")
