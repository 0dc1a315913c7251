"""Language of a text, by its script, its characters and its function words.

A heuristic of a few microseconds for comparing windows, in which both sides have the same errors.
It knows the languages of :data:`LANGUAGES`; a text in any other language has none, or that of a
close relative. A label or a few words have no language.
"""

import re

from monitor.descriptors.scripts import count_scripts
from monitor.descriptors.stop_words import CHARACTERS, WORDS

#: Characters of a text that are read: the first sentences suffice.
MAX_CHARACTERS = 500

#: Scripts that stand for one language here. (Devanagari is also that of Marathi and Nepali.)
BY_SCRIPT = {
    "Greek": "el", "Armenian": "hy", "Hebrew": "he", "Devanagari": "hi", "Bengali": "bn",
    "Gurmukhi": "pa", "Gujarati": "gu", "Tamil": "ta", "Telugu": "te", "Kannada": "kn",
    "Malayalam": "ml", "Sinhala": "si", "Thai": "th", "Lao": "lo", "Myanmar": "my",
    "Georgian": "ka", "Hangul": "ko", "Ethiopic": "am", "Khmer": "km",
}  # fmt: skip

#: ISO 639-1 codes of the known languages.
LANGUAGES = frozenset(
    {*WORDS, *BY_SCRIPT.values(), *("ja", "zh", "ru", "uk", "be", "bg", "sr", "ar", "fa", "ur")}
)

#: Weights of signs for syllables or words, in alphabetic characters.
SYLLABIC = {"Han": 3, "Kana": 2, "Hangul": 2}
#: Texts with fewer characters, by these weights, have no language.
MIN_CHARACTERS = 6
#: Share of kana among kana and ideographs above which a text is Japanese.
KANA_SHARE = 0.1
#: Least score of the language, absolute and relative to the next one. A word of one character
#: counts half.
MIN_SCORE = 1.5
MIN_LEAD = 1.2
#: Least score per word of the text: code and tables contain common words by chance.
MIN_DENSITY = 0.06

_WORD = re.compile(r"[^\W\d_]+")


def _weights() -> dict[str, tuple[tuple[str, float], ...]]:
    """Return the languages of each word and character, each with its share of 1."""
    known: dict[str, list[str]] = {}
    for language, words in WORDS.items():
        for word in words.split():
            known.setdefault(word, []).append(language)
    for language, characters in CHARACTERS.items():
        for character in characters:
            if language not in known.setdefault(character, []):
                known[character].append(language)
    return {
        word: tuple(
            (language, (0.5 if len(word) == 1 and word.isascii() else 1.0) / len(languages))
            for language in languages
        )
        for word, languages in known.items()
    }


_WEIGHTS = _weights()


def identify_language(text: str) -> str:
    """Return the ISO 639-1 code of the language; empty where it is uncertain.

    Example:
        >>> identify_language("What is the balance of my account?")
        'en'
        >>> identify_language("Wie hoch ist mein Kontostand?")
        'de'
        >>> identify_language("block card")
        ''
    """
    head = text[:MAX_CHARACTERS]
    if head.isascii():
        return _by_words(head)
    counts = count_scripts(head)
    script = _main_script(counts)
    match script:
        case "":
            return ""
        case "Latin":
            return _by_words(head)
        case "Han":
            kana = counts.get("Kana", 0)
            return "ja" if kana > KANA_SHARE * (kana + counts.get("Han", 0)) else "zh"
        case "Cyrillic":
            return _cyrillic(head.casefold())
        case _:
            return _arabic(head) if script == "Arabic" else BY_SCRIPT[script]


def _main_script(counts: dict[str, int]) -> str:
    """Return the most frequent script; empty for short texts. Kana count with ideographs."""
    weighted = {name: count * SYLLABIC.get(name, 1) for name, count in counts.items()}
    if "Kana" in weighted:
        weighted["Han"] = weighted.get("Han", 0) + weighted.pop("Kana")
    script = max(weighted, key=lambda name: weighted[name], default="")
    return script if script == "Latin" or weighted.get(script, 0) >= MIN_CHARACTERS else ""


def _by_words(text: str) -> str:
    folded = text.casefold()
    words: list[str] = _WORD.findall(folded)
    if not folded.isascii():
        words.extend(character for character in set(folded) if character > "\x7f")
    scores: dict[str, float] = {}
    for word in words:
        for language, weight in _WEIGHTS.get(word, ()):
            scores[language] = scores.get(language, 0.0) + weight
    if not scores:
        return ""
    best = max(scores, key=lambda language: scores[language])
    second = max((score for language, score in scores.items() if language != best), default=0.0)
    needed = max(MIN_SCORE, MIN_DENSITY * len(words), MIN_LEAD * second)
    return best if scores[best] >= needed else ""


def _cyrillic(text: str) -> str:
    if any(character in text for character in "ђћљњџј"):
        return "sr"
    if "ў" in text:
        return "be"
    if sum(map(text.count, "іїєґ")) > sum(map(text.count, "ыэъ")):
        return "uk"
    return "bg" if text.count("ъ") > sum(map(text.count, "ыэ")) else "ru"


def _arabic(text: str) -> str:
    if any(character in text for character in "ٹڈڑےں"):
        return "ur"
    return "fa" if any(character in text for character in "پچژگ") else "ar"
