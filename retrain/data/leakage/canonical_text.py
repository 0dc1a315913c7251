"""Canonical words of a text, equal for texts that differ only in a mechanical disguise."""

import re
import unicodedata
from dataclasses import dataclass

from retrain.data.leakage.encoded_text import decode

#: Letters of other scripts that look like Latin ones; applied inside words that mix the scripts.
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u0261"
    "\u03bf\u03b1\u03bd\u03b9\u03ba\u03c1\u03c5\u03b5",
    "aeopcyxijsdgoavikpue",
)
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc\u00b4`\u2032", "'"))
_WORD = re.compile(r"[^\W_]+")
_LABEL = re.compile(r"^\W*(?:question|query|q|user|customer|prompt|request|input)\W*[-:>)]+\s")
#: Ends of sentences and of their clauses; a point, comma or colon between digits is none.
_SENTENCE_END = re.compile(
    r"(?<!\d)[.:]|[.:](?!\d)|[!?;\n()\[\]{}\"|<>\u2026\u3002\uff01\uff1f\uff1b\uff1a]"
)
_CLAUSE_END = re.compile(r"(?<!\d),|,(?!\d)|[\u2013\u2014\u3001\uff0c]|\s-+\s")
_NEGATION = re.compile(r"\b(?:(can)(?:'?t|not)|(won)'?t|([a-z]{2,6})n't)\b")
_SHORT_FORM = re.compile(r"(?<=[^\W\d_])'(?:s|re|m|ll|ve|d)\b")
_WITHOUT_APOSTROPHE = {
    f"{verb}nt": f"{verb} not"
    for verb in ("do", "does", "did", "is", "are", "was", "were", "have", "has", "could", "would")
} | {
    **{f"{word}s": word for word in ("what", "how", "where", "who", "that", "there", "when")},
    "im": "i",
    "ive": "i",
    "youre": "you",
    "theyre": "they",
    "weve": "we",
    "youve": "you",
    "gonna": "going to",
    "wanna": "want to",
}
#: Words whose short forms are dropped.
_SHORTENED = frozenset({"is", "are", "am", "have", "has", "had", "will", "would"})
#: Words of courtesy, in English, German, French, Spanish, Italian and Portuguese.
_COURTESY = frozenset(
    (
        *("hi", "hello", "hey", "hiya", "dear", "greetings", "please", "pls", "plz", "kindly"),
        *("thanks", "thx", "cheers", "hallo", "servus", "moin", "bitte", "danke", "bonjour"),
        *("salut", "merci", "svp", "hola", "gracias", "ciao", "grazie", "prego", "obrigado"),
    )
)
_COURTESY_PHRASE = re.compile(
    r"\b(?:thank you(?: (?:so|very) much)?|(?:hi|hello|hey) (?:there|all|team|everyone)|"
    r"dear (?:team|support|all|sir or madam|sir|madam)|thanks for your (?:time|help|support)|"
    r"good (?:morning|afternoon|evening|day)|in advance|guten (?:tag|morgen|abend)|"
    r"(?:kind|best|warm) regards|many thanks|thanks a lot|"
    r"por favor|s'il vous plait|per favore)\b"
)


@dataclass(frozen=True)
class Clause:
    """The words of a part of a text between punctuation marks."""

    #: All words.
    words: tuple[str, ...]
    #: The words without courtesy and short forms.
    content: tuple[str, ...]
    #: Whether it begins, and ends, a sentence.
    begins: bool
    ends: bool


def clauses_of(text: str) -> list[Clause]:
    """Return the clauses of a decoded text, without case, punctuation, diacritics and emoji."""
    clauses: list[Clause] = []
    for sentence in _SENTENCE_END.split(_LABEL.sub("", plain(decode(text)))):
        parts = [part for part in _CLAUSE_END.split(sentence) if _WORD.search(part)]
        clauses += [
            _clause(part, begins=place == 0, ends=place == len(parts) - 1)
            for place, part in enumerate(parts)
        ]
    return clauses


def words_of(text: str) -> tuple[str, ...]:
    """Return all words of a text in their canonical form."""
    return tuple(word for clause in clauses_of(text) for word in clause.words)


def plain(text: str) -> str:
    """Return a text without case, diacritics and invisible characters."""
    if text.isascii():  # it has no marks, and is its own normal form
        return text.casefold().translate(_APOSTROPHES)
    normal = unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES)
    visible = "".join(char for char in normal if unicodedata.category(char) != "Cf")
    decomposed = unicodedata.normalize("NFKD", visible)
    # Only the marks of European scripts: in others they are vowels.
    return "".join(char for char in decomposed if not "\u0300" <= char <= "\u036f")


def _clause(text: str, *, begins: bool, ends: bool) -> Clause:
    words = tuple(latin(word) for word in _WORD.findall(text.replace("'", "")))
    short = _SHORT_FORM.sub("", _NEGATION.sub(_negation, text))
    content = tuple(
        word
        for token in _WORD.findall(_COURTESY_PHRASE.sub(" ", short))
        for word in _WITHOUT_APOSTROPHE.get(latin(token), latin(token)).split()
        if word not in _COURTESY and word not in _SHORTENED
    )
    return Clause(words, content, begins, ends)


def _negation(match: "re.Match[str]") -> str:
    can, wont, verb = match.groups()
    return f"{can or ('will' if wont else verb)} not"


def latin(word: str) -> str:
    """Replace lookalikes in a word that is Latin in part."""
    if word.isascii() or not any("a" <= char <= "z" for char in word):
        return word
    return word.translate(_LOOKALIKES)
