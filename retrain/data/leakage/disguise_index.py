"""Index of texts that finds them again under a mechanical disguise.

A text is found if it has the same canonical words in any order, alone or between other sentences;
fewer than half of them may have a typing error. Longer texts are also found within a sentence.
Texts are also found if they are written backwards, each word or as a whole, in a cipher that
replaces characters, or with digits and signs for them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from retrain.data.leakage.canonical_text import Clause, clauses_of, plain
from retrain.data.leakage.encoded_text import (
    MIN_CHARACTERS,
    character_pattern,
    is_cipher,
    leet_key,
)

Words = tuple[str, ...]

#: Words of a text beyond which no typing error is searched, and words that may have one.
_MAX_FUZZY_WORDS, _MAX_TYPOS = 60, 4
#: Clauses of a text beyond which no typing error is searched, to save time.
_MAX_CLAUSES = 40
#: Characters of a word that may have an error, and two errors.
_SHORTEST_WORD, _LONG_WORD = 3, 8
#: Minimum words of a benchmark text that is searched between other sentences, and within a
#: sentence; maximum words of one that is searched between other sentences.
_MIN_SENTENCE_WORDS, _MIN_CONTAINED_WORDS, _MAX_RUN_WORDS = 2, 8, 60
#: A word that so many texts have is a word of the language, not a typing error, unless the original
#: word is in at least so many times as many texts.
_KNOWN, _TIMES = 3, 10


class DisguiseIndex:
    """An index of texts, searched by their disguises."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._bags: dict[Words, int] = {}
        self._joined: dict[str, int] = {}
        self._leet: dict[str, int] = {}
        #: Pattern of characters -> a text that has it, with its number.
        self._ciphers: dict[str, tuple[str, int]] = {}
        #: By a word and the number of words.
        self._by_word: dict[tuple[str, int], list[tuple[int, Words]]] = defaultdict(list)
        self._openings: dict[Words, list[tuple[Words, int]]] = defaultdict(list)
        self._counts: Counter[str] = Counter()
        self._vocabulary: Counter[str] = Counter()
        self._longest_run = 0
        self._n_texts = 0
        for text in texts:
            self.add(text)

    def count_words(self, texts: Iterable[str]) -> None:
        """Add texts to the vocabulary, whose frequent words are no typing errors."""
        for text in texts:
            self._vocabulary.update(_distinct_words(clauses_of(text)))

    def add(self, text: str) -> None:
        """Add a text, numbered in the order of the additions."""
        clauses, number = clauses_of(text), self._n_texts
        self._n_texts += 1
        self._counts.update(_distinct_words(clauses))
        self._leet.setdefault(leet_key(plain(text)), number)
        for words in _forms(clauses):
            if len(words) <= _MAX_RUN_WORDS:
                self._longest_run = max(self._longest_run, len(words))
            self._bags.setdefault(tuple(sorted(words)), number)
            self._joined.setdefault("".join(words), number)
            self._add_encoded(words, number)
            if len(words) >= _MIN_CONTAINED_WORDS:
                self._openings[words[:3]].append((words, number))
            if 2 <= len(words) <= _MAX_FUZZY_WORDS:
                for word in set(words):
                    self._by_word[word, len(words)].append((number, words))

    def find(self, text: str) -> int | None:
        """Return the number of a text that the given one disguises or contains."""
        clauses = clauses_of(text)
        fuzzy = len(clauses) <= _MAX_CLAUSES
        for run in self._runs(clauses):
            for words in _forms(run):
                if len(words) >= _least_words(run, clauses):
                    number = self._same(words, fuzzy=fuzzy)
                    if number is not None:
                        return number
        number = self._leet.get(leet_key(plain(text))) if clauses else None
        return self._contained(clauses) if number is None else number

    def find_within(self, text: str) -> int | None:
        """Return the number of a longer text that the given one contains word by word."""
        return self._contained(clauses_of(text))

    def _same(self, words: Words, *, fuzzy: bool) -> int | None:
        exact = self._bags.get(tuple(sorted(words)), self._joined.get("".join(words)))
        if exact is None:
            exact = self._deciphered(" ".join(words))
        if exact is not None or not fuzzy:
            return exact
        n_typos = _most_typos(words)
        # One of so many words has no error, so the text is among those with the rarest ones.
        rarest = sorted(set(words), key=lambda word: (self._counts[word], word))[: n_typos + 1]
        return next(
            (
                number
                for word in rarest
                for number, original in self._by_word.get((word, len(words)), ())
                if self._differ_by_typos(words, original, n_typos)
            ),
            None,
        )

    def _add_encoded(self, words: Words, number: int) -> None:
        joined = "".join(words)
        if len(joined) < MIN_CHARACTERS:
            return
        self._joined.setdefault(joined[::-1], number)
        self._joined.setdefault("".join(word[::-1] for word in words), number)
        for text in (" ".join(words), " ".join(words)[::-1]):
            self._ciphers.setdefault(character_pattern(text), (text, number))

    def _deciphered(self, text: str) -> int | None:
        if len(text) < MIN_CHARACTERS:
            return None
        original, number = self._ciphers.get(character_pattern(text), ("", 0))
        return number if original and is_cipher(text, original) else None

    def _differ_by_typos(self, words: Words, original: Words, n_typos: int) -> bool:
        if len(set(original).difference(words)) > n_typos:  # the fast part of the next line
            return False
        remaining = Counter(original) - Counter(words)
        if remaining.total() > n_typos:
            return False
        for word in (Counter(words) - Counter(original)).elements():
            match = next((other for other in remaining if self._is_typo(word, other)), None)
            if match is None:
                return False
            remaining -= Counter([match])
        return True

    def _is_typo(self, word: str, original: str) -> bool:
        n = self._vocabulary[word]
        is_known = n >= _KNOWN and n * _TIMES > self._vocabulary[original]
        return not is_known and is_typo(word, original)

    def _contained(self, clauses: Sequence[Clause]) -> int | None:
        for words in _forms(clauses):
            for start in range(len(words) - _MIN_CONTAINED_WORDS + 1):
                for text, number in self._openings.get(words[start : start + 3], ()):
                    if words[start : start + len(text)] == text:
                        return number
        return None

    def _runs(self, clauses: Sequence[Clause]) -> Iterator[Sequence[Clause]]:
        """Yield the text, then each run of its clauses that may be one of the texts."""
        if clauses:
            yield clauses
        for start in range(len(clauses)):
            n_words = 0
            for end in range(start, len(clauses)):
                n_words += len(clauses[end].content)
                if n_words > self._longest_run:
                    break
                if end - start + 1 < len(clauses):
                    yield clauses[start : end + 1]


