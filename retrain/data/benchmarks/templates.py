"""Items of one template: they differ in numbers, dates and ids, or in a few words such as names.

A system that knows one of them knows the others, unless the reference answer depends on the part
that differs, as in arithmetic.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product, takewhile

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.data.example import normalised, question_text
from retrain.data.leakage.canonical_text import clauses_of

#: Items that differ in words make a template if they are so many; in numbers, two do.
MIN_FILLINGS = 4
#: Most words of the part that differs, and of each of two such parts.
MAX_SLOT, MAX_EACH_SLOT = 3, 2
#: Least words around one part, and around two, and the least share of a text's words.
MIN_AROUND_ONE, MIN_AROUND_TWO, MIN_AROUND_SHARE = 3, 5, 0.6
#: Least words of a prompt that remain without all rare ones, however many these are.
MIN_AROUND_RARE = 5
#: Words of a text in which one part, and two parts, are searched.
MAX_WORDS, MAX_WORDS_OF_TWO = 100, 30

_NUMBER, _SLOT = "#", "_"
_DATE_WORD = re.compile(
    "(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|may|june|july|august|"
    "september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec"
)
_TOKEN = re.compile(r"[^\W_]+")
_JOINED = re.compile(r"(<\d+>)(?:[.,:/-]?<\d+>)+")

Words = tuple[str, ...]
#: First word of each part that differs, and the word after it.
Slots = tuple[tuple[int, int], ...]
#: A text around the parts that differ -> the rows that have it, with their parts.
Groups = dict[Words, dict[int, Slots]]


@dataclass(frozen=True)
class _Text:
    """The words of an item, with each number as one placeholder."""

    #: Those of context and system prompt, then those of the prompt.
    words: Words
    #: The number of words before the prompt.
    n_before: int
    #: The numbers in the order of the text.
    numbers: Words

    @property
    def prompt(self) -> Words:
        """The words of the prompt."""
        return self.words[self.n_before :]


def find_fillings(
    items: Sequence[BenchmarkItem], rows: Sequence[int], asks: Mapping[int, Hashable]
) -> dict[int, int]:
    """Return the items of a template that don't count: row -> row of an item that does.

    A template's most frequent reference answer counts at most once more often than its others
    together, so that a system that ignores what differs is right on half of them. Where it repeats
    what differs, it is the same in all. ``asks`` is what an item asks of a response besides.
    """
    texts = {row: _text_of(items[row]) for row in rows}
    expected = Counter(items[row].expected for row in rows)
    # Where one reference answer prevails, what all prompts begin with may be the template.
    prevails = 2 * max(expected.values(), default=0) > len(rows)
    n_common = 0 if prevails else _n_common([text.prompt for text in texts.values()])
    fillings: dict[int, int] = {}
    for group, least in _groups(texts, n_common):
        by_expected: dict[Hashable, list[int]] = defaultdict(list)
        for row, slots in group.items():
            if row not in fillings:
                by_expected[asks[row], _expected(items[row], texts[row], slots)].append(row)
        top = max(by_expected.values(), key=len, default=[])
        n_kept = 1 + sum(map(len, by_expected.values())) - len(top)
        if len(top) >= least:
            fillings |= dict.fromkeys(top[n_kept:], top[0])
    return fillings


def _text_of(item: BenchmarkItem) -> _Text:
    system = [message["content"] for message in item.messages if message["role"] == "system"]
    before, numbers_before = _masked("\n".join((item.context, *system)))
    prompt, numbers = _masked(question_text(item.messages))
    return _Text(before + prompt, len(before), tuple(dict.fromkeys(numbers_before + numbers)))


def _masked(text: str) -> tuple[Words, Words]:
    """Return the words of a text with a placeholder for each number, and the numbers."""
    tokens = [word for clause in clauses_of(text) for word in clause.content]
    has_digit = [any(map(str.isdigit, token)) for token in tokens]
    # Names of days and months are parts of a date where a number is beside them.
    is_number = [
        has_digit[i] or (_DATE_WORD.fullmatch(token) and any(has_digit[max(0, i - 1) : i + 2]))
        for i, token in enumerate(tokens)
    ]
    words = [_NUMBER if mask else token for token, mask in zip(tokens, is_number, strict=True)]
    collapsed = (w for i, w in enumerate(words) if w != _NUMBER or words[i - 1 : i] != [_NUMBER])
    numbers = (token for token, mask in zip(tokens, is_number, strict=True) if mask)
    return tuple(collapsed), tuple(numbers)


def _groups(texts: Mapping[int, _Text], n_common: int) -> Iterator[tuple[dict[int, Slots], int]]:
    """Yield the rows of each template with the least number of them, larger templates first."""
    by_numbers: Groups = defaultdict(dict)
    for row, text in texts.items():
        if _NUMBER in text.words and len(text.words) > 1:
            by_numbers[text.words][row] = ()
    yield from ((group, 2) for group in by_numbers.values() if len(group) > 1)
    counts = Counter(word for text in texts.values() for word in set(text.words))
    by_words: Groups = defaultdict(dict)
    for row, text in texts.items():
        # A word of fewer texts is in no template.
        rare = [i for i, word in enumerate(text.words) if counts[word] < MIN_FILLINGS]
        if len(text.words) <= MAX_WORDS:
            for slots in _slots(text, rare, n_common):
                by_words[_around(text.words, slots)][row] = slots
        own = [word for word in text.prompt if counts[word] >= MIN_FILLINGS]
        if len(own) - n_common >= MIN_AROUND_RARE:
            by_words[_without(text.words, rare)][row] = tuple((i, i + 1) for i in rare)
    templates = [(key, group) for key, group in by_words.items() if len(group) >= MIN_FILLINGS]
    templates.sort(key=lambda entry: (-len(entry[1]), -len(entry[0]), min(entry[1])))
    yield from ((group, MIN_FILLINGS) for _, group in templates)


def _slots(text: _Text, rare: Sequence[int], n_common: int) -> Iterator[Slots]:
    """Yield the parts of a text that may differ: they have all of its rare words.

    Of the words around them only those of the prompt are counted, without those that all prompts
    begin and end with, unless nothing else is there.
    """
    n, own = len(text.words), len(text.prompt) - n_common
    first, last = (rare[0], rare[-1]) if rare else (n, -1)

    def fits(slots: Slots, least: int) -> bool:
        around = own - sum(max(0, end - max(start, text.n_before)) for start, end in slots)
        only_common = around == 0 and n_common >= MIN_AROUND_ONE
        if around < max(MIN_AROUND_ONE, MIN_AROUND_SHARE * own) and not only_common:
            return False
        n_around = n - sum(end - start for start, end in slots)
        return n_around - (0 if only_common else n_common) >= least

    for size in range(1, MAX_SLOT + 1):
        for start in range(max(0, last - size + 1), min(first, n - size) + 1):
            slots = ((start, start + size),)
            if fits(slots, MIN_AROUND_ONE):
                yield slots
    if n > MAX_WORDS_OF_TWO:
        return
    for size, other in product(range(1, MAX_EACH_SLOT + 1), repeat=2):
        for start in range(min(first, n - size - other - 1) + 1):
            end = start + size
            for second in range(max(end, last - other) + 1, n - other + 1):
                pair = ((start, end), (second, second + other))
                covered = all(start <= i < end or second <= i for i in rare)
                if covered and fits(pair, MIN_AROUND_TWO):
                    yield pair


def _without(words: Words, places: Sequence[int]) -> Words:
    left_out = set(places)
    return tuple(word for i, word in enumerate(words) if i not in left_out)


def _around(words: Words, slots: Slots) -> Words:
    around: list[str] = []
    end = 0
    for start, stop in slots:
        around += (*words[end:start], _SLOT)
        end = stop
    return (*around, *words[end:])


def _expected(item: BenchmarkItem, text: _Text, slots: Slots) -> str | None:
    """Return the reference answer with placeholders for what it repeats of the differing parts."""
    if item.expected is None:
        return None
    numbers = {number: place for place, number in enumerate(text.numbers)}
    fillers = {
        word: place
        for place, (start, end) in enumerate(slots, start=len(numbers))
        for word in text.words[start:end]
    }

    def placeholder(match: "re.Match[str]") -> str:
        word = match.group()
        place = numbers.get(word, fillers.get(word))
        return word if place is None else f"<{place}>"

    return _JOINED.sub(r"\1", _TOKEN.sub(placeholder, normalised(item.expected).casefold()))


def _n_common(texts: Sequence[Words]) -> int:
    """Return the number of words that all texts begin and end with."""
    if len(texts) < 2:
        return 0
    first = sum(1 for _ in takewhile(lambda words: len(set(words)) == 1, zip(*texts, strict=False)))
    rest = [words[first:][::-1] for words in texts]
    return first + sum(
        1 for _ in takewhile(lambda words: len(set(words)) == 1, zip(*rest, strict=False))
    )
