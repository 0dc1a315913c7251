"""The language of a text, by its script, its letters and its commonest words.

A heuristic of a few microseconds for comparing windows, in which both sides err alike. It knows the
languages of :data:`LANGUAGES`; a text of any other is taken for none, or for a close relative. A
label or a few words have no language.
"""

import re

from monitor.descriptors.scripts import count_scripts
from monitor.descriptors.stop_words import LETTERS, WORDS

#: Characters looked at: the first sentences tell.
MAX_CHARACTERS = 500

#: Scripts that stand for one language here. (Devanagari also writes Marathi and Nepali.)
BY_SCRIPT = {
    "Greek": "el", "Armenian": "hy", "Hebrew": "he", "Devanagari": "hi", "Bengali": "bn",
    "Gurmukhi": "pa", "Gujarati": "gu", "Tamil": "ta", "Telugu": "te", "Kannada": "kn",
    "Malayalam": "ml", "Sinhala": "si", "Thai": "th", "Lao": "lo", "Myanmar": "my",
    "Georgian": "ka", "Hangul": "ko", "Ethiopic": "am", "Khmer": "km",
}  # fmt: skip

#: ISO 639-1 codes of the languages that are told apart.
LANGUAGES = frozenset(
    {*WORDS, *BY_SCRIPT.values(), *("ja", "zh", "ru", "uk", "be", "bg", "sr", "ar", "fa", "ur")}
)

#: A sign that stands for a syllable or a word says as much as so many letters.
SYLLABIC = {"Han": 3, "Kana": 2, "Hangul": 2}
#: Fewer letters, counted so, tell no language.
MIN_LETTERS = 6
#: Share of kana among kana and ideographs above which a text is Japanese.
KANA_SHARE = 0.1
#: What the words must add up to, and how many times the next language's. A word of one letter
#: counts half.
MIN_SCORE = 1.5
MIN_LEAD = 1.2
#: The same for each word of the text: code and tables hold a common word by chance.
MIN_DENSITY = 0.06

_WORD = re.compile(r"[^\W\d_]+")


def _weights() -> dict[str, tuple[tuple[str, float], ...]]:
    """Return for each word and letter its languages, each with its share of one."""
    known: dict[str, list[str]] = {}
    for language, words in WORDS.items():
        for word in words.split():
            known.setdefault(word, []).append(language)
    for language, letters in LETTERS.items():
        for letter in letters:
            if language not in known.setdefault(letter, []):
                known[letter].append(language)
    return {
        word: tuple(
            (language, (0.5 if len(word) == 1 and word.isascii() else 1.0) / len(languages))
            for language in languages
        )
        for word, languages in known.items()
    }


_WEIGHTS = _weights()


def identify_language(text: str) -> str:
    """Return the ISO 639-1 code of the language; empty where it can't be told.

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
    """Return the script with most letters; empty for too few. Kana count with ideographs."""
    weighted = {name: count * SYLLABIC.get(name, 1) for name, count in counts.items()}
    if "Kana" in weighted:
        weighted["Han"] = weighted.get("Han", 0) + weighted.pop("Kana")
    script = max(weighted, key=lambda name: weighted[name], default="")
    return script if script == "Latin" or weighted.get(script, 0) >= MIN_LETTERS else ""


def _by_words(text: str) -> str:
    folded = text.casefold()
    found: list[str] = _WORD.findall(folded)
    if not folded.isascii():
        found.extend(letter for letter in set(folded) if letter > "\x7f")
    scores: dict[str, float] = {}
    for word in found:
        for language, weight in _WEIGHTS.get(word, ()):
            scores[language] = scores.get(language, 0.0) + weight
    if not scores:
        return ""
    best = max(scores, key=lambda language: scores[language])
    second = max((score for language, score in scores.items() if language != best), default=0.0)
    needed = max(MIN_SCORE, MIN_DENSITY * len(found), MIN_LEAD * second)
    return best if scores[best] >= needed else ""


def _cyrillic(text: str) -> str:
    if any(letter in text for letter in "ђћљњџј"):
        return "sr"
    if "ў" in text:
        return "be"
    if sum(map(text.count, "іїєґ")) > sum(map(text.count, "ыэъ")):
        return "uk"
    return "bg" if text.count("ъ") > sum(map(text.count, "ыэ")) else "ru"


def _arabic(text: str) -> str:
    if any(letter in text for letter in "ٹڈڑےں"):
        return "ur"
    return "fa" if any(letter in text for letter in "پچژگ") else "ar"
