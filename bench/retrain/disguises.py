"""Fourteen mechanical disguises of a prompt, drawn at random."""

import base64
import random
import re
import string
from collections.abc import Callable
from urllib.parse import quote

GREETINGS = ["hi, ", "hello there, ", "hey! ", "good morning. ", "hi ", "Dear team, ", "hey there "]
CLOSINGS = [" thanks", ", please", " thank you", ". Thanks in advance!", " cheers"]
SENTENCES = [
    "I am in a hurry today.",
    "My friend told me about this.",
    "I could not find it on your page.",
    "This is my first time here.",
    "It is raining outside.",
    "Let me know soon.",
]
PREFIXES = ["Question: ", "Q: ", "User: ", "query - ", "> ", "1. ", "Customer asks: ", "[prompt] "]
SHORT_FORMS = [
    ("what is", "what's"), ("i am", "i'm"), ("do not", "don't"), ("how is", "how's"),
    ("can not", "can't"), ("i have", "i've"), ("i would", "i'd"), ("is not", "isn't"),
    ("where is", "where's"), ("it is", "it's"), ("that is", "that's"), ("did not", "didn't"),
]  # fmt: skip
MARKS = str.maketrans("aeiounc", "áéïöüñç")
LEET = str.maketrans("aeiost", "431057")
SIGNS = str.maketrans("ais", "@!$")
MIN_TYPO_LENGTH = 4


def disguise_case(text: str, rng: random.Random) -> str:
    """Change the case."""
    return rng.choice([text.upper(), text.title(), text.swapcase()])


def disguise_punctuation(text: str, rng: random.Random) -> str:
    """Add or remove punctuation marks."""
    bare = re.sub(r"[^\w\s]", "", text)
    return rng.choice([bare, f"{text}???", f'"{text}"', f"{text} ...", f"* {text}!"])


def disguise_by_greeting(text: str, rng: random.Random) -> str:
    """Add a greeting, a closing, or both."""
    greeted, closed = rng.choice(GREETINGS) + text, text + rng.choice(CLOSINGS)
    return rng.choice([greeted, closed, greeted + rng.choice(CLOSINGS)])


def disguise_by_typos(text: str, rng: random.Random) -> str:
    """Drop, double, swap or replace a character of one word, or of two in a longer text."""
    words = text.split()
    places = [i for i, word in enumerate(words) if len(word) >= MIN_TYPO_LENGTH and word.isalpha()]
    for place in rng.sample(places, min(len(places), 2 if len(words) >= 8 else 1)):
        word, at = words[place], rng.randrange(1, len(words[place]) - 1)
        a, b = word[at], word[at + 1]
        error = rng.choice(["", a + a + b, b + a, rng.choice("aeiorstln") + b])
        words[place] = word[:at] + (error or b) + word[at + 2 :]
    return " ".join(words)


def disguise_order(text: str, rng: random.Random) -> str:
    """Shuffle the words."""
    words = text.split()
    return " ".join(rng.sample(words, len(words)))


def disguise_by_sentences(text: str, rng: random.Random) -> str:
    """Add a sentence before, after, or both."""
    before, after = f"{rng.choice(SENTENCES)} {text}.", f"{text}. {rng.choice(SENTENCES)}"
    return rng.choice([before, after, f"{before} {rng.choice(SENTENCES)}"])


def disguise_spaces(text: str, rng: random.Random) -> str:
    """Use other spaces, invisible characters, or wide characters."""
    wide = "".join(chr(ord(char) + 0xFEE0) if "a" <= char <= "z" else char for char in text)
    spaced = [text.replace(" ", "   "), text.replace(" ", "\u00a0"), "\u200b".join(text)]
    return rng.choice([*spaced, wide])


def disguise_by_prefix(text: str, rng: random.Random) -> str:
    """Add a label such as "Question:"."""
    return rng.choice(PREFIXES) + text


def disguise_short_forms(text: str, rng: random.Random) -> str:  # noqa: ARG001 - one form of all
    """Contract the first pair of words that has a short form, or expand it."""
    for long, short in SHORT_FORMS:
        for old, new in ((long, short), (short, long), (short.replace("'", ""), long)):
            if re.search(rf"\b{old}\b", text):
                return re.sub(rf"\b{old}\b", new, text)
    return text


def disguise_marks(text: str, rng: random.Random) -> str:
    """Add diacritics and emoji."""
    marked = "".join(char.translate(MARKS) if rng.random() < 0.4 else char for char in text)
    return marked + rng.choice(["", " 🙂", " 🙏🙏"])


def disguise_backwards(text: str, rng: random.Random) -> str:
    """Write the words, each word or the whole text backwards."""
    words = text.split()
    each = " ".join(word[::-1] for word in words)
    return rng.choice([" ".join(words[::-1]), each, text[::-1]])


def disguise_by_cipher(text: str, rng: random.Random) -> str:
    """Rotate the alphabet, or swap its characters at random."""
    alphabet = string.ascii_lowercase
    shift = rng.randrange(1, 26)
    swapped = "".join(rng.sample(alphabet, 26))
    new = rng.choice([alphabet[shift:] + alphabet[:shift], swapped])
    return text.lower().translate(str.maketrans(alphabet, new))


def disguise_by_encoding(text: str, rng: random.Random) -> str:
    """Encode the text in base64, hexadecimal bytes, or as in an address."""
    content = text.encode()
    return rng.choice([base64.b64encode(content).decode(), content.hex(), quote(text, safe="")])


def disguise_by_digits(text: str, rng: random.Random) -> str:
    """Write digits or signs for characters."""
    return text.translate(rng.choice([LEET, SIGNS]))


DISGUISES: dict[str, Callable[[str, random.Random], str]] = {
    "case": disguise_case,
    "punctuation": disguise_punctuation,
    "greetings": disguise_by_greeting,
    "typing errors": disguise_by_typos,
    "word order": disguise_order,
    "added sentences": disguise_by_sentences,
    "spaces": disguise_spaces,
    "prefixes": disguise_by_prefix,
    "short forms": disguise_short_forms,
    "diacritics and emoji": disguise_marks,
    "backwards": disguise_backwards,
    "cipher": disguise_by_cipher,
    "encoding": disguise_by_encoding,
    "digits and signs": disguise_by_digits,
}
