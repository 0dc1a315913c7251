"""Skeletons of instructions: their sentences, without what is filled in for each request.

A system message often holds a date, a user's name, or passages that were retrieved. Replaced by
``…`` are dates and times, tokens of few exchanges, and the place of a sentence in which the
exchanges of one side have three or more different tokens, such as the day of the week.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

SLOT = "…"
#: A token of a smaller share of both sides' exchanges is filled in.
MIN_TOKEN_SHARE = 0.02
#: Different tokens at one place of a sentence, on one side, that are filled in.
MIN_FILLERS = 3
#: Longest run of tokens that is one place, and places of a sentence.
MAX_FILLER, MAX_PLACES = 4, 3
#: Sentences of a message, and characters and tokens of a sentence, that are read.
MAX_SENTENCES, MAX_CHARACTERS, MAX_TOKENS = 400, 1_000, 80
#: Different sentences in which places are searched, those of most exchanges.
MAX_SEARCHED = 500

_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])|\s*\n\s*")
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
_TOKEN = re.compile(rf"(?:…|[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s])\s*")
_WORD = r"[^\W\d_]{3,12}\.?"
_DATE = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?)?"
    r"|\d{1,2}[./-] ?\d{1,2}[./-] ?(?:\d{4}|\d\d)"
    rf"|(?:{_WORD},? )?\d{{1,2}}(?:st|nd|rd|th|er|º|\.)? (?:de |of )?{_WORD},? (?:de )?20\d\d"
    rf"|(?:{_WORD}, )?{_WORD} \d{{1,2}}(?:st|nd|rd|th)?,? 20\d\d"
    r"|20\d\d ?[年년] ?\d{1,2} ?[月월] ?\d{1,2} ?[日일]?"
    r"|\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]\.?m\.?)?"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r")(?![0-9A-Za-z])",
    re.IGNORECASE,
)

#: Tokens of a sentence, each with the spaces after it.
Sentence = tuple[str, ...]


def split_sentences(text: str) -> tuple[Sentence, ...]:
    """Return the different sentences of a text in their order, dates and times replaced."""
    parts = _SENTENCE.split(_DATE.sub(SLOT, text))[:MAX_SENTENCES]
    tokens = (tuple(_TOKEN.findall(part[:MAX_CHARACTERS].strip())) for part in parts)
    return tuple(dict.fromkeys(sentence for sentence in tokens if sentence))


def find_skeletons(
    sides: Sequence[Sequence[tuple[Sentence, ...]]],
) -> list[list[tuple[str, ...]]]:
    """Return the skeletons of the sentences of each exchange, in their order.

    Args:
        sides: The sentences of each exchange, of the baseline and of the window.
    """
    # Exchanges are many and messages few: each is read once.
    messages = [Counter(side) for side in sides]
    words = _common_words(messages)
    blanked = {
        sentence: _blank(sentence, words)
        for own in messages
        for sentences in own
        for sentence in sentences
    }
    skeleton = blanked
    for _ in range(MAX_PLACES):
        slots = _find_places(messages, skeleton)
        if not slots:
            break
        skeleton = {sentence: slots.get(own, own) for sentence, own in skeleton.items()}
    of_message = {
        sentences: tuple(
            dict.fromkeys(
                "".join(skeleton[sentence]).strip()
                for sentence in sentences
                if not _is_filled_in(skeleton[sentence])
            )
        )
        for own in messages
        for sentences in own
    }
    return [[of_message[sentences] for sentences in side] for side in sides]


def _common_words(messages: Sequence[Counter[tuple[Sentence, ...]]]) -> set[str]:
    """Return the tokens that are no part of what is filled in on either side."""
    common: set[str] = set()
    for own in messages:
        counts: Counter[str] = Counter()
        for sentences, n in own.items():
            for word in {token.strip() for sentence in sentences for token in sentence}:
                counts[word] += n
        least = MIN_TOKEN_SHARE * own.total()
        common |= {word for word, n in counts.items() if n >= least}
    return common


def _blank(sentence: Sentence, words: set[str]) -> Sentence:
    """Return a sentence with one slot for each run of tokens of few exchanges."""
    return _join_slots(
        token if token.strip() in words else _slot_of(token) for token in sentence[:MAX_TOKENS]
    )


def _slot_of(token: str) -> str:
    """Return a slot with the spaces after a token."""
    return SLOT + token[len(token.rstrip()) :]


def _join_slots(tokens: Iterable[str]) -> Sentence:
    joined: list[str] = []
    for token in tokens:
        if joined and joined[-1].strip() == token.strip() == SLOT:
            joined[-1] = token
        else:
            joined.append(token)
    return tuple(joined)


def _is_filled_in(sentence: Sentence) -> bool:
    """Return whether most of a sentence is filled in, so that it says nothing."""
    n_slots = sum(token.strip() == SLOT for token in sentence)
    return 2 * n_slots >= len(sentence)


def _find_places(
    messages: Sequence[Counter[tuple[Sentence, ...]]], blanked: Mapping[Sentence, Sentence]
) -> dict[Sentence, Sentence]:
    """Return the sentences with a place that is filled in differently, each with a slot there."""
    present: list[Counter[Sentence]] = []
    for message_counts in messages:
        present.append(Counter())
        for sentences, n in message_counts.items():
            for sentence in {blanked[raw] for raw in sentences}:
                present[-1][sentence] += n
    counts = sum(present, Counter[Sentence]())
    searched = [sentence for sentence, _ in counts.most_common(MAX_SEARCHED)]
    fillers: list[defaultdict[tuple[Sentence, Sentence], set[Sentence]]] = [
        defaultdict(set) for _ in messages
    ]
    for sentence in searched:
        for before, filler, after in _places(sentence):
            for own, place in zip(present, fillers, strict=True):
                if sentence in own:
                    place[before, after].add(filler)
    slots: dict[Sentence, Sentence] = {}
    for sentence in searched:
        # The shortest place first: more of the sentence stays.
        for before, filler, after in _places(sentence):
            if any(len(place[before, after]) >= MIN_FILLERS for place in fillers):
                slots[sentence] = _join_slots((*before, _slot_of(filler[-1]), *after))
                break
    return slots


def _places(sentence: Sentence) -> Iterable[tuple[Sentence, Sentence, Sentence]]:
    """Yield what is before, at and after each place; most of the sentence is outside it."""
    for size in range(1, MAX_FILLER + 1):
        if len(sentence) < 2 * size + 2:
            return
        for at in range(len(sentence) - size + 1):
            if sentence[at : at + size] != (sentence[at],) or sentence[at].strip() != SLOT:
                yield sentence[:at], sentence[at : at + size], sentence[at + size :]
