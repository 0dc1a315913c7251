r"""Keyed fingerprints of ids and passages, and the search for them in any text.

A text is a sequence of words. A fingerprint is the HMAC of an id, or of a run of words (a shingle:
Broder, "On the resemblance and containment of documents", 1997). All runs of a searched text are
compared by a rolling sum over keyed values of its words (Karp and Rabin, "Efficient randomized
pattern-matching algorithms", 1987); the HMAC is computed only where the sum is known. The time is
linear in the length of the text, whatever the number of fingerprints.

>>> keyed = Keyed(b"secret")
>>> prints = keyed.of_ids(["ann@example.org"])
>>> search = FingerprintSearch([(keyed, {7: prints})])
>>> [hit.owner for hit in search.find("write to ANN\\u0040example.org")]
[7]
"""

import hashlib
import hmac
import re
import secrets as random_secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitor.privacy.erasure.passages import Words, tokens
from monitor.traffic.redaction.normalized_text import NormalizedText

#: A passage has so many words, and so many characters in them.
PASSAGE_WORDS, PASSAGE_CHARACTERS = 8, 24
#: Of a script without spaces: so many characters.
PASSAGE_IDEOGRAPHS = 16
#: Each run that begins at such a word is kept: a quote of PASSAGE_WORDS + STRIDE - 1 words has one.
STRIDE = 3
#: A shorter id may be any word.
MIN_ID = 6
#: Words whose values are kept in memory.
MAX_CACHED = 500_000

_PERCENT = re.compile(r"%([2-7][0-9a-fA-F])")
#: Escapes that separate words or stand before a quote.
_ESCAPES = re.compile(r"\\+(?:[nrtbf]|u00[01][0-9a-fA-F]|(?=[\"'/]))")

Numbers = NDArray[np.uint64]


@dataclass(frozen=True)
class Fingerprint:
    """A keyed digest of an id or a passage."""

    #: ``id`` or ``passage``.
    kind: str
    n_words: int
    #: Half of the rolling sum, by which a match is looked for.
    sum: int
    mac: str

    def __str__(self) -> str:
        """Return the stored form."""
        return f"{self.kind}:{self.n_words}:{self.sum:08x}:{self.mac}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the fingerprint of a stored form; ``ValueError`` where it is none."""
        kind, n_words, rolling, mac = text.split(":")
        return cls(kind, int(n_words), int(rolling, 16), mac)


@dataclass(frozen=True)
class Hit:
    """A place in a text that has a fingerprint."""

    #: The erasure whose fingerprint it is.
    owner: int
    kind: str
    #: Begin and end in the normalized text.
    span: tuple[int, int]