def is_typo(word: str, original: str) -> bool:
    """Return whether a word differs from another by a typing error, or by two if it is long.

    An error is an inserted, missing or replaced character, or two swapped ones. Numbers have none,
    and words of two characters only swapped ones.
    """
    if any(char.isdigit() for char in word + original):
        return False
    if max(len(word), len(original)) < _SHORTEST_WORD:
        return sorted(word) == sorted(original)
    limit = 2 if max(len(word), len(original)) >= _LONG_WORD else 1
    return abs(len(word) - len(original)) <= limit and _n_edits(word, original) <= limit


def _n_edits(first: str, second: str) -> int:
    """Return the optimal string alignment distance (Boytsov 2011, section 2.2)."""
    before: list[int] = []
    above = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        row = [i]
        for j, b in enumerate(second, start=1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]


def _forms(clauses: Sequence[Clause]) -> list[Words]:
    """Return the words of clauses, and those without courtesy and short forms."""
    words = tuple(word for clause in clauses for word in clause.words)
    content = tuple(word for clause in clauses for word in clause.content)
    return list(dict.fromkeys(form for form in (words, content) if form))


def _most_typos(words: Words) -> int:
    """Return the most words of a text that may have a typing error: fewer than half of them.

    They are few, so that the search needs the rarest words only.
    """
    return min(_MAX_TYPOS, max(1, (len(words) - 1) // 2))


def _distinct_words(clauses: Sequence[Clause]) -> set[str]:
    return {word for clause in clauses for word in clause.words}


def _least_words(run: Sequence[Clause], clauses: Sequence[Clause]) -> int:
    """Return the least words that a run of a text's clauses must have to be compared."""
    if len(run) == len(clauses):
        return 1
    return _MIN_SENTENCE_WORDS if run[0].begins and run[-1].ends else _MIN_CONTAINED_WORDS