class Keyed:
    """The functions of a key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._values: dict[str, int] = {}
        self._factors: list[int] = []

    def mac(self, use: str, text: str) -> str:
        """Return the HMAC of a text, of which 128 bits are kept."""
        return self._digest(use, text)[:16].hex()

    def of_ids(self, ids: Iterable[str]) -> list[Fingerprint]:
        """Return the fingerprints of ids; a short one has none."""
        prints = {}
        for id_ in ids:
            text = normalize(id_)
            matches = list(tokens(text))
            if len(text) < MIN_ID or not matches:
                continue
            named = text[matches[0][1][0] : matches[-1][1][1]]
            if len(named) >= MIN_ID:
                words = tuple(word for word, _ in matches)
                prints[named.lower()] = self._print("id", words, named.lower())
        return list(prints.values())

    def of_passages(self, passages: Iterable[Words]) -> list[Fingerprint]:
        """Return the fingerprints of runs of words."""
        return [self._print("passage", words, " ".join(words)) for words in passages]

    def values(self, words: Sequence[str]) -> Numbers:
        """Return the keyed values of words."""
        if len(self._values) > MAX_CACHED:
            self._values.clear()
        known = self._values
        for word in set(words):
            if word not in known:
                known[word] = int.from_bytes(self._digest("word", word)[:8])
        return np.fromiter((known[word] for word in words), dtype=np.uint64, count=len(words))

    def sums(self, values: Numbers, n_words: int) -> NDArray[np.uint32]:
        """Return half of the sum over each run of ``n_words`` words, in the order of the text."""
        while len(self._factors) < n_words:
            factor = self._digest("factor", str(len(self._factors)))
            self._factors.append(int.from_bytes(factor[:8]) | 1)
        n_runs = len(values) - n_words + 1
        total = np.zeros(max(n_runs, 0), dtype=np.uint64)
        for at in range(n_words if n_runs > 0 else 0):
            total += values[at : at + n_runs] * np.uint64(self._factors[at])
        return (total >> np.uint64(32)).astype(np.uint32)

    def _print(self, kind: str, words: Words, text: str) -> Fingerprint:
        rolling = int(self.sums(self.values(words), len(words))[0])
        return Fingerprint(kind, len(words), rolling, self.mac(kind, text))

    def _digest(self, use: str, text: str) -> bytes:
        message = f"driftwarden.{use}\n{text}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, hashlib.sha256)


class FingerprintSearch:
    """The search for the fingerprints of erasures, under one key or several."""

    def __init__(
        self, by_key: Iterable[tuple[Keyed, Mapping[int, Iterable[Fingerprint]]]] = ()
    ) -> None:
        self._keys: list[tuple[Keyed, dict[int, NDArray[np.uint32]], dict[str, set[int]]]] = []
        self.n_ids = self.n_passages = 0
        for keyed, of_owners in by_key:
            self._add(keyed, of_owners)

    def _add(self, keyed: Keyed, of_owners: Mapping[int, Iterable[Fingerprint]]) -> None:
        rolling: defaultdict[int, set[int]] = defaultdict(set)
        owners: defaultdict[str, set[int]] = defaultdict(set)
        for owner, prints in of_owners.items():
            for print_ in prints:
                rolling[print_.n_words].add(print_.sum)
                owners[f"{print_.kind}:{print_.mac}"].add(owner)
                self.n_ids += print_.kind == "id"
                self.n_passages += print_.kind == "passage"
        arrays = {n: np.array(sorted(sums), dtype=np.uint32) for n, sums in rolling.items()}
        self._keys.append((keyed, arrays, owners))

    def with_passages(self, passages: Iterable[Words]) -> Self:
        """Return the search for passages too that nothing remembers yet."""
        keyed = Keyed(random_secrets.token_bytes(32))
        extended = copy(self)
        extended._keys = [*self._keys]  # noqa: SLF001 - its own
        extended._add(keyed, {0: keyed.of_passages(passages)})  # noqa: SLF001
        extended.n_passages = max(self.n_passages, extended.n_passages - self.n_passages)
        return extended

    def __bool__(self) -> bool:
        """Return whether there is anything to search for."""
        return bool(self.n_ids or self.n_passages)

    def find(self, text: str, *, ids_only: bool = False) -> Iterator[Hit]:
        """Yield the places of a text that have a fingerprint, or the id of an end user only."""
        if not self or not text:
            return
        text = normalize(text)
        matches = list(tokens(text))
        words = [word for word, _ in matches]
        for keyed, rolling, owners in self._keys:
            values = keyed.values(words)
            for n_words, known in rolling.items():
                for at in np.flatnonzero(np.isin(keyed.sums(values, n_words), known)):
                    first, last = matches[at][1][0], matches[at + n_words - 1][1][1]
                    run = {"id": text[first:last].lower()}
                    if not ids_only:
                        run["passage"] = " ".join(words[at : at + n_words])
                    for kind, part in run.items():
                        for owner in owners.get(f"{kind}:{keyed.mac(kind, part)}", ()):
                            yield Hit(owner, kind, (first, last))

    def mask(self, text: str) -> str:
        """Return a short text, such as a path, without what has a fingerprint."""
        spans = sorted({hit.span for hit in self.find(text)}, reverse=True)
        if not spans:
            return text
        masked = normalize(text)
        for first, last in spans:
            masked = f"{masked[:first]}[erased]{masked[last:]}"
        return masked


def normalize(text: str) -> str:
    """Return a text without escapes, invisible characters and other forms of a character."""
    text = NormalizedText(text).text
    if "%" in text:
        text = _PERCENT.sub(lambda matches: chr(int(matches[1], 16)), text)
    if "\\" in text:
        text = _ESCAPES.sub(lambda matches: "" if matches[0][-1] == "\\" else " ", text)
    return text


def passages_of(texts: Iterable[str]) -> set[Words]:
    """Return the runs of words of texts that are long enough to be nobody else's by chance."""
    passages: set[Words] = set()
    for text in texts:
        words = tuple(word for word, _ in tokens(normalize(text)))
        for n_words in (PASSAGE_WORDS, PASSAGE_IDEOGRAPHS):
            last = len(words) - n_words
            starts = {*range(0, last + 1, STRIDE), last} if last >= 0 else set()
            runs = (words[at : at + n_words] for at in starts)
            passages.update(run for run in runs if _is_long(run))
    return passages


def remove_shared(passages: set[Words], texts: Iterable[str]) -> None:
    """Remove the runs of words of which one of the texts has a half.

    Prompts that ask the same differ in a few words: a run that nobody else wrote in full is no
    rarity where others wrote half of it.
    """
    by_half: defaultdict[Words, set[Words]] = defaultdict(set)
    for passage in passages:
        length = len(passage) // 2
        for at in range(length + 1):
            by_half[passage[at : at + length]].add(passage)
    firsts = {half[0] for half in by_half}
    for text in texts:
        words = tuple(word for word, _ in tokens(normalize(text)))
        for at, word in enumerate(words):
            if word in firsts:
                for n_words in (PASSAGE_WORDS // 2, PASSAGE_IDEOGRAPHS // 2):
                    passages -= by_half.get(words[at : at + n_words], set())


def _is_long(run: Words) -> bool:
    if len(run) == PASSAGE_IDEOGRAPHS:
        return all(len(word) == 1 for word in run)
    return sum(map(len, run)) >= PASSAGE_CHARACTERS
